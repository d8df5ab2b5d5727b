/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/tally_maps.h"

#include <errno.h>
#include <string.h>

#include "base/grow.h"

/* How much of what a map did stays in its rank from tick to tick. */
#define RECENT_KEPT 0.8

/* One map's rows. */
struct group {
	struct map_key key;
	size_t first_row, row_count;
	u64 writes, deletes, clears;
	double recent;
	bool kept;
};

/* What is remembered of a map until the next tick. */
struct memory {
	struct map_key key;
	u64 calls;
	double recent;
};

struct tally_maps {
	struct tally_scratch
		*scratch; /* groups are by key, as memories are; ranked: the same by rank */
	size_t group_count;
	struct memory *memories;
	size_t memory_count, memory_room;
	struct map_key wanted[TALLY_MAPS_WANTED]; /* by key */
	size_t wanted_count;
	size_t map_count;
	u64 least;
};

void tally_scratch_done(struct tally_scratch *scratch)
{
	free(scratch->rows);
	free(scratch->sites);
	free(scratch->groups);
	free(scratch->ranked);
	free(scratch->maps);
	*scratch = (struct tally_scratch) { 0 };
}

struct tally_maps *tally_maps_new(struct tally_scratch *scratch)
{
	struct tally_maps *m = calloc(1, sizeof(*m));

	if (m)
		m->scratch = scratch;
	return m;
}

void tally_maps_free(struct tally_maps *m)
{
	if (!m)
		return;
	free(m->memories);
	free(m);
}

static int compare(u64 a, u64 b)
{
	return (a > b) - (a < b);
}

static int by_key(const void *left, const void *right)
{
	const struct map_key *a = left, *b = right;
	int order = compare(a->map, b->map);

	return order ? order : compare(a->type, b->type);
}

static struct map_key key_of(const struct tally_row *row)
{
	return (struct map_key) { row->key.part, row->key.b };
}

static int rows_by_key(const void *left, const void *right)
{
	const struct map_key a = key_of(left), b = key_of(right);

	return by_key(&a, &b);
}

static u64 calls_of(const struct group *group)
{
	return group->writes + group->deletes;
}

static int by_calls(const void *left, const void *right)
{
	return compare(calls_of(*(struct group *const *)right),
		       calls_of(*(struct group *const *)left));
}

static int by_recent(const void *left, const void *right)
{
	double a = (*(struct group *const *)left)->recent;
	double b = (*(struct group *const *)right)->recent;

	return (a < b) - (a > b);
}

int tally_by_site(u64 fn, u64 pc, u64 type, const struct event_map_site *site)
{
	int order = compare(fn, site->fn);

	if (!order)
		order = compare(pc, site->return_pc);
	return order ? order : compare(type, site->type);
}

void tally_maps_want(struct tally_maps *m, const struct map_key *keys, size_t n)
{
	m->wanted_count = MIN(n, (size_t)TALLY_MAPS_WANTED);
	memcpy(m->wanted, keys, m->wanted_count * sizeof(*keys));
	qsort(m->wanted, m->wanted_count, sizeof(*keys), by_key);
}

static void add_row(struct group *group, const struct tally_row *row)
{
	group->row_count++;
	if (row->key.fn < WIRE_FN_MAPDELETE)
		group->writes += row->calls;
	else if (row->key.fn < WIRE_FN_MAPCLEAR)
		group->deletes += row->calls;
	else
		group->clears += row->calls;
}

/* Rows of map 0 are of maps that had no room. */
static void group_rows(struct tally_maps *m, const struct tally_row *rows, size_t n)
{
	m->group_count = 0;
	for (size_t i = 0; i < n; i++) {
		struct map_key key = key_of(&rows[i]);
		struct group *last =
			m->group_count ? &m->scratch->groups[m->group_count - 1] : NULL;

		if (!key.map)
			continue;
		if (!last || by_key(&last->key, &key)) {
			last = &m->scratch->groups[m->group_count++];
			*last = (struct group) { .key = key, .first_row = i };
		}
		add_row(last, &rows[i]);
	}
}

/* Both are in order. A count that fell began anew, as that of a map that was forgotten. */
static void rank_recent(struct tally_maps *m)
{
	size_t at = 0;

	for (size_t i = 0; i < m->group_count; i++) {
		struct group *group = &m->scratch->groups[i];
		struct memory before = { 0 };

		while (at < m->memory_count && by_key(&m->memories[at].key, &group->key) < 0)
			at++;
		if (at < m->memory_count && !by_key(&m->memories[at].key, &group->key))
			before = m->memories[at];
		if (before.calls > calls_of(group))
			before.calls = 0;
		group->recent =
			before.recent * RECENT_KEPT + (double)(calls_of(group) - before.calls);
	}
	m->memory_count = m->group_count;
	for (size_t i = 0; i < m->group_count; i++)
		m->memories[i] = (struct memory) { m->scratch->groups[i].key,
						   calls_of(&m->scratch->groups[i]),
						   m->scratch->groups[i].recent };
}

static void keep(struct tally_maps *m)
{
	size_t n = m->group_count;

	for (size_t i = 0; i < n; i++) {
		m->scratch->ranked[i] = &m->scratch->groups[i];
		m->scratch->groups[i].kept = bsearch(&m->scratch->groups[i].key, m->wanted,
						     m->wanted_count, sizeof(m->wanted[0]), by_key);
	}
	qsort(m->scratch->ranked, n, sizeof(struct group *), by_recent);
	for (size_t i = 0; i < MIN(n, (size_t)TALLY_MAPS); i++)
		m->scratch->ranked[i]->kept |= m->scratch->ranked[i]->recent >= 1;
	qsort(m->scratch->ranked, n, sizeof(struct group *), by_calls);
	for (size_t i = 0; i < MIN(n, (size_t)TALLY_MAPS); i++)
		m->scratch->ranked[i]->kept = true;
	m->least = n >= TALLY_MAPS ? calls_of(m->scratch->ranked[TALLY_MAPS - 1]) : 0;
}

static u64 site_writes(const struct tally_row *row, const struct event_map_site *sites, size_t n)
{
	size_t low = 0;

	while (n) {
		size_t half = n / 2;
		int order = tally_by_site(row->key.fn, row->key.a, row->key.b, &sites[low + half]);

		if (!order)
			return sites[low + half].count;
		if (order > 0) {
			low += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return row->calls;
}

/* Among the busiest, if it is one of them; they stay in order. */
static void add_use(struct event_map *map, const struct event_map_use *use)
{
	size_t at = map->use_count;

	while (at > 0 && map->use[at - 1].writes < use->writes)
		at--;
	if (at == EVENT_MAP_USES)
		return;
	map->use_count = MIN(map->use_count + 1, (size_t)EVENT_MAP_USES);
	memmove(&map->use[at + 1], &map->use[at], (map->use_count - 1 - at) * sizeof(*use));
	map->use[at] = *use;
}

static struct event_map told(const struct group *group, const struct tally_row *rows,
			     const struct event_map_site *sites, size_t site_count)
{
	struct event_map map = {
		.map = group->key.map,
		.type = group->key.type,
		.writes = group->writes,
		.deletes = group->deletes,
		.clears = group->clears,
		.recent = (u64)group->recent,
	};

	for (size_t i = 0; i < group->row_count; i++) {
		const struct tally_row *row = &rows[group->first_row + i];
		struct event_map_use use = { (enum wire_fn)row->key.fn, row->key.a, row->calls, 0 };

		if (use.fn >= WIRE_FN_MAPDELETE)
			continue;
		use.site_writes = site_writes(row, sites, site_count);
		add_use(&map, &use);
	}
	return map;
}

static size_t count_maps(const struct tally_row *rows, size_t n)
{
	size_t maps = 0;

	for (size_t i = 0; i < n; i++) {
		bool differs = !i || rows_by_key(&rows[i - 1], &rows[i]);

		maps += differs && rows[i].key.part;
	}
	return maps;
}

static bool make_room(struct tally_maps *m, size_t maps)
{
	struct tally_scratch *s = m->scratch;
	struct group **ranked = grow(s->ranked, &s->ranked_room, maps, sizeof(struct group *));

	if (!ranked)
		return false;
	s->ranked = ranked;
	return GROW(s->groups, &s->group_room, maps) && GROW(m->memories, &m->memory_room, maps) &&
	       GROW(s->maps, &s->map_room, MIN(maps, (size_t)TALLY_MAPS_ALL));
}

int tally_maps_sum(struct tally_maps *m, struct tally_row *rows, size_t row_count,
		   const struct event_map_site *sites, size_t site_count, struct event_sample *ret)
{
	qsort(rows, row_count, sizeof(*rows), rows_by_key);
	if (!make_room(m, count_maps(rows, row_count)))
		return -ENOMEM;
	group_rows(m, rows, row_count);
	rank_recent(m);
	keep(m);
	m->map_count = 0;
	for (size_t i = 0; i < m->group_count && m->map_count < TALLY_MAPS_ALL; i++) {
		if (m->scratch->ranked[i]->kept)
			m->scratch->maps[m->map_count++] =
				told(m->scratch->ranked[i], rows, sites, site_count);
	}
	ret->maps = m->scratch->maps;
	ret->map_count = m->map_count;
	return 0;
}

u64 tally_maps_least(const struct tally_maps *m)
{
	return m->least;
}
