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
	gc->reason = hit->target->stw_abi == WIRE_STW_NONE ? STW_UNKNOWN : (u8)GO_ARG0(ctx);
}

/*
 * Go <= 1.20 has no reason at hand, but only three callers: gcStart, in whose stop startCycle runs;
 * gcMarkDone, in whose last stop gcMarkTermination runs; and stopTheWorld(reason), whose callers
 * may still wait for worldsema while the collector holds it.
 */
static __always_inline u32 inferred_reason(const struct gc_state *gc)
{
	if (gc->cycle_ending)
		return STW_MARK_TERMINATION;
	if (gc->cycle_began)
		return STW_SWEEP_TERMINATION;
	/* gcMarkDone that found work left and goes on marking (Go issue 27993) */
	if (gc->cycle_running && !gc->reasons_waiting)
		return STW_MARK_TERMINATION;
	return STW_UNKNOWN;
}

static __always_inline u32 stop_reason(struct pt_regs *ctx, struct hit *hit,
				       const struct gc_state *gc)
{
	u32 abi = hit->target->stw_abi;

	if (abi >= WIRE_STW_START)
		return (u8)GO_ARG1(ctx);
	return abi == WIRE_STW_NONE ? inferred_reason(gc) : gc->reason;
}

static __always_inline void emit_stop(struct pt_regs *ctx, struct hit *hit, struct gc_state *gc)
{
	struct wire_stop *rec = RECORD_BEGIN(hit, struct wire_stop, WIRE_STOP);
	u32 abi = hit->target->stw_abi;

	if (!rec)
		return;
	rec->requested_ns = abi >= WIRE_STW_START ? GO_ARG2(ctx) : gc->requested_ns;
	rec->stopped_ns = abi >= WIRE_STW_FULL ? GO_ARG3(ctx) : 0;
	rec->reason = stop_reason(ctx, hit, gc);
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

static __always_inline void emit_gc_end(struct hit *hit)
{
	struct wire_gc_end *rec = RECORD_BEGIN(hit, struct wire_gc_end, WIRE_GC_END);

	if (!rec)
		return;
	rec->have = 0;
	for (u32 i = 0; i < WIRE_GC_WORDS; i++) {
		rec->word[i] = 0;
		read_gc_word(hit, rec, i);
	}
	record_end(rec);
}

static __always_inline void on_start_world(struct pt_regs *ctx, struct hit *hit,
					   struct gc_state *gc)
{
	emit_stop(ctx, hit, gc);
	if (gc->cycle_ending)
		emit_gc_end(hit);
	if (gc->reasons_waiting && stop_reason(ctx, hit, gc) == STW_UNKNOWN)
		COUNT(gc->reasons_waiting, -1);
	gc->requested_ns = 0;
	gc->cycle_began = 0;
	gc->cycle_ending = 0;
}

/* On the caller's way to worldsema, so several may be here at once; the last one's text stands. */
static __always_inline void on_stop_reason(struct pt_regs *ctx, struct gc_state *gc)
{
	gc->reason_ptr = GO_ARG0(ctx);
	gc->reason_len = GO_ARG1(ctx);
	COUNT(gc->reasons_waiting, 1);
}

/* startCycle, stopTheWorldWithSema, startTheWorldWithSema, gcMarkTermination, stopTheWorld */
SEC("uprobe.multi")
int gc(struct pt_regs *ctx)
{
	struct gc_state *state;
	struct hit hit;

	if (!gate(ctx, &hit))
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
	} else if (hit.fn == WIRE_FN_STOP_REASON) {
		on_stop_reason(ctx, state);
	}
	return 0;
}
