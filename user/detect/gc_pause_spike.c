/* SPDX-License-Identifier: BSD-2-Clause */
/* Long stops of the world for GC: one very long, two long, or three out of the ordinary in a
 * minute. */
#include "detect/detect.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "detect/pause_verdict.h"
#include "gobin/probeset.h"
#include "model/rehash_link.h"

enum { LONGEST, SECOND, OUTLIERS };

/* An outlier lasts this many times the rolling median, once that stands on enough pauses, and lies
 * as many standard deviations above it, by how far the others scatter: where pauses are of all
 * lengths a long one is nothing out of the ordinary. */
#define OUTLIER_FACTOR	   8.0
#define OUTLIER_SCORE	   8.0
#define OUTLIER_MIN_PAUSES 16

#define LOOK_BACK_NS (60 * NS_PER_S)

/* For the link with growing maps: a pause so long is a long one, and so is an outlier from 1 ms on.
 */
#define LONG_PAUSE_NS	(10 * NS_PER_MS)
#define LONG_OUTLIER_NS NS_PER_MS

enum { TOP = 32 };

struct pause {
	struct gc_stop stop;
	bool after_rehash;
	struct rehash rehash; /* the largest within REHASH_LAG_NS before it */
};

/* The longest pauses of the last minute; when there are more than TOP, the shortest are left out.
 */
struct top_pauses {
	size_t count;
	struct pause pause[TOP]; /* longest first */
};

struct spikes {
	struct top_pauses all, outliers;
	struct rehash_link link;
	u64 observed_ns; /* from here on: the last window's end, or the first event */
};

static void *spikes_new(void)
{
	return calloc(1, sizeof(struct spikes));
}

static void top_expire(struct top_pauses *top, u64 now_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < top->count; i++) {
		if (top->pause[i].stop.end_ns + LOOK_BACK_NS > now_ns)
			top->pause[kept++] = top->pause[i];
	}
	top->count = kept;
}

static void top_add(struct top_pauses *top, const struct pause *pause)
{
	size_t at = top->count;

	while (at > 0 && top->pause[at - 1].stop.duration_ns < pause->stop.duration_ns)
		at--;
	if (at == TOP)
		return;
	top->count = MIN(top->count + 1, TOP);
	memmove(&top->pause[at + 1], &top->pause[at],
		(top->count - at - 1) * sizeof(top->pause[0]));
	top->pause[at] = *pause;
}

static void say_nth(const struct detect_io *io, size_t measure, const struct top_pauses *top,
		    size_t n, u64 time_ns)
{
	struct finding finding = { .measure = measure, .time_ns = time_ns, .since_ns = time_ns };

	if (top->count >= n)
		finding.value = (double)top->pause[n - 1].stop.duration_ns;
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
	size_t n, low = gc_count_before_last(gc, (u64)((double)duration_ns / OUTLIER_FACTOR), &n);
	struct robust others;

	if (n < OUTLIER_MIN_PAUSES || low < n / 2)
		return false;
	others = gc_before_last_ns(gc);
	return (double)duration_ns >= OUTLIER_FACTOR * others.median &&
	       robust_score(&others, (double)duration_ns) >= OUTLIER_SCORE;
}

static void pause_event(struct spikes *spikes, const struct detect_io *io,
			const struct gc_stop *stop)
{
	bool outlier = is_outlier(model_gc(io->model), stop->duration_ns);
	bool is_long = stop->duration_ns >= LONG_PAUSE_NS ||
		       (outlier && stop->duration_ns >= LONG_OUTLIER_NS);
	struct pause pause = { .stop = *stop };

	pause.after_rehash =
		rehash_link_pause(&spikes->link, stop->end_ns - stop->duration_ns,
				  stop->reason == GO_STW_MARK_TERMINATION, is_long, &pause.rehash);
	top_add(&spikes->all, &pause);
	if (outlier)
		top_add(&spikes->outliers, &pause);
	say_all(spikes, io, stop->end_ns);
}

/* The model was fed with it, and knows the place. */
static void growth_event(struct spikes *spikes, const struct detect_io *io,
			 const struct event *event)
{
	const struct growing_map *map = growth_last_map(model_growth(io->model));
	const struct rehash rehash = {
		.time_ns = event->time_ns,
		.type = event->map_grow.type,
		.site = map ? map->site : 0,
		.moved = event->map_grow.moved,
	};

	if (event->map_grow.entries >= WIRE_LARGE_MAP)
		rehash_link_growth(&spikes->link, &rehash);
}

static void spikes_event(void *state, const struct detect_io *io, const struct event *event)
{
	const struct gc_stop *stop = gc_last_stop(model_gc(io->model));
	struct spikes *spikes = state;

	if (!spikes->observed_ns)
		spikes->observed_ns = event->time_ns;
	if (event->kind == EVENT_MAP_GROW)
		growth_event(spikes, io, event);
	else if (event->kind == EVENT_STOP && gc_is_pause(event->stop.reason) && stop &&
		 stop->duration_ns)
		pause_event(spikes, io, stop);
}

static void spikes_tick(void *state, const struct detect_io *io, const struct window *window)
{
	/* Where records were lost or probes stood only at times, growths were missed. */
	bool whole = !window->lost.ring && window->cost.duty[WIRE_GROUP_MAP_GROW] >= 1;
	struct spikes *spikes = state;

	rehash_link_window(&spikes->link, window->start_ns, window->end_ns, whole);
	spikes->observed_ns = window->end_ns;
	say_all(spikes, io, window->end_ns);
}

static void name_cause(const struct model *model, const struct rehash *rehash, const char *figure,
		       struct explanation *ret)
{
	const struct growth_site *site = growth_site_find(model_growth(model), rehash->site);
	const struct names *names = model_names(model);
	char type[EVIDENCE_TEXT_MAX], where[EVIDENCE_TEXT_MAX], others[sizeof(ret->advice)];
	size_t len = strlen(ret->summary);

	names->type(names->arg, rehash->type, type, sizeof(type));
	explain_user_frame(names, site ? site->pc : NULL, site ? site->frames : 0, where,
			   sizeof(where));
	explain_text(ret, "rehash_map_type", "%s", type);
	explain_number(ret, "rehash_entries_moved", (double)rehash->moved);
	explain_text(ret, "rehash_site", "%s", where);
	explain_write(ret->summary + len, sizeof(ret->summary) - len,
		      "; likely cause: a %.80s that grew at %.120s (%s)", type, where, figure);
	if (!site)
		return;
	memcpy(others, ret->advice, sizeof(others));
	explain_write(ret->advice, sizeof(ret->advice),
		      "make(%.80s, %llu), the size it reached, so that it need not grow; or: %s",
		      type, site->entries_max, others);
}

/* The figure is told whatever it is; the growth only when it beats chance, for then it is a cause.
 */
static void explain_rehash(const struct spikes *spikes, const struct model *model,
			   const struct pause *pause, u64 now_ns, struct explanation *ret)
{
	struct rehash_odds odds = rehash_link_odds(&spikes->link, spikes->observed_ns, now_ns);
	char figure[128];

	if (!odds.stretches || !odds.longs)
		return;
	explain_write(figure, sizeof(figure),
		      "%llu of %llu long pauses had a rehash within %llu ms before; chance would "
		      "give %.2g",
		      odds.after, odds.longs, REHASH_LAG_NS / NS_PER_MS, odds.expected);
	explain_text(ret, "rehash_link", "%s (p = %.2g)", figure, odds.probability);
	if (pause->after_rehash && rehash_odds_beat_chance(&odds))
		name_cause(model, &pause->rehash, figure, ret);
}

static void summarise(const struct finding *finding, const struct gc_stop *stop,
		      struct explanation *ret)
{
	const char *whose = finding->measure == LONGEST ? "it" : "the longest";
	char value[UNITS_BUF], longest[UNITS_BUF], part[256];

	fmt_duration_ns(value, (u64)finding->value);
	fmt_duration_ns(longest, stop->duration_ns);
	pause_summary(stop, whose, part, sizeof(part));
	if (finding->measure == LONGEST)
		explain_write(ret->summary, sizeof(ret->summary),
			      "the world stopped for %s: %s; %s", value, ret->subject, part);
	else if (finding->measure == SECOND)
		explain_write(
			ret->summary, sizeof(ret->summary),
			"the world stopped twice within a minute for %s or more, at most %s: %s; "
			"%s",
			value, longest, ret->subject, part);
	else
		explain_write(
			ret->summary, sizeof(ret->summary),
			"three pauses within a minute lasted %s or more, at least %.0f times the "
			"median: %s; %s",
			value, OUTLIER_FACTOR, ret->subject, part);
}

/* There is a pause, or nothing to explain. */
static void spikes_explain(const void *state, const struct model *model,
			   const struct finding *finding, struct explanation *ret)
{
	const struct spikes *spikes = state;
	const struct pause *pause = &spikes->all.pause[0];

	explain_write(ret->subject, sizeof(ret->subject), "%s", gc_stop_reason(&pause->stop));
	summarise(finding, &pause->stop, ret);
	pause_advice(&pause->stop, ret->advice, sizeof(ret->advice));
	explain_text(ret, "reason", "%s", ret->subject);
	pause_explain(&pause->stop, ret);
	explain_number(ret, "median_pause_ns", gc_before_last_ns(model_gc(model)).median);
	if (model_heap_live_bytes(model))
		explain_number(ret, "heap_live_bytes", (double)model_heap_live_bytes(model));
	if (model_heap_goal_bytes(model))
		explain_number(ret, "heap_goal_bytes", (double)model_heap_goal_bytes(model));
	explain_rehash(spikes, model, pause, finding->time_ns, ret);
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
	.events = 1 << EVENT_SAMPLE | 1 << EVENT_MAP_GROW | 1 << EVENT_STOP,
	.event = spikes_event,
	.tick = spikes_tick,
	.explain = spikes_explain,
};
