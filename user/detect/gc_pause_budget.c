/* SPDX-License-Identifier: BSD-2-Clause */
/* What stops of the world for GC add up to within a minute, however short each of them is. */
#include "detect/detect.h"

#include "base/units.h"
#include "model/pause_minute.h"

enum { PAUSED };

/* On average so short, their number is what there is to change: more than 400 make 800 ms. */
#define SHORT_NS (2 * NS_PER_MS)

struct budget {
	struct pause_minute *minute;
};

static void budget_free(void *state)
{
	struct budget *budget = state;

	if (budget)
		pause_minute_free(budget->minute);
	free(budget);
}

static void *budget_new(void)
{
	struct budget *budget = calloc(1, sizeof(*budget));

	if (!budget)
		return NULL;
	budget->minute = pause_minute_new();
	if (budget->minute)
		return budget;
	budget_free(budget);
	return NULL;
}

static u64 total_ns(const struct pause_sums *sums)
{
	return sums->ns[PAUSE_OF_SWEEP_TERMINATION] + sums->ns[PAUSE_OF_MARK_TERMINATION];
}

static u64 total_count(const struct pause_sums *sums)
{
	return sums->count[PAUSE_OF_SWEEP_TERMINATION] + sums->count[PAUSE_OF_MARK_TERMINATION];
}

static void say(const struct budget *budget, const struct detect_io *io, u64 now_ns)
{
	struct pause_sums sums = pause_minute_sums(budget->minute, now_ns);
	struct finding finding = {
		.measure = PAUSED,
		.value = (double)total_ns(&sums),
		.time_ns = now_ns,
		.since_ns = now_ns,
	};

	io->emit(io->arg, &finding);
}

static void budget_event(void *state, const struct detect_io *io, const struct event *event)
{
	const struct gc_stop *stop = gc_last_stop(model_gc(io->model));
	struct budget *budget = state;

	if (!gc_is_pause(event->stop.reason) || !stop || !stop->duration_ns)
		return;
	pause_minute_add(budget->minute, stop);
	say(budget, io, event->time_ns);
}

static void budget_tick(void *state, const struct detect_io *io, const struct window *window)
{
	say(state, io, window->end_ns);
}

static void advise(const struct pause_sums *sums, struct explanation *ret)
{
	const char *text;

	if (total_ns(sums) < SHORT_NS * total_count(sums))
		text = "the pauses are short, but many, so have fewer collections: raise GOGC or set "
		       "GOMEMLIMIT, allocate less, call for none";
	else if (sums->stopping_ns > sums->stopped_ns)
		text = "most of it is waiting for goroutines to stop: look for CPU throttling of the "
		       "cgroup and GOMAXPROCS above its quota, for loops without a preemption point "
		       "(asyncpreemptoff, long copies or clears), and for page faults";
	else if (sums->stopped_ns)
		text = "the world stands still for most of it: there is much to do (many Ps, large "
		       "stacks), or the thread that does it gets no CPU (cgroup throttling, run "
		       "queue)";
	else
		text = "the pauses are long: look for loops without a preemption point and for CPU "
		       "throttling of the cgroup; a binary of Go 1.23 or later tells how much of it "
		       "is waiting for goroutines to stop";
	explain_write(ret->advice, sizeof(ret->advice), "%s", text);
}

static void explain_reason(struct explanation *ret, const char *key, const struct pause_sums *sums,
			   enum pause_of of)
{
	char sum[UNITS_BUF];

	explain_text(ret, key, "%llu pauses, %s", sums->count[of],
		     fmt_duration_ns(sum, sums->ns[of]));
}

static void budget_explain(const void *state, const struct model *model,
			   const struct finding *finding, struct explanation *ret)
{
	const struct budget *budget = state;
	struct pause_sums sums = pause_minute_sums(budget->minute, finding->time_ns);
	u64 p50_ns = pause_minute_quantile(budget->minute, 0.5),
	    p99_ns = pause_minute_quantile(budget->minute, 0.99);
	char total[UNITS_BUF], p50[UNITS_BUF], max[UNITS_BUF];

	explain_write(ret->subject, sizeof(ret->subject), "GC pauses");
	explain_write(
		ret->summary, sizeof(ret->summary),
		"GC paused the program for %s within a minute: %llu pauses, median %s, longest %s",
		fmt_duration_ns(total, (u64)finding->value), total_count(&sums),
		fmt_duration_ns(p50, p50_ns), fmt_duration_ns(max, sums.max_ns));
	advise(&sums, ret);
	explain_number(ret, "pauses", (double)total_count(&sums));
	explain_number(ret, "pause_p50_ns", (double)p50_ns);
	explain_number(ret, "pause_p99_ns", (double)p99_ns);
	explain_number(ret, "pause_max_ns", (double)sums.max_ns);
	explain_reason(ret, "sweep_termination", &sums, PAUSE_OF_SWEEP_TERMINATION);
	explain_reason(ret, "mark_termination", &sums, PAUSE_OF_MARK_TERMINATION);
	if (sums.stopping_ns + sums.stopped_ns) {
		explain_number(ret, "stop_latency_ns", (double)sums.stopping_ns);
		explain_number(ret, "stopped_ns", (double)sums.stopped_ns);
	}
	if (model_heap_live_bytes(model))
		explain_number(ret, "heap_live_bytes", (double)model_heap_live_bytes(model));
	if (model_heap_goal_bytes(model))
		explain_number(ret, "heap_goal_bytes", (double)model_heap_goal_bytes(model));
}

const struct detector detector_gc_pause_budget = {
	.name = "gc-pause-budget",
	.measures = { [PAUSED] = { "paused", "ns/min" } },
	.measure_count = 1,
	.new = budget_new,
	.free = budget_free,
	.events = 1 << EVENT_STOP,
	.event = budget_event,
	.tick = budget_tick,
	.explain = budget_explain,
};
