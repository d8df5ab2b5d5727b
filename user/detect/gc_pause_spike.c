/* SPDX-License-Identifier: BSD-2-Clause */
/* Long stops of the world for GC: one very long, two long, or three out of the ordinary in a
 * minute. */
#include "detect/detect.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"

enum { LONGEST, SECOND, OUTLIERS };

/* An outlier lasts this many times the rolling median, once that stands on enough pauses. */
#define OUTLIER_FACTOR	   8.0
#define OUTLIER_MIN_PAUSES 16

#define LOOK_BACK_NS	      (60 * NS_PER_S)
#define REHASH_BEFORE_STOP_NS (3 * NS_PER_MS)

enum { TOP = 32 };

/* The longest pauses of the last minute; when there are more than TOP, the shortest are left out.
 */
struct top_pauses {
	size_t count;
	struct gc_stop pause[TOP]; /* longest first */
};

struct spikes {
	struct top_pauses all, outliers;
};

static void *spikes_new(void)
{
	return calloc(1, sizeof(struct spikes));
}

static void top_expire(struct top_pauses *top, u64 now_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < top->count; i++) {
		if (top->pause[i].end_ns + LOOK_BACK_NS > now_ns)
			top->pause[kept++] = top->pause[i];
	}
	top->count = kept;
}

static void top_add(struct top_pauses *top, const struct gc_stop *stop)
{
	size_t at = top->count;

	while (at > 0 && top->pause[at - 1].duration_ns < stop->duration_ns)
		at--;
	if (at == TOP)
		return;
	top->count = MIN(top->count + 1, TOP);
	memmove(&top->pause[at + 1], &top->pause[at],
		(top->count - at - 1) * sizeof(top->pause[0]));
	top->pause[at] = *stop;
}

static void say_nth(const struct detect_io *io, size_t measure, const struct top_pauses *top,
		    size_t n, u64 time_ns)
{
	struct finding finding = { .measure = measure, .time_ns = time_ns, .since_ns = time_ns };

	if (top->count >= n)
		finding.value = (double)top->pause[n - 1].duration_ns;
	io->emit(io->arg, &finding);
}

static void say_all(struct spikes *spikes, const struct detect_io *io, u64 now_ns)
{
	top_expire(&spikes->all, now_ns);
	top_expire(&spikes->outliers, now_ns);
	say_nth(io, LONGEST, &spikes->all, 1, now_ns);
	say_nth(io, SECOND, &spikes->all, 2, now_ns);
	say_nth(io, OUTLIERS, &spikes->outliers, 3, now_ns);
}

/* To find the median takes long; so first whether it can be so low: half of the pauses must be. */
static bool is_outlier(const struct gc *gc, u64 duration_ns)
{
	size_t n, low = gc_count_before_last(gc, (double)duration_ns / OUTLIER_FACTOR, &n);

	return n >= OUTLIER_MIN_PAUSES && low >= n / 2 &&
	       (double)duration_ns >= OUTLIER_FACTOR * gc_median_before_last_ns(gc, &n);
}

static void spikes_event(void *state, const struct detect_io *io, const struct event *event)
{
	const struct gc_stop *stop = gc_last_stop(model_gc(io->model));
	struct spikes *spikes = state;

	if (event->kind != EVENT_STOP || !gc_is_pause(event->stop.reason) || !stop ||
	    !stop->duration_ns)
		return;
	top_add(&spikes->all, stop);
	if (is_outlier(model_gc(io->model), stop->duration_ns))
		top_add(&spikes->outliers, stop);
	say_all(spikes, io, event->time_ns);
}

static void spikes_tick(void *state, const struct detect_io *io, const struct window *window)
{
	say_all(state, io, window->end_ns);
}

static void explain_rehash(const struct model *model, const struct gc_stop *stop,
			   struct explanation *ret)
{
	const struct growth *growth = model_growth(model);
	const struct names *names = model_names(model);
	u64 begin_ns = stop->end_ns - stop->duration_ns;
	u64 from_ns = begin_ns - MIN(begin_ns, REHASH_BEFORE_STOP_NS);
	char type[EVIDENCE_TEXT_MAX], where[EVIDENCE_TEXT_MAX];
	const struct growth_site *site;
	struct growth_step step;

	if (!growth_step_within(growth, from_ns, stop->end_ns, &step))
		return;
	names->type(names->arg, step.type, type, sizeof(type));
	explain_text(ret, "rehash_before_stop", "%s", type);
	explain_number(ret, "rehash_entries_moved", (double)step.moved);
	site = growth_site_find(growth, step.site);
	if (!site)
		return;
	explain_user_frame(names, site->pc, site->frames, where, sizeof(where));
	explain_text(ret, "rehash_site", "%s", where);
}

static void advise(const struct gc_stop *stop, struct explanation *ret)
{
	const char *text;

	if (!stop->split_known)
		text = "look for a goroutine that is slow to stop, and for CPU throttling of the "
		       "cgroup";
	else if (stop->stopping_ns > stop->stopped_ns)
		text = "most of it went into stopping: a thread got no CPU (cgroup throttling, run "
		       "queue) or was slow to reach a safe point (a long copy, a tight loop, a "
		       "page fault)";
	else
		text = "the world stood still for most of it: the thread that did the work got no "
		       "CPU (cgroup throttling, run queue), or there was much to do (many Ps, "
		       "large stacks)";
	explain_write(ret->advice, sizeof(ret->advice), "%s", text);
}

static void summarise(const struct finding *finding, const struct gc_stop *stop,
		      struct explanation *ret)
{
	char value[UNITS_BUF], longest[UNITS_BUF];

	fmt_duration_ns(value, (u64)finding->value);
	fmt_duration_ns(longest, stop->duration_ns);
	if (finding->measure == LONGEST)
		explain_write(ret->summary, sizeof(ret->summary), "the world stopped for %s: %s",
			      value, ret->subject);
	else if (finding->measure == SECOND)
		explain_write(
			ret->summary, sizeof(ret->summary),
			"the world stopped twice within a minute for %s or more, at most %s: %s",
			value, longest, ret->subject);
	else
		explain_write(
			ret->summary, sizeof(ret->summary),
			"three pauses within a minute lasted %s or more, at least %.0f times the "
			"median: %s",
			value, OUTLIER_FACTOR, ret->subject);
}

static void spikes_explain(const void *state, const struct model *model,
			   const struct finding *finding, struct explanation *ret)
{
	const struct spikes *spikes = state;
	const struct gc_stop *stop =
		&spikes->all.pause[0]; /* there is one, or nothing to explain */
	size_t n;

	explain_write(ret->subject, sizeof(ret->subject), "%s", gc_stop_reason(stop));
	summarise(finding, stop, ret);
	advise(stop, ret);
	explain_text(ret, "reason", "%s", ret->subject);
	explain_number(ret, "pause_ns", (double)stop->duration_ns);
	if (stop->split_known) {
		explain_number(ret, "stop_latency_ns", (double)stop->stopping_ns);
		explain_number(ret, "stopped_ns", (double)stop->stopped_ns);
	}
	explain_number(ret, "median_pause_ns", gc_median_before_last_ns(model_gc(model), &n));
	if (model_heap_live_bytes(model))
		explain_number(ret, "heap_live_bytes", (double)model_heap_live_bytes(model));
	if (model_heap_goal_bytes(model))
		explain_number(ret, "heap_goal_bytes", (double)model_heap_goal_bytes(model));
	explain_rehash(model, stop, ret);
}

const struct detector detector_gc_pause_spike = {
	.name = "gc-pause-spike",
	.measures = {
		[LONGEST] = { "longest", "ns" },
		[SECOND] = { "second-longest", "ns" },
		[OUTLIERS] = { "third-outlier", "ns" },
	},
	.measure_count = 3,
	.new = spikes_new,
	.free = free,
	.event = spikes_event,
	.tick = spikes_tick,
	.explain = spikes_explain,
};
