/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Call sites that write a map over and over without adding a key: a hash and a
 * probe for what a variable would do. A site's keys are at most those that its
 * maps got, so where another site fills the same map nothing is said.
 */
#include "detect/detect.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"

enum { SITES = 64, SAID = 16 };

/* Shorter than this a rate means little. */
#define LEAST_SECONDS 5.0

/* A site is judged by maps whose number of keys was known all the time, if these are most of it. */
#define KNOWN_SHARE    0.9
#define KEYS_SHARE_MAX 0.01

struct site {
	enum wire_fn fn;
	u64 return_pc, type;
	double known, known_sure; /* writes/s to maps that are known; as far as they are sure */
	double all;		  /* writes/s whatever the map */
	double keys;		  /* added a second, at most */
	u64 since_ns;		  /* all of it stands since then */
	size_t maps;
	double top_writes; /* of the map that it writes most … */
	u64 top_map, top_entries;
	char key[FINDING_KEY_MAX];
};

struct overwrites {
	size_t site_count, said_count;
	struct site site[SITES]; /* of this tick */
	struct site said[SAID];	 /* those that were told, most writes first */
};

static void *overwrites_new(void)
{
	return calloc(1, sizeof(struct overwrites));
}

/* The row of a site; NULL: there are too many of them. */
static struct site *site_of(struct overwrites *o, const struct map_use *use, u64 type)
{
	struct site *site;

	for (size_t i = 0; i < o->site_count; i++) {
		site = &o->site[i];
		if (site->fn == use->fn && site->return_pc == use->return_pc && site->type == type)
			return site;
	}
	if (o->site_count == SITES)
		return NULL;
	site = &o->site[o->site_count++];
	*site = (struct site) { .fn = use->fn, .return_pc = use->return_pc, .type = type };
	snprintf(site->key, sizeof(site->key), "%llx:%llx", use->return_pc, type);
	return site;
}

static void add_use(struct overwrites *o, const struct gomap *map, size_t use,
		    const struct map_span *span)
{
	double writes = span->use_writes[use];
	struct site *site = writes > 0 ? site_of(o, &map->use[use], map->key.type) : NULL;

	if (!site)
		return;
	site->known += writes / span->seconds;
	site->known_sure += MAX(writes - 2 * map_span_error(span, writes), 0) / span->seconds;
	site->all = MAX(site->all, span->site_writes[use] / span->seconds);
	site->keys += MIN(span->keys_max, writes) / span->seconds;
	site->since_ns = MAX(site->since_ns, span->since_ns);
	site->maps++;
	if (writes > site->top_writes) {
		site->top_writes = writes;
		site->top_map = map->key.map;
		site->top_entries = map->now.entries;
	}
}

static void look_at_maps(struct overwrites *o, const struct gomaps *maps)
{
	struct map_span span;

	o->site_count = 0;
	for (const struct gomap *map = gomaps_next(maps, NULL); map; map = gomaps_next(maps, map)) {
		if (!map->entries_known || !gomaps_minute(maps, map, &span) ||
		    span.seconds < LEAST_SECONDS || span.clears > 0)
			continue;
		for (size_t i = 0; i < EVENT_MAP_USES; i++)
			add_use(o, map, i, &span);
	}
}

static bool overwrites(const struct site *site)
{
	return site->known_sure > 0 && site->known >= KNOWN_SHARE * site->all &&
	       site->keys < KEYS_SHARE_MAX * site->known_sure;
}

static void say(const struct detect_io *io, const struct site *site, double per_minute, u64 now_ns)
{
	struct finding finding = { .value = per_minute, .time_ns = now_ns };

	finding.since_ns = MIN(site->since_ns, now_ns);
	memcpy(finding.key, site->key, sizeof(finding.key));
	io->emit(io->arg, &finding);
}

static size_t insert_sorted(struct site *into, size_t n, const struct site *site)
{
	size_t at = n;

	while (at > 0 && into[at - 1].known_sure < site->known_sure)
		at--;
	if (at == SAID)
		return n;
	n = MIN(n + 1, (size_t)SAID);
	memmove(&into[at + 1], &into[at], (n - 1 - at) * sizeof(*into));
	into[at] = *site;
	return n;
}

static bool is_said(const struct overwrites *o, const char *key)
{
	for (size_t i = 0; i < o->said_count; i++) {
		if (!strcmp(o->said[i].key, key))
			return true;
	}
	return false;
}

static void overwrites_tick(void *state, const struct detect_io *io, const struct window *window)
{
	struct overwrites *o = state;
	struct site before[SAID];
	size_t before_count = o->said_count;

	if (!window->has_map_write)
		return;
	memcpy(before, o->said, before_count * sizeof(before[0]));
	look_at_maps(o, model_gomaps(io->model));
	o->said_count = 0;
	for (size_t i = 0; i < o->site_count; i++) {
		if (overwrites(&o->site[i]))
			o->said_count = insert_sorted(o->said, o->said_count, &o->site[i]);
	}
	for (size_t i = 0; i < before_count; i++) {
		if (!is_said(o, before[i].key))
			say(io, &before[i], 0, window->end_ns);
	}
	for (size_t i = 0; i < o->said_count; i++)
		say(io, &o->said[i], o->said[i].known_sure * 60, window->end_ns);
}

static const struct site *find(const struct overwrites *o, const char *key)
{
	for (size_t i = 0; i < o->said_count; i++) {
		if (!strcmp(o->said[i].key, key))
			return &o->said[i];
	}
	return NULL;
}

static void overwrites_explain(const void *state, const struct model *model,
			       const struct finding *finding, struct explanation *ret)
{
	const struct site *site = find(state, finding->key);
	const struct names *names = model_names(model);
	char value[UNITS_BUF], type[EVIDENCE_TEXT_MAX];

	if (!site)
		return;
	names->frame(names->arg, site->return_pc, true, ret->subject, sizeof(ret->subject));
	names->type(names->arg, site->type, type, sizeof(type));
	explain_write(ret->summary, sizeof(ret->summary),
		      "%s writes keys that are there already in %s, %s times a minute",
		      ret->subject, type, fmt_count(value, finding->value));
	explain_write(ret->advice, sizeof(ret->advice),
		      "every write hashes and searches: keep what changes outside of the map (a "
		      "struct field, an atomic counter, a slice by index), or let the map hold "
		      "pointers and change what they point to");
	explain_text(ret, "site", "%s", ret->subject);
	explain_text(ret, "map_type", "%s", type);
	explain_number(ret, "writes_per_min", site->known * 60);
	explain_number(ret, "new_keys_per_min_at_most", site->keys * 60);
	explain_number(ret, "maps", (double)site->maps);
	explain_text(ret, "map", "%#llx", site->top_map);
	explain_number(ret, "entries", (double)site->top_entries);
}

const struct detector detector_map_hot_overwrite = {
	.name = "map-hot-overwrite",
	.measures = { { "writes", "writes/min" } },
	.measure_count = 1,
	.new = overwrites_new,
	.free = free,
	.tick = overwrites_tick,
	.explain = overwrites_explain,
};
