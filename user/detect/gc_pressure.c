/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The collector's share of the process's CPU time, and collections that the
 * program calls for. How often cycles come is neither: a small heap under load
 * has dozens a second and is well.
 *
 * The collector's time is that of dedicated and fractional workers and of
 * assists, as each cycle tells it at its end. Idle-priority workers are left out:
 * they run on Ps that have nothing else to do, and give way at once. What a
 * cycle took is spread evenly over its mark phase, so a long one does not fall
 * into the moment of its end; of a cycle that still runs nothing is known. The
 * runtime adds it up by the clock (model/gc_phases.h): where threads wait for a CPU
 * the share is an upper bound, see share_pct().
 */
#include "detect/detect.h"

#include <stdio.h>

#include "base/units.h"
#include "model/gc_phases.h"

enum { CPU_SHARE, FORCED };

/* Looking back so far, or a tick more. */
#define STRETCH_NS (10 * NS_PER_S)

/* A process that does next to nothing may well collect for a quarter of it. */
#define MIN_CPU_NS NS_PER_S

/* Ticks that come faster share a slice; so these last for the stretch and one more. */
#define SLICE_MIN_NS (100 * NS_PER_MS)
enum { SLICES = 128 };

/* Below that growth of the heap between two cycles a limit or a low GOGC drives them. */
#define TIGHT_GROWTH_PCT 50
#define SMALL_HEAP_BYTES (64ULL << 20)

/* What happened between two ticks, or in some slices together. */
struct slice {
	u64 start_ns, end_ns; /* end_ns 0: still open */
	double assist_ns, worker_ns, idle_ns;
	u64 cycles, forced; /* that ended */
	u64 cpu_ns;	    /* that the process took */
	bool cpu_unknown;
};

struct pressure {
	struct slice slice[SLICES]; /* a ring; the last one is open */
	u64 slices;		    /* begun so far */
	u64 cpu_ns;		    /* of the last sample; 0: unknown */
	u64 opened_cpu_ns;	    /* when the open slice began */
	u64 marked_bytes,
		marked_before_bytes; /* by the last cycle and the one before; 0: unknown */
};

static void *pressure_new(void)
{
	return calloc(1, sizeof(struct pressure));
}

/* 0: the open one. */
static size_t slot(const struct pressure *p, u64 age)
{
	return (size_t)((p->slices - 1 - age) % SLICES);
}

static void slice_open(struct pressure *p, u64 now_ns)
{
	p->slices++;
	p->slice[slot(p, 0)] = (struct slice) { .start_ns = now_ns };
	p->opened_cpu_ns = p->cpu_ns;
}

static void slice_close(struct pressure *p, u64 now_ns)
{
	struct slice *slice = &p->slice[slot(p, 0)];

	slice->end_ns = now_ns;
	slice->cpu_unknown = !p->cpu_ns || !p->opened_cpu_ns || p->cpu_ns < p->opened_cpu_ns;
	if (!slice->cpu_unknown)
		slice->cpu_ns = p->cpu_ns - p->opened_cpu_ns;
}

static void slice_add(struct slice *into, const struct slice *slice)
{
	into->assist_ns += slice->assist_ns;
	into->worker_ns += slice->worker_ns;
	into->idle_ns += slice->idle_ns;
	into->cycles += slice->cycles;
	into->forced += slice->forced;
	into->cpu_ns += slice->cpu_ns;
	into->cpu_unknown |= slice->cpu_unknown;
}

/* The last closed slices that span STRETCH_NS. Returns whether there are so many yet. */
static bool stretch(const struct pressure *p, struct slice *ret)
{
	struct slice sum = { .end_ns = p->slices > 1 ? p->slice[slot(p, 1)].end_ns : 0 };

	for (u64 age = 1; age < MIN(p->slices, SLICES); age++) {
		const struct slice *slice = &p->slice[slot(p, age)];

		slice_add(&sum, slice);
		sum.start_ns = slice->start_ns;
		if (sum.end_ns - sum.start_ns >= STRETCH_NS) {
			*ret = sum;
			return true;
		}
	}
	return false;
}

static double seconds(const struct slice *slice)
{
	return (double)(slice->end_ns - slice->start_ns) / (double)NS_PER_S;
}

static double collecting_ns(const struct slice *slice)
{
	return slice->assist_ns + slice->worker_ns;
}

/* The collector's time, idle workers included, was all of it CPU time if it is no more than that;
 * else some of it was waiting for a CPU, and its parts are told in proportion. */
static double share_pct(const struct slice *slice)
{
	double all_ns = MAX((double)slice->cpu_ns, collecting_ns(slice) + slice->idle_ns);

	return slice->cpu_ns < MIN_CPU_NS ? 0 : 100 * collecting_ns(slice) / all_ns;
}

/* Of the collector's time. */
static double assist_pct(const struct slice *slice)
{
	return collecting_ns(slice) > 0 ? 100 * slice->assist_ns / collecting_ns(slice) : 0;
}

static void credit(struct slice *slice, const struct gc_cpu *cpu, double share)
{
	slice->assist_ns += share * (double)cpu->assist_ns;
	slice->worker_ns += share * (double)cpu->worker_ns;
	slice->idle_ns += share * (double)cpu->idle_ns;
}

/* Over the slices that the mark phase ran through; what lies before the first is dropped. */
static void spread(struct pressure *p, const struct gc_cycle *cycle, const struct gc_cpu *cpu)
{
	u64 from_ns, to_ns;

	if (!gc_cycle_mark(cycle, &from_ns, &to_ns) || from_ns == to_ns) {
		credit(&p->slice[slot(p, 0)], cpu, 1);
		return;
	}
	for (u64 age = 0; age < MIN(p->slices, SLICES); age++) {
		struct slice *slice = &p->slice[slot(p, age)];
		u64 end_ns = slice->end_ns ? MIN(slice->end_ns, to_ns) : to_ns;
		u64 start_ns = MAX(slice->start_ns, from_ns);

		if (end_ns > start_ns)
			credit(slice, cpu, (double)(end_ns - start_ns) / (double)(to_ns - from_ns));
		if (slice->start_ns <= from_ns)
			return;
	}
}

static void cycle_ended(struct pressure *p, const struct gc_cycle *cycle)
{
	struct gc_cpu cpu;

	p->marked_before_bytes = p->marked_bytes;
	if (!gc_cycle_word(cycle, WIRE_GC_HEAP2, &p->marked_bytes))
		p->marked_bytes = 0;
	if (!p->slices)
		return;
	p->slice[slot(p, 0)].cycles++;
	p->slice[slot(p, 0)].forced += gc_cycle_forced(cycle);
	if (gc_cycle_cpu(cycle, &cpu))
		spread(p, cycle, &cpu);
}

static void pressure_event(void *state, const struct detect_io *io, const struct event *event)
{
	const struct gc_cycle *cycle = gc_last_cycle(model_gc(io->model));
	struct pressure *p = state;

	if (event->kind == EVENT_SAMPLE)
		p->cpu_ns = event->sample.cpu_ns;
	else if (cycle)
		cycle_ended(p, cycle);
}

static void say(const struct detect_io *io, size_t measure, double value, const struct slice *sum)
{
	struct finding finding = {
		.measure = measure,
		.value = value,
		.time_ns = sum->end_ns,
		.since_ns = sum->start_ns,
	};

	io->emit(io->arg, &finding);
}

static void pressure_tick(void *state, const struct detect_io *io, const struct window *window)
{
	struct pressure *p = state;
	u64 now_ns = window->end_ns;
	struct slice sum;

	if (p->slices && now_ns < p->slice[slot(p, 0)].start_ns) /* the clock went back */
		p->slices = 0;
	if (p->slices && now_ns - p->slice[slot(p, 0)].start_ns < SLICE_MIN_NS)
		return;
	if (p->slices)
		slice_close(p, now_ns);
	slice_open(p, now_ns);
	if (!stretch(p, &sum))
		return;
	if (!sum.cpu_unknown)
		say(io, CPU_SHARE, share_pct(&sum), &sum);
	say(io, FORCED, (double)sum.forced / seconds(&sum), &sum);
}

/* How far the heap may grow from what one cycle marked to where the next is to end, as GOGC says
 * it; 0: unknown. */
static double growth_pct(const struct pressure *p, const struct gc_cycle *cycle)
{
	u64 goal;

	if (!cycle || !gc_cycle_word(cycle, WIRE_GC_HEAP_GOAL, &goal) || !p->marked_before_bytes ||
	    goal <= p->marked_before_bytes)
		return 0;
	return 100 * ((double)goal / (double)p->marked_before_bytes - 1);
}

static void advise(const struct pressure *p, const struct model *model,
		   const struct finding *finding, const struct slice *sum, struct explanation *ret)
{
	double growth = growth_pct(p, gc_last_cycle(model_gc(model)));
	const char *text;

	if (finding->measure == FORCED || sum->forced * 2 > sum->cycles)
		text = "find who calls runtime.GC or debug.FreeOSMemory: each call collects the whole "
		       "heap, whatever there is to free, and its caller waits for it";
	else if (growth > 0 && growth < TIGHT_GROWTH_PCT)
		text = "collections come before the heap has grown by half: raise GOGC, or GOMEMLIMIT "
		       "if the heap lives close below it; else shrink what is live";
	else if (sum->assist_ns > sum->worker_ns)
		text = "goroutines allocate faster than the workers mark and are made to assist: "
		       "allocate less in the busiest code (reuse buffers, sync.Pool), or raise GOGC";
	else if (model_heap_goal_bytes(model) && model_heap_goal_bytes(model) < SMALL_HEAP_BYTES)
		text = "the heap is small and soon full: raise GOGC, or set GOGC=off with GOMEMLIMIT, "
		       "so that it is collected less often; allocate less in the busiest code";
	else
		text = "there is much to mark for what is allocated: allocate less, keep fewer pointers "
		       "in what lives long, or give the heap more room (GOGC, GOMEMLIMIT)";
	explain_write(ret->advice, sizeof(ret->advice), "%s", text);
}

static void summarise(const struct finding *finding, const struct slice *sum,
		      struct explanation *ret)
{
	if (finding->measure == FORCED)
		explain_write(ret->summary, sizeof(ret->summary),
			      "the program called for a collection %.1f times/s: %llu of %llu in "
			      "%.0f s were forced",
			      finding->value, sum->forced, sum->cycles, seconds(sum));
	else
		explain_write(
			ret->summary, sizeof(ret->summary),
			"garbage collection took %.0f %% of the process's CPU time in %.0f s, "
			"%.0f %% of that by assists; %llu cycles",
			finding->value, seconds(sum), assist_pct(sum), sum->cycles);
}

static void explain_heap(const struct pressure *p, const struct model *model,
			 struct explanation *ret)
{
	double growth = growth_pct(p, gc_last_cycle(model_gc(model)));

	if (model_heap_live_bytes(model))
		explain_number(ret, "heap_live_bytes", (double)model_heap_live_bytes(model));
	if (model_heap_goal_bytes(model))
		explain_number(ret, "heap_goal_bytes", (double)model_heap_goal_bytes(model));
	if (p->marked_bytes)
		explain_number(ret, "heap_marked_bytes", (double)p->marked_bytes);
	if (growth > 0)
		explain_number(ret, "heap_growth_pct", growth);
}

static void pressure_explain(const void *state, const struct model *model,
			     const struct finding *finding, struct explanation *ret)
{
	const struct pressure *p = state;
	struct slice sum;

	if (!stretch(p, &sum)) /* there is one, or nothing would have been said */
		return;
	explain_write(ret->subject, sizeof(ret->subject), "%s",
		      finding->measure == FORCED ? "forced collections" : "garbage collection");
	if (!sum.cpu_unknown && sum.cpu_ns)
		explain_number(ret, "gc_of_cpu_pct", share_pct(&sum));
	summarise(finding, &sum, ret);
	advise(p, model, finding, &sum, ret);
	explain_number(ret, "assist_of_gc_pct", assist_pct(&sum));
	explain_number(ret, "assist_cpu_ns", sum.assist_ns);
	explain_number(ret, "worker_cpu_ns", sum.worker_ns);
	explain_number(ret, "idle_worker_cpu_ns", sum.idle_ns);
	if (!sum.cpu_unknown)
		explain_number(ret, "process_cpu_ns", (double)sum.cpu_ns);
	explain_number(ret, "cycles", (double)sum.cycles);
	explain_number(ret, "forced_cycles", (double)sum.forced);
	explain_heap(p, model, ret);
}

const struct detector detector_gc_pressure = {
	.name = "gc-pressure",
	.measures = {
		[CPU_SHARE] = { "cpu-share", "%" },
		[FORCED] = { "forced", "cycles/s" },
	},
	.measure_count = 2,
	.new = pressure_new,
	.free = free,
	.events = 1 << EVENT_SAMPLE | 1 << EVENT_GC_END,
	.event = pressure_event,
	.tick = pressure_tick,
	.explain = pressure_explain,
};
