/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mark termination, the stop that ends a collection's marking, that is long in
 * cycle after cycle. One long one is chance, and gc-pause-spike's to judge.
 */
#include "detect/detect.h"

#include <stdio.h>

#include "base/units.h"
#include "model/gc_phases.h"

enum { SHORTEST };
enum { RUNNING = 3 }; /* cycles, one after the other */

/* After so long without a cycle there is no drag, though the next one may bring it back at once. */
#define STALE_NS NS_PER_MIN

struct drag {
	struct gc_cycle cycle[RUNNING]; /* oldest first */
	size_t count;			/* of cycles that followed each other so far */
};

static void *drag_new(void)
{
	return calloc(1, sizeof(struct drag));
}

/* Whether no cycle was lost between two; versions without a number are taken at their word. */
static bool follows(const struct gc_cycle *before, const struct gc_cycle *cycle)
{
	u64 last, number;

	return !gc_cycle_word(before, WIRE_GC_NUMGC, &last) ||
	       !gc_cycle_word(cycle, WIRE_GC_NUMGC, &number) || number == last + 1;
}

/* Only with RUNNING of them, else 0. */
static u64 shortest_ns(const struct drag *drag)
{
	u64 shortest = ~0ULL, ns;

	for (size_t i = 0; i < RUNNING; i++) {
		if (i >= drag->count || !gc_cycle_mark_termination(&drag->cycle[i], &ns))
			return 0;
		shortest = MIN(shortest, ns);
	}
	return shortest;
}

static void say(const struct detect_io *io, u64 value_ns, u64 time_ns)
{
	struct finding finding = {
		.measure = SHORTEST,
		.value = (double)value_ns,
		.time_ns = time_ns,
		.since_ns = time_ns,
	};

	io->emit(io->arg, &finding);
}

static void take(struct drag *drag, const struct gc_cycle *cycle)
{
	u64 ns;

	if (drag->count && !follows(&drag->cycle[drag->count - 1], cycle))
		drag->count = 0;
	if (!gc_cycle_mark_termination(cycle, &ns)) {
		drag->count = 0;
		return;
	}
	if (drag->count == RUNNING) {
		drag->count--;
		for (size_t i = 0; i < drag->count; i++)
			drag->cycle[i] = drag->cycle[i + 1];
	}
	drag->cycle[drag->count++] = *cycle;
}

static void drag_event(void *state, const struct detect_io *io, const struct event *event)
{
	const struct gc_cycle *cycle = gc_last_cycle(model_gc(io->model));
	struct drag *drag = state;

	if (!cycle)
		return;
	take(drag, cycle);
	say(io, shortest_ns(drag), event->time_ns);
}

static void drag_tick(void *state, const struct detect_io *io, const struct window *window)
{
	const struct drag *drag = state;

	if (!drag->count || drag->cycle[drag->count - 1].end_ns + STALE_NS <= window->end_ns)
		say(io, 0, window->end_ns);
}

/* As the runtime's gctrace has it in essence: "gc 7: 0.02+3.10+1.80 ms clock, 4->5->2 MB, 4 P". */
static void line(const struct gc_cycle *cycle, char *buf, size_t size)
{
	u64 number = 0, sweep_ns = 0, start_ns = 0, end_ns = 0, term_ns = 0;
	u64 heap[3] = { 0 }, procs = 0;

	(void)gc_cycle_word(cycle, WIRE_GC_NUMGC, &number);
	(void)gc_cycle_sweep_termination(cycle, &sweep_ns);
	(void)gc_cycle_mark(cycle, &start_ns, &end_ns);
	(void)gc_cycle_mark_termination(cycle, &term_ns);
	for (int i = 0; i < 3; i++)
		(void)gc_cycle_word(cycle, (enum wire_gc_word)(WIRE_GC_HEAP0 + i), &heap[i]);
	(void)gc_cycle_word(cycle, WIRE_GC_MAXPROCS, &procs);
	explain_write(buf, size, "gc %llu: %.2f+%.2f+%.2f ms clock, %llu->%llu->%llu MB, %d P%s",
		      number, (double)sweep_ns / 1e6, (double)(end_ns - start_ns) / 1e6,
		      (double)term_ns / 1e6, heap[0] >> 20, heap[1] >> 20, heap[2] >> 20,
		      (int)(s32)procs, gc_cycle_forced(cycle) ? " (forced)" : "");
}

/* Of the three last stops together. Returns whether their split is known. */
static bool split(const struct drag *drag, u64 *ret_stopping_ns, u64 *ret_stopped_ns)
{
	u64 stopping = 0, stopped = 0;

	for (size_t i = 0; i < drag->count; i++) {
		const struct gc_stop *stop = gc_cycle_last_stop(&drag->cycle[i]);

		if (!stop || !stop->split_known)
			return false;
		stopping += stop->stopping_ns;
		stopped += stop->stopped_ns;
	}
	*ret_stopping_ns = stopping;
	*ret_stopped_ns = stopped;
	return drag->count;
}

static void advise(bool known, u64 stopping_ns, u64 stopped_ns, struct explanation *ret)
{
	const char *text;

	if (!known)
		text = "either a goroutine is slow to stop each time (a loop without a preemption "
		       "point, a long copy) or threads get no CPU: look for throttling of the cgroup "
		       "and for GOMAXPROCS above its quota";
	else if (stopping_ns > stopped_ns)
		text = "most of it is waiting for goroutines to stop: look for loops without a "
		       "preemption point, long copies or clears, and for CPU throttling of the cgroup";
	else
		text = "the world stands still for most of it: the thread that ends the marking gets no "
		       "CPU (throttling of the cgroup, run queue), or it has many Ps to flush: lower "
		       "GOMAXPROCS to what the process may use";
	explain_write(ret->advice, sizeof(ret->advice), "%s", text);
}

static void drag_explain(const void *state, const struct model *model,
			 const struct finding *finding, struct explanation *ret)
{
	const struct drag *drag = state;
	struct evidence *lines = explain_list(ret, "cycles", drag->count);
	u64 stopping_ns = 0, stopped_ns = 0, procs;
	bool known = split(drag, &stopping_ns, &stopped_ns);
	char value[UNITS_BUF];

	explain_write(ret->subject, sizeof(ret->subject), "gc mark termination");
	explain_write(ret->summary, sizeof(ret->summary),
		      "mark termination stopped the world for %s or more in %d cycles running",
		      fmt_duration_ns(value, (u64)finding->value), RUNNING);
	advise(known, stopping_ns, stopped_ns, ret);
	for (size_t i = 0; lines && i < lines->list_len; i++)
		line(&drag->cycle[i], lines->list[i], sizeof(lines->list[i]));
	if (known) {
		explain_number(ret, "stop_latency_ns", (double)stopping_ns);
		explain_number(ret, "stopped_ns", (double)stopped_ns);
	}
	if (drag->count && gc_cycle_word(&drag->cycle[drag->count - 1], WIRE_GC_MAXPROCS, &procs))
		explain_number(ret, "gomaxprocs", (double)(s32)procs);
	if (model_heap_live_bytes(model))
		explain_number(ret, "heap_live_bytes", (double)model_heap_live_bytes(model));
}

const struct detector detector_mark_termination_drag = {
	.name = "mark-termination-drag",
	.measures = { [SHORTEST] = { "shortest-of-three", "ns" } },
	.measure_count = 1,
	.new = drag_new,
	.free = free,
	.events = 1 << EVENT_GC_END,
	.event = drag_event,
	.tick = drag_tick,
	.explain = drag_explain,
};
