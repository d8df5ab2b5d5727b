/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/growth.h"

#include <errno.h>
#include <string.h>

/* A Swiss table has at most this many slots (internal/runtime/maps.maxTableCapacity, Go 1.24). */
#define SWISS_TABLE_SLOTS 1024

enum { STEPS = 64 };

struct growth {
	struct growth_limits limits;
	struct growing_map *maps; /* by address and type; the order is that of growing */
	struct growth_site *sites;
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

static struct growth_site *site_new(struct growth *growth, u64 id)
{
	struct growth_site *site, *oldest = growth->sites;

	if (oldest && HASH_COUNT(growth->sites) >= growth->limits.sites) {
		HASH_DEL(growth->sites, oldest);
		free(oldest);
		growth->evicted++;
	}
	site = calloc(1, sizeof(*site));
	if (site)
		site->id = id;
	return site;
}

/* Takes the site out of its place in the order, to be added again as the newest. */
static struct growth_site *site_take(struct growth *growth, const struct event_map_grow *grow)
{
	size_t frames = MIN(grow->stack.frames, WIRE_MAX_FRAMES);
	u64 id = site_id(grow, frames);
	struct growth_site *site;

	HASH_FIND(hh, growth->sites, &id, sizeof(id), site);
	if (site) {
		HASH_DEL(growth->sites, site);
		return site;
	}
	site = site_new(growth, id);
	if (!site)
		return NULL;
	site->type = grow->type;
	site->frames = frames;
	if (frames)
		memcpy(site->pc, grow->stack.pc, frames * sizeof(site->pc[0]));
	return site;
}

static int site_add(struct growth *growth, u64 time_ns, const struct event_map_grow *grow,
		    u64 map_slots, u64 *ret_id)
{
	struct growth_site *site = site_take(growth, grow);

	if (!site)
		return -ENOMEM;
	sliding_add(&site->grows, time_ns, 1);
	sliding_add(&site->moved, time_ns, grow->moved);
	site->grows_total++;
	site->same_size_total += grow->grow == WIRE_GROW_SAME_SIZE;
	site->moved_total += grow->moved;
	site->entries_max = MAX(site->entries_max, grow->entries);
	site->slots_max = MAX(site->slots_max, map_slots);
	HASH_ADD(hh, growth->sites, id, sizeof(site->id), site);
	if (!site->hh.tbl) {
		free(site);
		return -ENOMEM;
	}
	*ret_id = site->id;
	return 0;
}

static struct growing_map *map_new(struct growth *growth, u64 address, u64 type)
{
	struct growing_map *map, *oldest = growth->maps;

	if (oldest && HASH_COUNT(growth->maps) >= growth->limits.maps) {
		HASH_DEL(growth->maps, oldest);
		if (growth->last == oldest)
			growth->last = NULL;
		free(oldest);
		growth->evicted++;
	}
	map = calloc(1, sizeof(*map));
	if (map) {
		map->key.map = address;
		map->key.type = type;
	}
	return map;
}

static struct growing_map *map_take(struct growth *growth, const struct event_map_grow *grow)
{
	struct growing_map *map, probe = { .key = { grow->map, grow->type } };

	HASH_FIND(hh, growth->maps, &probe.key, sizeof(probe.key), map);
	if (map)
		HASH_DEL(growth->maps, map);
	else
		map = map_new(growth, grow->map, grow->type);
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
	map->last_ns = time_ns;
	count_doubling(map, time_ns);
}

int growth_add(struct growth *growth, u64 time_ns, const struct event_map_grow *grow)
{
	struct growing_map *map;
	int err;

	growth->large += grow->entries >= WIRE_LARGE_MAP;
	map = map_take(growth, grow);
	if (!map)
		return -ENOMEM;
	map_grew(map, time_ns, grow);
	err = site_add(growth, time_ns, grow, map->slots, &map->site);
	if (!err) {
		HASH_ADD(hh, growth->maps, key, sizeof(map->key), map);
		err = map->hh.tbl ? 0 : -ENOMEM;
	}
	if (err) {
		if (growth->last == map)
			growth->last = NULL;
		free(map);
		return err;
	}
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
	struct growth_site *site;

	HASH_FIND(hh, growth->sites, &id, sizeof(id), site);
	return site;
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
