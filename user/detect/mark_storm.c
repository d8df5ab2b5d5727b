/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Maps that grow while the collector marks: the entries are copied while they
 * are being marked, old and new arrays are both live, and whoever allocates the
 * new ones is made to assist. How overlap is counted: model/mark_growth.h.
 */
#include "detect/detect.h"

#include <stdio.h>

#include "base/units.h"
#include "event/stack.h"

enum { OVERLAP, MOVED, MEASURES };

/*
 * Shorter phases say nothing of overlap: one map that is filled once takes a quarter of them, and a
 * storm without end (rehash-storm's to judge) covers those of a small heap too, where it matters
 * least. A quarter of this is 25 milliseconds with a growth in each.
 */
#define OVERLAP_MIN_MARK_NS (100 * NS_PER_MS)

/* A phase counts for so long after its end. */
#define LOOK_BACK_NS NS_PER_MIN

struct mark_storm {
	struct mark_growth last, worst[MEASURES]; /* of the last minute */
};

static void *mark_storm_new(void)
{
	return calloc(1, sizeof(struct mark_storm));
}

static double value_of(const struct mark_growth *mark, size_t measure)
{
	if (measure == MOVED)
		return (double)mark->moved;
	if (mark->end_ns - mark->start_ns < OVERLAP_MIN_MARK_NS)
		return 0;
	return mark_growth_overlap_pct(mark);
}

static bool is_over(const struct mark_growth *mark, u64 now_ns)
{
	return mark->ended_ns + LOOK_BACK_NS <= now_ns;
}

/* When the worst is over, the last one stands in for it: those between are not kept. */
static void expire(struct mark_storm *s, u64 now_ns)
{
	if (is_over(&s->last, now_ns))
		s->last = (struct mark_growth) { .ended_ns = 0 };
	for (size_t measure = 0; measure < MEASURES; measure++) {
		if (is_over(&s->worst[measure], now_ns))
			s->worst[measure] = s->last;
	}
}

static void say(struct mark_storm *s, const struct detect_io *io, u64 now_ns)
{
	expire(s, now_ns);
	for (size_t measure = 0; measure < MEASURES; measure++) {
		struct finding finding = {
			.measure = measure,
			.value = value_of(&s->worst[measure], measure),
			.time_ns = now_ns,
			.since_ns = now_ns,
		};

		io->emit(io->arg, &finding);
	}
}

/* After a cycle whose start was not seen the last phase is still the one before it. */
static void mark_storm_event(void *state, const struct detect_io *io, const struct event *event)
{
	const struct mark_growth *mark = mark_growths_last(model_mark_growths(io->model));
	struct mark_storm *s = state;

	if (!mark)
		return;
	s->last = *mark;
	for (size_t measure = 0; measure < MEASURES; measure++) {
		if (value_of(mark, measure) >= value_of(&s->worst[measure], measure))
			s->worst[measure] = *mark;
	}
	say(s, io, event->time_ns);
}

static void mark_storm_tick(void *state, const struct detect_io *io, const struct window *window)
{
	say(state, io, window->end_ns);
}

static void summarise(const struct finding *finding, const struct mark_growth *mark,
		      const char *where, struct explanation *ret)
{
	char moved[UNITS_BUF], marked[UNITS_BUF];

	fmt_count(moved, (double)mark->moved);
	if (mark->slices)
		fmt_duration_ns(marked, mark->end_ns - mark->start_ns);
	else
		snprintf(marked, sizeof(marked), "of unknown length");
	if (finding->measure == OVERLAP)
		explain_write(
			ret->summary, sizeof(ret->summary),
			"large maps grew during %.0f %% of GC %llu's mark phase (%s), most of "
			"all %s at %s",
			finding->value, mark->number, marked, ret->subject, where);
	else
		explain_write(
			ret->summary, sizeof(ret->summary),
			"map growth moved %s entries during GC %llu's mark phase (%s), most of "
			"them in %s at %s",
			moved, mark->number, marked, ret->subject, where);
}

static void advise(const struct mark_growth *mark, const struct growth_site *site,
		   struct explanation *ret)
{
	const char *caller =
		mark->forced
			? "; the program forced this cycle (runtime.GC): not while it fills maps"
			: "";

	if (site)
		explain_write(
			ret->advice, sizeof(ret->advice),
			"make(%s, %llu): the size it reached; it then grows in no mark phase, and "
			"its growth drives no collection%s",
			ret->subject, site->entries_max, caller);
	else
		explain_write(ret->advice, sizeof(ret->advice),
			      "give make() of the maps that grow the size that they reach%s",
			      caller);
}

static void explain_numbers(const struct mark_growth *mark, struct explanation *ret)
{
	explain_number(ret, "gc_cycle", (double)mark->number);
	if (mark->slices)
		explain_number(ret, "mark_ns", (double)(mark->end_ns - mark->start_ns));
	explain_number(ret, "overlap_pct", mark_growth_overlap_pct(mark));
	explain_number(ret, "entries_moved", (double)mark->moved);
	explain_number(ret, "large_grows", (double)mark->large_grows);
	explain_number(ret, "site_moved", (double)mark->top.moved);
	explain_number(ret, "site_grows", (double)mark->top.grows);
}

static void mark_storm_explain(const void *state, const struct model *model,
			       const struct finding *finding, struct explanation *ret)
{
	const struct mark_storm *s = state;
	const struct mark_growth *mark = &s->worst[finding->measure];
	const struct growth_site *site = growth_site_find(model_growth(model), mark->top.site);
	const struct names *names = model_names(model);
	char where[EVIDENCE_TEXT_MAX] = "a place that is not known any more";

	names->type(names->arg, mark->top.type, ret->subject, sizeof(ret->subject));
	if (site)
		explain_user_frame(names, site->pc, site->frames, where, sizeof(where));
	summarise(finding, mark, where, ret);
	advise(mark, site, ret);
	explain_text(ret, "map_type", "%s", ret->subject);
	explain_numbers(mark, ret);
	if (!site)
		return;
	explain_number(ret, "entries_max", (double)site->entries_max);
	explain_text(ret, "site", "%s", where);
	explain_stack(ret, "stack", names, (struct event_stack) { site->pc, site->frames },
		      STACK_OF_PROGRAM);
}

const struct detector detector_mark_storm = {
	.name = "mark-storm",
	.measures = {
		[OVERLAP] = { "overlap", "%" },
		[MOVED] = { "moved", "entries" },
	},
	.measure_count = MEASURES,
	.new = mark_storm_new,
	.free = free,
	.events = 1 << EVENT_GC_END,
	.event = mark_storm_event,
	.tick = mark_storm_tick,
	.explain = mark_storm_explain,
};
