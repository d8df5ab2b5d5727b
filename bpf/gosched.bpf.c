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

/* newproc1(fn *funcval, callergp *g, callerpc uintptr, …): funcval's first word is the code */
static __always_inline void on_create(struct pt_regs *ctx, struct hit *hit,
				      struct wire_go_site *key)
{
	struct wire_go_count *count;

	key->gopc = GO_ARG2(ctx);
	read_target(hit, &key->startpc, sizeof(key->startpc), GO_ARG0(ctx));
	count = go_count(hit, key);
	if (count)
		COUNT(count->created, 1);
}

/* gdestroy(gp), goexit0(gp): gp still says where it came from */
static __always_inline void on_exit(struct pt_regs *ctx, struct hit *hit, struct wire_go_site *key)
{
	const struct wire_target *target = hit->target;
	struct wire_go_count *count;

	if (target->g_gopc_off && target->g_startpc_off) {
		read_target(hit, &key->gopc, sizeof(key->gopc), GO_ARG0(ctx) + target->g_gopc_off);
		read_target(hit, &key->startpc, sizeof(key->startpc),
			    GO_ARG0(ctx) + target->g_startpc_off);
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

	if (!gate(ctx, &hit))
		return 0;
	key.slot = hit.slot;
	if (hit.fn == WIRE_FN_GO_CREATE)
		on_create(ctx, &hit, &key);
	else if (hit.fn == WIRE_FN_GO_EXIT)
		on_exit(ctx, &hit, &key);
	return 0;
}
