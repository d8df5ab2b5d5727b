// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Goroutines created and gone, by creation site. Both probed functions run on g0. */
#include "gate.bpf.h"

static __always_inline struct wire_go_count *go_count(struct hit *hit, struct wire_go_site *key)
{
	struct wire_go_count zero = {}, *count = bpf_map_lookup_elem(&go_sites, key);

	if (!count) {
		/* -EEXIST: another CPU was first, and its row serves as well. */
		bpf_map_update_elem(&go_sites, key, &zero, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&go_sites, key);
	}
	if (!count)
		count_loss(hit, WIRE_LOSS_TABLE);
	return count;
}

/* pc, or 0 where only code of the program is believed and it is none. */
static __always_inline u64 code_or_0(const struct wire_target *target, u64 pc)
{
	if (target->text_end && (pc < target->text_start || pc >= target->text_end))
		return 0;
	return pc;
}

/*
 * newproc1(fn *funcval, callergp *g, callerpc uintptr, …), before Go 1.18 newproc1(fn *funcval,
 * argp unsafe.Pointer, narg int32, callergp *g, callerpc uintptr): funcval's first word is the code
 */
static __always_inline void on_create(struct pt_regs *ctx, struct hit *hit,
				      struct wire_go_site *key)
{
	const struct wire_target *target = hit->target;
	struct wire_go_count *count;
	u64 startpc = 0;

	if (target->creator_pc_arg == 2)
		key->gopc = code_or_0(target, go_arg(ctx, hit, 2));
	else if (target->creator_pc_arg == 4)
		key->gopc = code_or_0(target, go_arg(ctx, hit, 4));
	read_target(hit, &startpc, sizeof(startpc), go_arg(ctx, hit, 0));
	key->startpc = code_or_0(target, startpc);
	count = go_count(hit, key);
	if (count)
		COUNT(count->created, 1);
}

/* gdestroy(gp), goexit0(gp): gp still says where it came from */
static __always_inline void on_exit(struct pt_regs *ctx, struct hit *hit, struct wire_go_site *key)
{
	const struct wire_target *target = hit->target;
	struct wire_go_count *count;
	u64 gp = go_arg(ctx, hit, 0), gopc = 0, startpc = 0;

	if (target->g_gopc_off && target->g_startpc_off) {
		read_target(hit, &gopc, sizeof(gopc), gp + target->g_gopc_off);
		read_target(hit, &startpc, sizeof(startpc), gp + target->g_startpc_off);
		key->gopc = code_or_0(target, gopc);
		key->startpc = code_or_0(target, startpc);
	}
	count = go_count(hit, key);
	if (count)
		COUNT(count->exited, 1);
}

SEC("uprobe.multi")
int goroutine(struct pt_regs *ctx)
{
	struct wire_go_site key = {};
	struct hit hit;

	if (!gate(ctx, &hit, WIRE_GROUP_GOROUTINE) || hit.lean)
		return 0;
	key.slot = hit.slot;
	if (hit.fn == WIRE_FN_GO_CREATE)
		on_create(ctx, &hit, &key);
	else if (hit.fn == WIRE_FN_GO_EXIT)
		on_exit(ctx, &hit, &key);
	end_run(&hit, WIRE_GROUP_GOROUTINE);
	return 0;
}
