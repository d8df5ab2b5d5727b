// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The collector: cycles, and every stop of the world with its reason.
 *
 * A stop is stopTheWorldWithSema … startTheWorldWithSema, in every version and
 * for every reason. The entry of the second sees the world still stopped: what
 * the runtime knows of the cycle is final there and can be read in one piece.
 */
#include "emit.bpf.h"

/* runtime.stwReason, the same in Go 1.21 to 1.27 (runtime/proc.go) */
enum { STW_UNKNOWN = 0, STW_MARK_TERMINATION = 1, STW_SWEEP_TERMINATION = 2 };

static __always_inline void on_start_cycle(struct hit *hit, struct gc_state *gc)
{
	struct wire_gc_start *rec;

	gc->cycle_running = 1;
	gc->cycle_began = 1;
	rec = RECORD_BEGIN(hit, struct wire_gc_start, WIRE_GC_START);
	if (rec)
		record_end(rec);
}

static __always_inline void on_stop_world(struct pt_regs *ctx, struct hit *hit, struct gc_state *gc)
{
	gc->requested_ns = bpf_ktime_get_ns();
	gc->cycle_began = 0;
	gc->reason = hit->target->stw_abi == WIRE_STW_REASON_AT_STOP ? (u8)go_arg(ctx, hit, 0)
								     : STW_UNKNOWN;
}

/* What the probes within the stop prove. */
static __always_inline u32 proven_reason(const struct gc_state *gc)
{
	if (gc->cycle_ending)
		return STW_MARK_TERMINATION;
	return gc->cycle_began ? STW_SWEEP_TERMINATION : STW_UNKNOWN;
}

/*
 * Of a Go whose numbering of reasons was not checked: the numbers of a cycle's two stops are
 * learnt where those are proven. The first then names also the stops of a gcMarkDone that finds
 * work left and goes on marking, which nothing else tells from others.
 */
static __always_inline u32 learnt_reason(struct gc_state *gc, u8 told)
{
	u32 proven = proven_reason(gc);

	if (proven == STW_MARK_TERMINATION)
		gc->mark_told = told;
	else if (proven == STW_SWEEP_TERMINATION)
		gc->sweep_told = told;
	if (proven || !gc->mark_told || !gc->sweep_told || gc->mark_told == gc->sweep_told)
		return proven;
	return told == gc->mark_told ? STW_MARK_TERMINATION : STW_UNKNOWN;
}

/*
 * Go <= 1.20 has no reason at hand, but only three callers: gcStart, in whose stop startCycle runs;
 * gcMarkDone, in whose last stop gcMarkTermination runs; and stopTheWorld(reason), whose callers
 * may still wait for worldsema while the collector holds it.
 */
static __always_inline u32 inferred_reason(const struct gc_state *gc)
{
	u32 reason = proven_reason(gc);

	/* gcMarkDone that found work left and goes on marking (Go issue 27993) */
	if (!reason && gc->cycle_running && !gc->reasons_waiting)
		return STW_MARK_TERMINATION;
	return reason;
}

static __always_inline u32 stop_reason(struct pt_regs *ctx, struct hit *hit, struct gc_state *gc)
{
	switch (hit->target->stw_abi) {
	case WIRE_STW_NONE:
		return inferred_reason(gc);
	case WIRE_STW_REASON_AT_STOP:
		return gc->reason;
	case WIRE_STW_ASSUMED:
		return learnt_reason(gc, (u8)go_arg(ctx, hit, 1));
	}
	return (u8)go_arg(ctx, hit, 1);
}

/*
 * The runtime's own times of the stop, where startTheWorldWithSema has them. They prove
 * themselves: taken after our probe saw the request and in order, or they are none of this clock
 * (another signature, a time namespace) and our own time of the request stands.
 */
static __always_inline void stop_times(struct pt_regs *ctx, struct hit *hit,
				       const struct gc_state *gc, struct wire_stop *rec)
{
	u32 abi = hit->target->stw_abi;
	u64 start, stopped;

	rec->requested_ns = gc->requested_ns;
	rec->stopped_ns = 0;
	if (abi < WIRE_STW_START || (abi == WIRE_STW_ASSUMED && !gc->requested_ns))
		return;
	start = go_arg(ctx, hit, 2);
	stopped = abi == WIRE_STW_START ? start : go_arg(ctx, hit, 3);
	if (start < gc->requested_ns || stopped < start || rec->hdr.time_ns < stopped)
		return;
	rec->requested_ns = start;
	if (abi != WIRE_STW_START)
		rec->stopped_ns = stopped;
}

static __always_inline void emit_stop(struct pt_regs *ctx, struct hit *hit,
				      const struct gc_state *gc, u32 reason)
{
	struct wire_stop *rec = RECORD_BEGIN(hit, struct wire_stop, WIRE_STOP);

	if (!rec)
		return;
	stop_times(ctx, hit, gc, rec);
	rec->reason = reason;
	rec->pad = 0;
	rec->reason_ptr = rec->reason == STW_UNKNOWN ? gc->reason_ptr : 0;
	rec->reason_len = rec->reason == STW_UNKNOWN ? gc->reason_len : 0;
	record_end(rec);
}

static __always_inline void read_gc_word(struct hit *hit, struct wire_gc_end *rec, u32 i)
{
	const struct wire_gc_source *source = &hit->target->gc[i];
	const void *from = (const void *)source->addr;
	u64 word = 0;
	long err = -1;

	if (source->size == 8)
		err = bpf_probe_read_user(&word, 8, from);
	else if (source->size == 4)
		err = bpf_probe_read_user(&word, 4, from);
	else if (source->size == 1)
		err = bpf_probe_read_user(&word, 1, from);
	else
		return;
	if (err) {
		count_loss(hit, WIRE_LOSS_READ);
		return;
	}
	rec->word[i] = word;
	rec->have |= 1ULL << i;
}

/* gcMarkTermination clears it before the world restarts. */
static __always_inline void read_leak_check(struct hit *hit, struct gc_state *gc)
{
	const struct wire_gc_source *source = &hit->target->gc[WIRE_GC_LEAK_CHECK];
	u8 done = 0;

	gc->leak_known =
		source->size == sizeof(done) && read_target(hit, &done, sizeof(done), source->addr);
	gc->leak_check = done;
}

static __always_inline void emit_gc_end(struct hit *hit, const struct gc_state *gc)
{
	struct wire_gc_end *rec = RECORD_BEGIN(hit, struct wire_gc_end, WIRE_GC_END);

	if (!rec)
		return;
	rec->have = 0;
	for (u32 i = 0; i < WIRE_GC_WORDS; i++) {
		rec->word[i] = 0;
		read_gc_word(hit, rec, i);
	}
	rec->word[WIRE_GC_LEAK_CHECK] = gc->leak_check;
	if (!gc->leak_known)
		rec->have &= ~(1ULL << WIRE_GC_LEAK_CHECK);
	record_end(rec);
}

static __always_inline void on_start_world(struct pt_regs *ctx, struct hit *hit,
					   struct gc_state *gc)
{
	u32 reason = stop_reason(ctx, hit, gc);

	emit_stop(ctx, hit, gc, reason);
	if (gc->cycle_ending)
		emit_gc_end(hit, gc);
	if (gc->reasons_waiting && reason == STW_UNKNOWN)
		COUNT(gc->reasons_waiting, -1);
	gc->requested_ns = 0;
	gc->cycle_began = 0;
	gc->cycle_ending = 0;
}

/* On the caller's way to worldsema, so several may be here at once; the last one's text stands. */
static __always_inline void on_stop_reason(struct pt_regs *ctx, struct hit *hit,
					   struct gc_state *gc)
{
	gc->reason_ptr = go_arg(ctx, hit, 0);
	gc->reason_len = go_arg(ctx, hit, 1);
	COUNT(gc->reasons_waiting, 1);
}

/* startCycle, stopTheWorldWithSema, startTheWorldWithSema, gcMarkTermination, stopTheWorld */
SEC("uprobe.multi")
int gc(struct pt_regs *ctx)
{
	struct gc_state *state;
	struct hit hit;

	if (!gate(ctx, &hit, WIRE_GROUP_GC))
		return 0;
	state = bpf_map_lookup_elem(&gc_states, &hit.slot);
	if (!state)
		return 0;
	if (hit.fn == WIRE_FN_START_CYCLE) {
		on_start_cycle(&hit, state);
	} else if (hit.fn == WIRE_FN_STOP_WORLD) {
		on_stop_world(ctx, &hit, state);
	} else if (hit.fn == WIRE_FN_START_WORLD) {
		on_start_world(ctx, &hit, state);
	} else if (hit.fn == WIRE_FN_MARK_TERMINATION) {
		state->cycle_running = 0;
		state->cycle_ending = 1;
		read_leak_check(&hit, state);
	} else if (hit.fn == WIRE_FN_STOP_REASON) {
		on_stop_reason(ctx, &hit, state);
	}
	return 0;
}
