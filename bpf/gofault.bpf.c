// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Panics and fatal errors, with their message and stack, before the process dies of them. */
#include "emit.bpf.h"

/* A field of the target's that an offset of 0 makes unknown. */
static __always_inline u64 field(struct hit *hit, u64 object, u32 offset)
{
	u64 value = 0;

	if (object && offset)
		read_target(hit, &value, sizeof(value), object + offset);
	return value;
}

/* On the scheduler's stack g is g0, whose goid is 0; the goroutine is then m.curg. */
static __always_inline u64 current_goid(struct pt_regs *ctx, struct hit *hit)
{
	const struct wire_target *t = hit->target;
	u64 g = go_g(ctx, hit), goid = field(hit, g, t->g_goid_off);

	if (goid)
		return goid;
	return field(hit, field(hit, field(hit, g, t->g_m_off), t->m_curg_off), t->g_goid_off);
}

/* Message bytes stand in .rodata and are often not resident (a fault here): user space then reads
 * them from the process or the file, so no loss is counted. */
static __always_inline void read_text(struct wire_fault *rec)
{
	u32 len = rec->text_len < WIRE_TEXT_BYTES ? rec->text_len : WIRE_TEXT_BYTES;

	rec->text_read = 0;
	if (len && !bpf_probe_read_user(rec->text, len, (const void *)rec->text_ptr))
		rec->text_read = len;
}

/* gopanic(e any): whatever its type, its data begins with these words; for a string, a
 * runtime.Error of string kind or an *errors.errorString they are pointer and length of the text.
 */
static __always_inline void read_panic_value(struct pt_regs *ctx, struct hit *hit,
					     struct wire_fault *rec)
{
	rec->type = go_arg(ctx, hit, 0);
	rec->data = go_arg(ctx, hit, 1);
	/* On a fault the helper fills with zeros; user space then reads the value itself. */
	if (bpf_probe_read_user(rec->words, sizeof(rec->words), (const void *)rec->data))
		return;
	rec->words_read = 4;
	rec->text_ptr = rec->words[0];
	rec->text_len = rec->words[1];
}

/* gopanic(e any); throw(s string), fatal(s string) */
SEC("uprobe.multi")
int fault(struct pt_regs *ctx)
{
	struct wire_fault *rec;
	struct hit hit;

	if (!gate(ctx, &hit, WIRE_GROUP_FAULT))
		return 0;
	rec = RECORD_BEGIN(&hit, struct wire_fault, WIRE_FAULT);
	if (!rec)
		return 0;
	rec->goid = current_goid(ctx, &hit);
	rec->type = 0;
	rec->data = 0;
	rec->words_read = 0;
	rec->text_ptr = 0;
	rec->text_len = 0;
	if (hit.fn == WIRE_FN_GOPANIC) {
		read_panic_value(ctx, &hit, rec);
	} else {
		rec->text_ptr = go_arg(ctx, &hit, 0);
		rec->text_len = go_arg(ctx, &hit, 1);
	}
	read_text(rec);
	record_stack(ctx, &hit, &rec->stack);
	record_end_urgent(&hit, rec);
	return 0;
}
