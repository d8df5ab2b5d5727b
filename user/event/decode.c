/* SPDX-License-Identifier: BSD-2-Clause */
#include "event/decode.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "gobin/faults.h"

/* At some sites the kernel's walk names the direct caller too: drop that double. */
static struct event_stack decode_stack(const struct wire_stack *stack)
{
	size_t frames = MIN(stack->frames, (u32)WIRE_MAX_FRAMES);
	const u64 *pc = stack->pc;

	if (frames > 1 && pc[1] == pc[0]) {
		pc++;
		frames--;
	}
	return (struct event_stack) { .pc = pc, .frames = frames };
}

static void decode_map_grow(const void *record, struct event *ret)
{
	const struct wire_map_grow *rec = record;

	ret->kind = EVENT_MAP_GROW;
	ret->map_grow = (struct event_map_grow) {
		.map = rec->map,
		.type = rec->type,
		.entries = rec->entries,
		.moved = rec->moved,
		.slots_before = rec->slots_before,
		.slots_after = rec->slots_after,
		.dir_len = rec->dir_len,
		.tombstones = rec->tombstones,
		.grow = (enum wire_grow_kind)rec->grow,
		.during_gc = rec->during_gc,
		.stack = decode_stack(&rec->stack),
	};
}

static void decode_stop(const void *record, const struct names *names, struct event *ret)
{
	const struct wire_stop *rec = record;

	ret->kind = EVENT_STOP;
	ret->stop = (struct event_stop) {
		.requested_ns = rec->requested_ns,
		.stopped_ns = rec->stopped_ns,
		.reason = rec->reason,
	};
	if (rec->reason_len)
		(void)names->string(names->arg, rec->reason_ptr, rec->reason_len,
				    ret->stop.reason_text, sizeof(ret->stop.reason_text));
}

static void decode_gc_end(const void *record, struct event *ret)
{
	const struct wire_gc_end *rec = record;

	ret->kind = EVENT_GC_END;
	ret->gc_end.have = rec->have;
	memcpy(ret->gc_end.word, rec->word, sizeof(ret->gc_end.word));
}

/* What the program could read of the message if that is all of it, else read it here. */
static void string_text(const struct wire_fault *rec, u64 ptr, u64 len, const struct names *names,
			struct event_fault *ret)
{
	size_t have = MIN(rec->text_read, (u32)WIRE_TEXT_BYTES);

	if (have && have == len && ptr == rec->text_ptr)
		snprintf(ret->text, sizeof(ret->text), "%.*s", (int)have, rec->text);
	else if (len)
		(void)names->string(names->arg, ptr, len, ret->text, sizeof(ret->text));
}

/* runtime.TypeAssertionError{_interface, concrete, asserted *_type; missingMethod string}
 * (runtime/error.go), worded as its Error method words it. */
static void assertion_text(const u64 *words, const struct names *names, struct event_fault *ret)
{
	char concrete[200] = "nil", asserted[200] = "?";

	if (words[1])
		(void)names->type(names->arg, words[1], concrete, sizeof(concrete));
	(void)names->type(names->arg, words[2], asserted, sizeof(asserted));
	snprintf(ret->text, sizeof(ret->text), "interface conversion: interface is %s, not %s",
		 concrete, asserted);
}

/* A panic's value: as the program read it, or, where the page was not resident (the runtime's own
 * messages stand in .rodata), as it is read now. */
static void panic_text(const struct wire_fault *rec, const struct names *names,
		       struct event_fault *ret)
{
	u64 words[ARRAY_SIZE(rec->words)];

	(void)names->type(names->arg, rec->type, ret->type, sizeof(ret->type));
	memcpy(words, rec->words, sizeof(words));
	if (rec->words_read < ARRAY_SIZE(words) &&
	    names->read(names->arg, rec->data, words, sizeof(words)))
		return;
	switch (go_panic_value(ret->type)) {
	case GO_PANIC_STRING:
		string_text(rec, words[0], words[1], names, ret);
		break;
	case GO_PANIC_ASSERTION:
		assertion_text(words, names, ret);
		break;
	case GO_PANIC_OPAQUE:
		break;
	}
}

static void decode_fault(const void *record, const struct names *names, struct event *ret)
{
	const struct wire_fault *rec = record;
	struct event_fault *f = &ret->fault;

	ret->kind = EVENT_FAULT;
	f->fn = (enum wire_fn)rec->hdr.fn;
	f->goid = rec->goid;
	f->type[0] = f->text[0] = 0;
	f->stack = decode_stack(&rec->stack);
	if (f->fn == WIRE_FN_GOPANIC)
		panic_text(rec, names, f);
	else
		string_text(rec, rec->text_ptr, rec->text_len, names, f);
}

static size_t record_size(u16 kind)
{
	switch (kind) {
	case WIRE_MAP_GROW:
		return sizeof(struct wire_map_grow);
	case WIRE_STOP:
		return sizeof(struct wire_stop);
	case WIRE_GC_START:
		return sizeof(struct wire_gc_start);
	case WIRE_GC_END:
		return sizeof(struct wire_gc_end);
	case WIRE_FAULT:
		return sizeof(struct wire_fault);
	}
	return 0;
}

int event_decode(const void *record, size_t size, const struct names *names, struct event *ret)
{
	const struct wire_hdr *hdr = record;

	if (size < sizeof(*hdr))
		return -EBADMSG;
	if (!record_size(hdr->kind))
		return -ENOTSUP;
	if (size < record_size(hdr->kind))
		return -EBADMSG;
	ret->time_ns = hdr->time_ns;
	ret->pid = hdr->tgid;
	ret->tid = hdr->tid;
	if (hdr->kind == WIRE_MAP_GROW)
		decode_map_grow(record, ret);
	else if (hdr->kind == WIRE_STOP)
		decode_stop(record, names, ret);
	else if (hdr->kind == WIRE_GC_START)
		ret->kind = EVENT_GC_START;
	else if (hdr->kind == WIRE_GC_END)
		decode_gc_end(record, ret);
	else
		decode_fault(record, names, ret);
	return 0;
}
