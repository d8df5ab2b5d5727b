/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Maps that grow for minutes and from which next to nothing is deleted. What
 * reached its size is none of them, nor is a map that is emptied from time to
 * time, nor one whose deletes are not known well enough.
 */
#include "detect/detect.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

/* As for goroutines that rise (goroutine_growth.c): a load that goes up and down has a slope too.
 */
#define RISE_MIN_SHARE 0.01
#define RISE_MIN_TAU   0.8

/* One that nears its size rises ever more slowly, a leak does not. */
#define RECENT_SLOPE_MIN_SHARE 0.5

#define DELETES_SHARE_MAX 0.01

/* A key that is added is written once at least; less is a map whose writes are not all known. */
#define WRITES_SHARE_MIN 0.5

enum { SAID = 16 };

/* The largest map of those that grow at one place. */
struct growing {
	char key[FINDING_KEY_MAX];
	struct map_key map;
	u64 entries, since_ns;
	double growth_per_s, deletes_share_max;
};

struct missing {
	size_t count;
	struct growing said[SAID];
};

static void *missing_new(void)
{
	return calloc(1, sizeof(struct missing));
}

static bool is_rising(const struct gomap *map, struct trend_fit *ret_fit)
{
	struct trend_fit recent;

	return map_past_fit(&map->growth, ret_fit) && ret_fit->tau >= RISE_MIN_TAU &&
	       ret_fit->rise > RISE_MIN_SHARE * (double)map->now.entries &&
	       map_past_fit_recent(&map->growth, &recent) && recent.tau >= RISE_MIN_TAU &&
	       recent.slope_per_s >= RECENT_SLOPE_MIN_SHARE * ret_fit->slope_per_s;
}

/* Whether next to nothing was deleted since it grows; *ret_share: at most this share of new keys.
 */
static bool lacks_deletes(const struct gomaps *maps, const struct gomap *map, double *ret_share)
{
	struct map_span span;

	if (!gomaps_growth(maps, map, &span) || span.entries <= 0 || span.clears > 0)
		return false;
	if (span.writes + 2 * map_span_error(&span, span.writes) < WRITES_SHARE_MIN * span.entries)
		return false;
	*ret_share = span.deletes_max / span.keys_max;
	return *ret_share < DELETES_SHARE_MAX;
}

/* Where it is filled: the site that writes it most, else where it grew last; 0: unknown. */
static u64 place_of(const struct model *model, const struct gomap *map)
{
	const struct map_use *use = gomaps_top_use(model_gomaps(model), map);

	return use ? use->return_pc : map->growth_site;
}

static const struct growing *find_map(const struct missing *m, const struct map_key *map)
{
	for (size_t i = 0; i < m->count; i++) {
		if (m->said[i].map.map == map->map && m->said[i].map.type == map->type)
			return &m->said[i];
	}
	return NULL;
}

static struct growing *find(struct missing *m, const char *key)
{
	for (size_t i = 0; i < m->count; i++) {
		if (!strcmp(m->said[i].key, key))
			return &m->said[i];
	}
	return NULL;
}

/* Maps that grow at one place, as the shards of a cache do, are one finding; and a map keeps the
 * place that it was told of with, whoever writes it most later. */
static void key_of(const struct model *model, const struct missing *before, const struct gomap *map,
		   char key[static FINDING_KEY_MAX])
{
	const struct growing *known = find_map(before, &map->key);

	if (known)
		memcpy(key, known->key, FINDING_KEY_MAX);
	else
		snprintf(key, FINDING_KEY_MAX, "%llx:%llx",
			 place_of(model, map) & 0xffffffffffffULL, map->key.type);
}

/* The largest of its place; of more places than there is room for the largest maps. */
static void keep(struct missing *m, const struct growing *found)
{
	struct growing *row = find(m, found->key);

	if (!row && m->count < SAID) {
		m->said[m->count++] = *found;
		return;
	}
	for (size_t i = 0; !row && i < SAID; i++) {
		if (m->said[i].entries < found->entries)
			row = &m->said[i];
	}
	if (row && row->entries < found->entries)
		*row = *found;
}

static void look_at_maps(struct missing *m, const struct missing *before, const struct model *model)
{
	const struct gomaps *maps = model_gomaps(model);

	m->count = 0;
	for (const struct gomap *map = gomaps_next(maps, NULL); map; map = gomaps_next(maps, map)) {
		struct growing found = { .map = map->key, .entries = map->now.entries };
		struct trend_fit fit;

		if (!map->entries_known || !is_rising(map, &fit) ||
		    !lacks_deletes(maps, map, &found.deletes_share_max))
			continue;
		found.since_ns = fit.since_ns;
		found.growth_per_s = fit.slope_per_s;
		key_of(model, before, map, found.key);
		keep(m, &found);
	}
}

static void say(const struct detect_io *io, const struct growing *growing, double entries,
		u64 since_ns, u64 now_ns)
{
	struct finding finding = { .value = entries, .time_ns = now_ns, .since_ns = since_ns };

	memcpy(finding.key, growing->key, sizeof(finding.key));
	io->emit(io->arg, &finding);
}

static void missing_tick(void *state, const struct detect_io *io, const struct window *window)
{
	struct missing *m = state, before = *m;

	if (!window->has_map_write)
		return;
	look_at_maps(m, &before, io->model);
	for (size_t i = 0; i < before.count; i++) {
		if (!find(m, before.said[i].key))
			say(io, &before.said[i], 0, window->end_ns, window->end_ns);
	}
	for (size_t i = 0; i < m->count; i++)
		say(io, &m->said[i], (double)m->said[i].entries, m->said[i].since_ns,
		    window->end_ns);
}

static void explain_growth_site(const struct model *model, const struct gomap *map,
				struct explanation *ret)
{
	const struct growth_site *site = growth_site_find(model_growth(model), map->growth_site);
	const struct names *names = model_names(model);

	if (site && !ret->subject[0])
		explain_user_frame(names, site->pc, site->frames, ret->subject,
				   sizeof(ret->subject));
	if (site)
		explain_stack(ret, "stack", names, (struct event_stack) { site->pc, site->frames },
			      STACK_OF_PROGRAM);
}

static void explain_map(const struct growing *growing, const struct gomap *map,
			const struct model *model, struct explanation *ret)
{
	char value[UNITS_BUF], per_s[UNITS_BUF], type[EVIDENCE_TEXT_MAX], twice[UNITS_BUF];
	const struct map_use *use = gomaps_top_use(model_gomaps(model), map);
	const struct names *names = model_names(model);
	double doubles_s = (double)growing->entries / growing->growth_per_s;

	names->type(names->arg, map->key.type, type, sizeof(type));
	if (use)
		names->frame(names->arg, use->return_pc, true, ret->subject, sizeof(ret->subject));
	explain_growth_site(model, map, ret);
	if (!ret->subject[0])
		explain_write(ret->subject, sizeof(ret->subject), "%s", type);
	fmt_duration_ns(twice, (u64)(doubles_s * 1e9));
	explain_write(ret->summary, sizeof(ret->summary),
		      "%s has %s entries, %s more a second, and nothing is deleted: twice as "
		      "many in %s; filled at %s",
		      type, fmt_count(value, (double)growing->entries),
		      fmt_count(per_s, growing->growth_per_s), twice, ret->subject);
	explain_text(ret, "site", "%s", ret->subject);
	explain_text(ret, "map_type", "%s", type);
	explain_text(ret, "map", "%#llx", map->key.map);
	explain_number(ret, "entries", (double)growing->entries);
	explain_number(ret, "growth_per_s", growing->growth_per_s);
	explain_number(ret, "doubles_in_s", doubles_s);
	explain_number(ret, "deletes_pct_of_new_keys_at_most", 100 * growing->deletes_share_max);
}

static void missing_explain(const void *state, const struct model *model,
			    const struct finding *finding, struct explanation *ret)
{
	struct missing *m = (struct missing *)state;
	const struct growing *growing = find(m, finding->key);
	const struct gomap *map = growing ? gomaps_find(model_gomaps(model), &growing->map) : NULL;

	if (!map)
		return;
	explain_map(growing, map, model, ret);
	explain_write(ret->advice, sizeof(ret->advice),
		      "delete what is no longer needed, let entries expire, or bound the map (an "
		      "LRU); note that a Go map keeps its memory when keys go: a new map gives it "
		      "back");
}

const struct detector detector_map_missing_delete = {
	.name = "map-missing-delete",
	.measures = { { "entries", "entries" } },
	.measure_count = 1,
	.new = missing_new,
	.free = free,
	.tick = missing_tick,
	.explain = missing_explain,
};
