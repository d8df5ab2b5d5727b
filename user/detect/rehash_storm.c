/* SPDX-License-Identifier: BSD-2-Clause */
/* Maps that grow and grow: the whole process by rate, one map by how often its capacity doubles. */
#include "detect/detect.h"

#include <stdio.h>

#include "base/units.h"
#include "event/stack.h"

enum { MOVED, LARGE_GROWS, DOUBLINGS };

struct storm {
	u64 large_count;  /* growth_large_count() at the last tick */
	double doublings; /* as said last */
};

static void *storm_new(void)
{
	return calloc(1, sizeof(struct storm));
}

static void say(const struct detect_io *io, size_t measure, double value, u64 time_ns, u64 since_ns)
{
	struct finding finding = {
		.measure = measure, .value = value, .time_ns = time_ns, .since_ns = since_ns
	};

	io->emit(io->arg, &finding);
}

/* At the event only what rises is said; it falls with the ticks, which look at every map. */
static void storm_event(void *state, const struct detect_io *io, const struct event *event)
{
	const struct growing_map *map = growth_last_map(model_growth(io->model));
	struct storm *storm = state;
	double doublings;

	if (!map)
		return;
	doublings = (double)sliding_sum(&map->doublings, event->time_ns);
	if (doublings <= storm->doublings)
		return;
	storm->doublings = doublings;
	say(io, DOUBLINGS, doublings, event->time_ns, event->time_ns);
}

static void storm_tick(void *state, const struct detect_io *io, const struct window *window)
{
	const struct growth *growth = model_growth(io->model);
	const struct growing_map *map = growth_fastest_map(growth, window->end_ns);
	u64 large = growth_large_count(growth);
	struct storm *storm = state;

	if (window->seconds > 0) {
		double per_s = (double)(large - storm->large_count) / window->seconds;

		say(io, MOVED, window->map.moved_per_s, window->end_ns, window->start_ns);
		say(io, LARGE_GROWS, per_s, window->end_ns, window->start_ns);
		storm->large_count = large;
	}
	storm->doublings = map ? (double)sliding_sum(&map->doublings, window->end_ns) : 0;
	say(io, DOUBLINGS, storm->doublings, window->end_ns, window->end_ns);
}

static const struct growth_site *culprit(const struct growth *growth, const struct finding *finding,
					 const struct growing_map **ret_map)
{
	*ret_map = NULL;
	if (finding->measure == MOVED)
		return growth_top_site(growth, finding->time_ns, GROWTH_BY_MOVED);
	if (finding->measure == LARGE_GROWS)
		return growth_top_site(growth, finding->time_ns, GROWTH_BY_GROWS);
	*ret_map = growth_fastest_map(growth, finding->time_ns);
	return *ret_map ? growth_site_find(growth, (*ret_map)->site) : NULL;
}

static void summarise(const struct finding *finding, const struct growth_site *site,
		      const char *where, struct explanation *ret)
{
	char value[UNITS_BUF], entries[UNITS_BUF];

	fmt_count(value, finding->value);
	fmt_count(entries, (double)site->entries_max);
	switch (finding->measure) {
	case MOVED:
		explain_write(ret->summary, sizeof(ret->summary),
			      "map growth moves %s entries/s, most of them in %s at %s", value,
			      ret->subject, where);
		break;
	case LARGE_GROWS:
		explain_write(ret->summary, sizeof(ret->summary),
			      "large maps grow %s times/s, most often %s at %s", value,
			      ret->subject, where);
		break;
	default:
		explain_write(ret->summary, sizeof(ret->summary),
			      "one %s doubled %s times in 10 s, to %s entries, at %s", ret->subject,
			      value, entries, where);
	}
}

/* What a map of that size from the start would not have done; growths at the same size it might. */
static void advise_size(const struct growth_site *site, struct explanation *ret)
{
	char growths[UNITS_BUF], moved[UNITS_BUF];
	u64 doubled = site->grows_total - site->same_size_total;

	fmt_count(growths, (double)doubled);
	fmt_count(moved, (double)site->moved_total);
	if (site->same_size_total)
		explain_write(ret->advice, sizeof(ret->advice),
			      "make(%s, %llu), the size it reached, would have saved %s growths",
			      ret->subject, site->entries_max, growths);
	else
		explain_write(ret->advice, sizeof(ret->advice),
			      "make(%s, %llu), the size it reached, would have saved %s growths "
			      "and %s moved entries since the attach",
			      ret->subject, site->entries_max, growths, moved);
}

static void advise(const struct growth_site *site, struct explanation *ret)
{
	/* Go <= 1.23: "too many overflow buckets" (runtime/map.go); more room would not help. */
	if (site->same_size_total * 2 > site->grows_total)
		explain_write(
			ret->advice, sizeof(ret->advice),
			"inserts and deletes in turn fill the overflow buckets; replace the map "
			"by a fresh one from time to time, or reuse keys");
	else
		advise_size(site, ret);
}

static void storm_explain(const void *state, const struct model *model,
			  const struct finding *finding, struct explanation *ret)
{
	const struct growth *growth = model_growth(model);
	const struct names *names = model_names(model);
	const struct growing_map *map;
	const struct growth_site *site = culprit(growth, finding, &map);
	char where[EVIDENCE_TEXT_MAX];

	(void)state;
	if (!site) {
		explain_write(ret->subject, sizeof(ret->subject), "maps");
		explain_write(ret->summary, sizeof(ret->summary),
			      "maps grow in a storm; no record says which");
		explain_write(ret->advice, sizeof(ret->advice),
			      "make maps with the size that they reach, make(map[K]V, n); attach "
			      "--events shows each growth with its line");
		return;
	}
	names->type(names->arg, site->type, ret->subject, sizeof(ret->subject));
	explain_user_frame(names, site->pc, site->frames, where, sizeof(where));
	summarise(finding, site, where, ret);
	advise(site, ret);
	explain_text(ret, "map_type", "%s", ret->subject);
	if (map) {
		explain_text(ret, "map", "%#llx", map->key.map);
		explain_number(ret, "slots", (double)map->slots);
	}
	explain_number(ret, "entries_max", (double)site->entries_max);
	explain_number(ret, "entries_moved_10s",
		       (double)sliding_sum(&site->moved, finding->time_ns));
	explain_number(ret, "grows_10s", (double)sliding_sum(&site->grows, finding->time_ns));
	explain_text(ret, "site", "%s", where);
	explain_stack(ret, "stack", names, (struct event_stack) { site->pc, site->frames },
		      STACK_OF_PROGRAM);
}

const struct detector detector_rehash_storm = {
	.name = "rehash-storm",
	.measures = {
		[MOVED] = { "moved", "entries/s" },
		[LARGE_GROWS] = { "large-grows", "growths/s" },
		[DOUBLINGS] = { "doublings", "doublings/10s" },
	},
	.measure_count = 3,
	.new = storm_new,
	.free = free,
	.events = 1 << EVENT_MAP_GROW,
	.event = storm_event,
	.tick = storm_tick,
	.explain = storm_explain,
};
