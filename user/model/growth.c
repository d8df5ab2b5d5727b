/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/growth.h"

#include <errno.h>
#include <string.h>
#include <utlist.h>

#include "base/units.h"

/* A Swiss table has at most this many slots (internal/runtime/maps.maxTableCapacity, Go 1.24). */
#define SWISS_TABLE_SLOTS 1024

enum { STEPS = 64 };

/* How fine the order by age is: who grows all the time shall not be moved in it each time. */
#define AGE_NS NS_PER_S

struct growth {
	struct growth_limits limits;
	struct growing_map *maps; /* by address and type */
	struct growth_site *sites;
	/* The same ones, the least recently growing first, to AGE_NS. A table of uthash has an
	 * order too, but an element has to leave it to become its last, and may not get in again.
	 */
	struct growing_map *maps_by_age;
	struct growth_site *sites_by_age;
	const struct growing_map *last;
	struct growth_step step[STEPS]; /* a ring */
	u64 steps;
	u64 large;
	u64 evicted;
};

struct growth *growth_new(const struct growth_limits *limits)
{
	struct growth *growth = calloc(1, sizeof(*growth));

	if (growth)
		growth->limits = *limits;
	return growth;
}

void growth_free(struct growth *growth)
{
	struct growing_map *map, *next_map;
	struct growth_site *site, *next_site;

	if (!growth)
		return;
	HASH_ITER (hh, growth->maps, map, next_map) {
		HASH_DEL(growth->maps, map);
		free(map);
	}
	HASH_ITER (hh, growth->sites, site, next_site) {
		HASH_DEL(growth->sites, site);
		free(site);
	}
	free(growth);
}

/* FNV-1a over the type and the frames: the same place gives the same id in every run. */
static u64 site_id(const struct event_map_grow *grow, size_t frames)
{
	u64 id = 0xcbf29ce484222325ULL;

	id = (id ^ grow->type) * 0x100000001b3ULL;
	for (size_t i = 0; i < frames; i++)
		id = (id ^ grow->stack.pc[i]) * 0x100000001b3ULL;
	return id ? id : 1;
}

static struct growth_site *site_find(const struct growth *growth, u64 id)
{
	struct growth_site *site;

	HASH_FIND(hh, growth->sites, &id, sizeof(id), site);
	return site;
}

/* Memory for one more: that of the oldest, which leaves, if there are as many as there may be. */
static struct growth_site *site_room(struct growth *growth)
{
	struct growth_site *oldest = growth->sites_by_age;

	if (!oldest || HASH_COUNT(growth->sites) < growth->limits.sites)
		return malloc(sizeof(*oldest));
	HASH_DEL(growth->sites, oldest);
	DL_DELETE(growth->sites_by_age, oldest);
	growth->evicted++;
	return oldest;
}

/* NULL: out of memory. */
static struct growth_site *site_new(struct growth *growth, u64 time_ns, u64 id,
				    const struct event_map_grow *grow, size_t frames)
{
	struct growth_site *site = site_room(growth);

	if (!site)
		return NULL;
	*site = (struct growth_site) {
		.id = id,
		.type = grow->type,
		.frames = frames,
		.aged_ns = time_ns,
	};
	if (frames)
		memcpy(site->pc, grow->stack.pc, frames * sizeof(site->pc[0]));
	HASH_ADD(hh, growth->sites, id, sizeof(site->id), site);
	if (!site->hh.tbl) {
		free(site);
		return NULL;
	}
	DL_APPEND(growth->sites_by_age, site);
	return site;
}

static struct growth_site *site_of(struct growth *growth, u64 time_ns,
				   const struct event_map_grow *grow)
{
	size_t frames = MIN(grow->stack.frames, WIRE_MAX_FRAMES);
	u64 id = site_id(grow, frames);
	struct growth_site *site = site_find(growth, id);

	if (!site)
		return site_new(growth, time_ns, id, grow, frames);
	if (time_ns >= site->aged_ns + AGE_NS) {
		DL_DELETE(growth->sites_by_age, site);
		DL_APPEND(growth->sites_by_age, site);
		site->aged_ns = time_ns;
	}
	return site;
}

static void site_grew(struct growth_site *site, u64 time_ns, const struct event_map_grow *grow,
		      u64 map_slots)
{
	sliding_add(&site->grows, time_ns, 1);
	sliding_add(&site->moved, time_ns, grow->moved);
	site->grows_total++;
	site->same_size_total += grow->grow == WIRE_GROW_SAME_SIZE;
	site->moved_total += grow->moved;
	site->entries_max = MAX(site->entries_max, grow->entries);
	site->slots_max = MAX(site->slots_max, map_slots);
}

static struct growing_map *map_room(struct growth *growth)
{
	struct growing_map *oldest = growth->maps_by_age;

	if (!oldest || HASH_COUNT(growth->maps) < growth->limits.maps)
		return malloc(sizeof(*oldest));
	HASH_DEL(growth->maps, oldest);
	DL_DELETE(growth->maps_by_age, oldest);
	if (growth->last == oldest)
		growth->last = NULL;
	growth->evicted++;
	return oldest;
}

/* NULL: out of memory. */
static struct growing_map *map_new(struct growth *growth, u64 time_ns,
				   const struct event_map_grow *grow)
{
	struct growing_map *map = map_room(growth);

	if (!map)
		return NULL;
	*map = (struct growing_map) { .key = { grow->map, grow->type }, .aged_ns = time_ns };
	HASH_ADD(hh, growth->maps, key, sizeof(map->key), map);
	if (!map->hh.tbl) {
		free(map);
		return NULL;
	}
	DL_APPEND(growth->maps_by_age, map);
	return map;
}

static struct growing_map *map_of(struct growth *growth, u64 time_ns,
				  const struct event_map_grow *grow)
{
	struct growing_map *map, probe = { .key = { grow->map, grow->type } };

	HASH_FIND(hh, growth->maps, &probe.key, sizeof(probe.key), map);
	if (!map)
		return map_new(growth, time_ns, grow);
	if (time_ns >= map->aged_ns + AGE_NS) {
		DL_DELETE(growth->maps_by_age, map);
		DL_APPEND(growth->maps_by_age, map);
		map->aged_ns = time_ns;
	}
	return map;
}

/*
 * The whole map's slots before a growth. A classic map and a Swiss map of one
 * table say it. With more tables it is at most 1024 a directory entry: a table
 * splits only at 1024 slots, and into two of them, but several entries may
 * share a table; so it is followed from growth to growth below that bound.
 */
static u64 slots_before(const struct growing_map *map, const struct event_map_grow *grow)
{
	u64 bound = grow->dir_len * SWISS_TABLE_SLOTS;

	if (grow->dir_len <= 1)
		return grow->slots_before;
	return map->slots ? MIN(map->slots, bound) : bound;
}

/* Whether the map can't be the one that was seen at this address: a Go map never shrinks. */
static bool is_another_map(const struct growing_map *map, const struct event_map_grow *grow)
{
	return slots_before(map, grow) < map->slots;
}

static void count_doubling(struct growing_map *map, u64 time_ns)
{
	if (map->entries < WIRE_LARGE_MAP) {
		map->slots_counted = map->slots;
	} else if (map->slots >= 2 * map->slots_counted) {
		map->slots_counted = map->slots;
		sliding_add(&map->doublings, time_ns, 1);
	}
}

static void map_grew(struct growing_map *map, u64 time_ns, const struct event_map_grow *grow)
{
	u64 before;

	if (is_another_map(map, grow)) {
		map->slots = map->slots_counted = 0;
		map->doublings = (struct sliding) { 0 };
	}
	before = slots_before(map, grow);
	if (!map->slots_counted)
		map->slots_counted = before;
	map->slots = before;
	if (grow->slots_after > grow->slots_before)
		map->slots += grow->slots_after - grow->slots_before;
	map->entries = grow->entries;
	count_doubling(map, time_ns);
}

int growth_add(struct growth *growth, u64 time_ns, const struct event_map_grow *grow)
{
	struct growing_map *map = map_of(growth, time_ns, grow);
	struct growth_site *site = map ? site_of(growth, time_ns, grow) : NULL;

	growth->large += grow->entries >= WIRE_LARGE_MAP;
	if (!site)
		return -ENOMEM;
	map_grew(map, time_ns, grow);
	site_grew(site, time_ns, grow, map->slots);
	map->site = site->id;
	growth->last = map;
	growth->step[growth->steps++ % STEPS] = (struct growth_step) {
		time_ns, map->site, grow->type, grow->moved, grow->entries,
	};
	return 0;
}

const struct growth_site *growth_top_site(const struct growth *growth, u64 now_ns,
					  enum growth_measure measure)
{
	const struct growth_site *top = NULL;
	u64 most = 0;

	for (const struct growth_site *site = growth->sites; site; site = site->hh.next) {
		u64 n = sliding_sum(measure == GROWTH_BY_MOVED ? &site->moved : &site->grows,
				    now_ns);

		if (n > most) {
			most = n;
			top = site;
		}
	}
	return top;
}

const struct growth_site *growth_site_find(const struct growth *growth, u64 id)
{
	return site_find(growth, id);
}

const struct growing_map *growth_fastest_map(const struct growth *growth, u64 now_ns)
{
	const struct growing_map *fastest = NULL;
	u64 most = 0;

	for (const struct growing_map *map = growth->maps; map; map = map->hh.next) {
		u64 n = sliding_sum(&map->doublings, now_ns);

		if (n > most) {
			most = n;
			fastest = map;
		}
	}
	return fastest;
}

const struct growing_map *growth_last_map(const struct growth *growth)
{
	return growth->last;
}

bool growth_step_within(const struct growth *growth, u64 from_ns, u64 to_ns,
			struct growth_step *ret)
{
	const struct growth_step *most = NULL;

	for (u64 i = 0; i < MIN(growth->steps, STEPS); i++) {
		const struct growth_step *step = &growth->step[i];

		if (step->time_ns >= from_ns && step->time_ns <= to_ns &&
		    (!most || step->moved > most->moved))
			most = step;
	}
	if (most)
		*ret = *most;
	return most;
}

u64 growth_large_count(const struct growth *growth)
{
	return growth->large;
}

u64 growth_evicted(const struct growth *growth)
{
	return growth->evicted;
}
