/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Records on their way to user space. They are built in place in the ring's
 * memory: a per-CPU scratch buffer would be shared with whatever preempts us.
 */
#ifndef EMIT_BPF_H
#define EMIT_BPF_H

#include "gate.bpf.h"

/* A record with its header filled in, the rest not even zeroed; NULL with the loss counted. */
static __always_inline void *record_begin(struct hit *hit, u32 size, enum wire_kind kind)
{
	struct wire_hdr *hdr = bpf_ringbuf_reserve(&events, size, 0);
	u64 tgid_tid = bpf_get_current_pid_tgid();

	if (!hdr) {
		count_loss(hit, WIRE_LOSS_RING);
		return NULL;
	}
	hdr->time_ns = bpf_ktime_get_ns();
	hdr->tgid = tgid_tid >> 32;
	hdr->tid = (u32)tgid_tid;
	hdr->kind = kind;
	hdr->fn = hit->fn;
	hdr->slot = hit->slot;
	return hdr;
}

#define RECORD_BEGIN(hit, type, kind) ((type *)record_begin((hit), sizeof(type), (kind)))

/*
 * Waking the reader costs more than reading: it comes by itself every WIRE_POLL_MS, unless the ring
 * is filling up before.
 */
static __always_inline void record_end(void *record)
{
	u64 waiting = bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA);
	u64 size = bpf_ringbuf_query(&events, BPF_RB_RING_SIZE);

	bpf_ringbuf_submit(record, waiting > size / 4 ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

/* Some hundred a second are told at once, as long as the process is there to be asked about them.
 * To wake the reader costs 7 us in a virtual machine. */
#define URGENT_EVERY_NS 10000000ULL

static __always_inline void record_end_urgent(struct hit *hit, void *record)
{
	const struct wire_hdr *hdr = record;
	struct wire_counters *c = hit->counters;

	if (hdr->time_ns - c->urgent_ns < URGENT_EVERY_NS) {
		record_end(record);
		return;
	}
	c->urgent_ns = hdr->time_ns;
	bpf_ringbuf_submit(record, BPF_RB_FORCE_WAKEUP);
}

/*
 * The stack by frame pointers. The walk's first address is the probe's own,
 * which the direct caller replaces: RBP is still the caller's here, so the walk
 * skips it (kernels >= 6.11 put it back at a push %rbp: then it stands twice,
 * and the reader drops the double).
 */
static __always_inline void record_stack(struct pt_regs *ctx, struct hit *hit,
					 struct wire_stack *stack)
{
	long bytes = bpf_get_stack(ctx, stack->pc, sizeof(stack->pc), BPF_F_USER_STACK);

	stack->pad = 0;
	stack->frames = bytes > 0 ? (u32)bytes / sizeof(u64) : 1;
	stack->pc[0] = return_pc(ctx, hit);
}

#endif
