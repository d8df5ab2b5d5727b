/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/gomaps.h"

#include <errno.h>
#include <string.h>

/* The last minute is one stretch, and its points only let it move on: it spans a minute to
 * 100 s. Of ten minutes a trend is made. */
enum { MINUTE_POINTS = 6, GROWTH_POINTS = MAP_PAST_POINTS };

struct gomaps {
	size_t limit;
	bool partial;
	struct gomap *table;
	struct event_group group; /* of map writes, at the last sample */
	struct map_exposure seen;
	u64 lost;	/* calls that reached no row, or no program; cumulative */
	u64 least_rank; /* of all rows, when the table was last found full */
	u64 evicted;
};

struct gomaps *gomaps_new(size_t limit, bool partial)
{
	struct gomaps *maps = calloc(1, sizeof(*maps));

	if (!maps)
		return NULL;
	maps->limit = limit;
	maps->partial = partial;
	return maps;
}

static void past_anew(struct gomap *map)
{
	map_past_clear(&map->minute);
	map_past_clear(&map->growth);
}

static void drop(struct gomaps *maps, struct gomap *map)
{
	HASH_DEL(maps->table, map);
	past_anew(map);
	free(map);
}

void gomaps_free(struct gomaps *maps)
{
	struct gomap *map, *next;

	if (!maps)
		return;
	HASH_ITER (hh, maps->table, map, next)
		drop(maps, map);
	free(maps);
}

const struct gomap *gomaps_find(const struct gomaps *maps, const struct map_key *key)
{
	struct gomap *map;

	HASH_FIND(hh, maps->table, key, sizeof(*key), map);
	return map;
}

/* What makes a map worth its row: that it is large, or busy. */
static u64 rank(const struct gomap *map)
{
	return map->now.entries + map->recent;
}

/* Makes room for a map of that rank, if there is a lesser one. */
static bool make_room(struct gomaps *maps, u64 new_rank)
{
	struct gomap *least = maps->table;

	if (!least || HASH_COUNT(maps->table) < maps->limit)
		return true;
	if (new_rank <= maps->least_rank)
		return false;
	for (struct gomap *map = least; map; map = map->hh.next) {
		if (rank(map) < rank(least))
			least = map;
	}
	maps->least_rank = rank(least);
	if (new_rank <= maps->least_rank)
		return false;
	drop(maps, least);
	maps->evicted++;
	return true;
}

/* A row for a map that has none. *ret NULL: the table is full of what is worth more. Returns 0 or
 * -ENOMEM. */
static int row_new(struct gomaps *maps, const struct map_key *key, u64 entries, u64 recent,
		   struct gomap **ret)
{
	struct gomap *map;

	*ret = NULL;
	if (!make_room(maps, entries + recent))
		return 0;
	map = calloc(1, sizeof(*map));
	if (!map)
		return -ENOMEM;
	map->key = *key;
	map->now.entries = entries;
	map->recent = recent;
	map_past_init(&map->minute, MAP_MINUTE_NS, MINUTE_POINTS, true);
	map_past_init(&map->growth, MAP_GROWTH_NS, GROWTH_POINTS, false);
	HASH_ADD(hh, maps->table, key, sizeof(map->key), map);
	if (!map->hh.tbl) {
		free(map);
		return -ENOMEM;
	}
	*ret = map;
	return 0;
}

/* Adds what a cumulative count rose by; one that fell began anew. */
static void advance(u64 *sum, u64 *last, u64 now, bool based)
{
	if (based)
		*sum += now >= *last ? now - *last : now;
	*last = now;
}

/* EVENT_MAP_USES: it does not write enough more than those that have one. */
static size_t use_slot(struct gomap *map, const struct event_map_use *use)
{
	size_t least = 0;

	for (size_t i = 0; i < EVENT_MAP_USES; i++) {
		const struct map_use *known = &map->use[i];

		if (known->fn == use->fn && known->return_pc == use->return_pc)
			return i;
		if (known->last_writes < map->use[least].last_writes)
			least = i;
	}
	/* The points know nothing of a new site; those that are about as busy shall not take turns.
	 */
	if (map->use[least].fn) {
		if (use->writes / 2 <= map->use[least].last_writes)
			return EVENT_MAP_USES;
		map_past_clear(&map->minute);
	}
	map->use[least] = (struct map_use) { .fn = use->fn, .return_pc = use->return_pc };
	return least;
}

static void use_update(struct gomap *map, const struct event_map_use *use)
{
	size_t i = use_slot(map, use);
	struct map_use *known;
	bool based;

	if (i == EVENT_MAP_USES)
		return;
	known = &map->use[i];
	based = known->last_site_writes > 0;
	advance(&map->now.use_writes[i], &known->last_writes, use->writes, based);
	advance(&map->now.site_writes[i], &known->last_site_writes, use->site_writes, based);
}

static void row_update(struct gomap *map, const struct event_map *seen)
{
	advance(&map->now.writes, &map->last_writes, seen->writes, map->based);
	advance(&map->now.deletes, &map->last_deletes, seen->deletes, map->based);
	advance(&map->now.clears, &map->last_clears, seen->clears, map->based);
	for (size_t i = 0; i < MIN(seen->use_count, (size_t)EVENT_MAP_USES); i++)
		use_update(map, &seen->use[i]);
	map->recent = seen->recent;
	map->in_sample = true;
}

/* Its row left the tally, which begins it anew when it comes back. */
static void row_absent(struct gomap *map)
{
	map->last_writes = map->last_deletes = map->last_clears = 0;
	for (size_t i = 0; i < EVENT_MAP_USES; i++)
		map->use[i].last_writes = 0;
	map->recent = 0;
}

static bool is_another(const struct gomap *map, const struct event_map_head *head)
{
	return map->entries_known && head->seed != map->seed;
}

static void head_update(struct gomap *map, const struct event_map_head *head)
{
	if (is_another(map, head))
		past_anew(map);
	else if (map->entries_known && head->entries < map->now.entries)
		map->now.fallen += map->now.entries - head->entries;
	map->seed = head->seed;
	map->slots_max = head->slots_max;
	map->now.entries = head->entries;
	map->has_head = true;
}

/* Calls that got lost may have been anybody's, and counts that begin anew say nothing of before. */
static void look_for_loss(struct gomaps *maps, const struct event_sample *sample)
{
	u64 calls = 0, lost = sample->lost_table + sample->lost_missed;

	for (size_t fn = WIRE_FN_MAPASSIGN; fn <= WIRE_FN_MAPCLEAR; fn++)
		calls += sample->hits[fn];
	if (calls < maps->seen.calls || lost != maps->lost) {
		for (struct gomap *map = maps->table; map; map = map->hh.next) {
			past_anew(map);
			if (calls < maps->seen.calls)
				row_absent(map);
		}
	}
	maps->lost = lost;
	maps->group = sample->groups[WIRE_GROUP_MAP_WRITE];
	maps->seen = (struct map_exposure) {
		.gap_ns = maps->group.gap_ns,
		.windows = maps->group.windows,
		.calls = calls,
		.elsewhere = sample->map_deletes_elsewhere,
		.unseen = maps->group.unseen,
	};
}

static u64 entries_in_head(const struct event_sample *sample, const struct event_map *seen)
{
	for (size_t i = 0; i < sample->map_head_count; i++) {
		const struct event_map_head *head = &sample->map_heads[i];

		if (head->map == seen->map && head->type == seen->type)
			return head->entries;
	}
	return 0;
}

static bool matters(u64 entries, u64 recent)
{
	return entries >= MAP_FOLLOWED_ENTRIES || recent;
}

static int take_row(struct gomaps *maps, const struct event_sample *sample,
		    const struct event_map *seen)
{
	const struct map_key key = { seen->map, seen->type };
	struct gomap *map = (struct gomap *)gomaps_find(maps, &key);
	u64 entries = map ? 0 : entries_in_head(sample, seen);
	int err = 0;

	if (!map && matters(entries, seen->recent))
		err = row_new(maps, &key, entries, seen->recent, &map);
	if (map)
		row_update(map, seen);
	return err;
}

static int take_rows(struct gomaps *maps, const struct event_sample *sample)
{
	struct gomap *map;
	int err = 0;

	for (size_t i = 0; i < sample->map_count; i++) {
		if (take_row(maps, sample, &sample->maps[i]))
			err = -ENOMEM;
	}
	for (size_t i = 0; i < sample->map_head_count; i++) {
		const struct event_map_head *head = &sample->map_heads[i];
		const struct map_key key = { head->map, head->type };

		map = (struct gomap *)gomaps_find(maps, &key);
		if (map && (map->in_sample || !is_another(map, head)))
			head_update(map, head);
	}
	return err;
}

/* A map that is no map any more, or another one, and that nobody uses, is gone. So is a small one
 * that nobody uses. */
static bool is_gone(const struct gomap *map)
{
	return (!map->has_head && !map->in_sample) || !matters(map->now.entries, map->recent);
}

static int remember(struct gomap *map)
{
	int err = map_past_add(&map->minute, &map->now);

	if (map->now.entries < MAP_FOLLOWED_ENTRIES)
		map_past_clear(&map->growth);
	else if (map_past_add(&map->growth, &map->now))
		err = -ENOMEM;
	return err;
}

static int end_round(struct gomaps *maps, u64 time_ns)
{
	struct gomap *map, *next;
	int err = 0;

	HASH_ITER (hh, maps->table, map, next) {
		if (is_gone(map)) {
			drop(maps, map);
			continue;
		}
		if (!map->in_sample)
			row_absent(map);
		map->based = true;
		map->entries_known = map->has_head;
		map->now.time_ns = time_ns;
		map->now.seen = maps->seen;
		if (!map->has_head || maps->partial)
			past_anew(map);
		else if (remember(map))
			err = -ENOMEM;
	}
	return err;
}

int gomaps_update(struct gomaps *maps, u64 time_ns, const struct event_sample *sample)
{
	int err;

	maps->least_rank = 0;
	for (struct gomap *map = maps->table; map; map = map->hh.next)
		map->in_sample = map->has_head = false;
	look_for_loss(maps, sample);
	err = take_rows(maps, sample);
	return end_round(maps, time_ns) ? -ENOMEM : err;
}

int gomaps_grew(struct gomaps *maps, const struct event_map_grow *grow, u64 site)
{
	const struct map_key key = { grow->map, grow->type };
	struct gomap *map;
	int err = 0;

	/* Small ones grow by the ten thousand a second. */
	if (grow->entries < WIRE_LARGE_MAP)
		return 0;
	map = (struct gomap *)gomaps_find(maps, &key);
	if (!map)
		err = row_new(maps, &key, grow->entries, 0, &map);
	if (map)
		map->growth_site = site;
	return err;
}

size_t gomaps_keys(const struct gomaps *maps, struct map_key *ret, size_t max)
{
	size_t n = 0;

	for (const struct gomap *map = maps->table; map && n < max; map = map->hh.next)
		ret[n++] = map->key;
	return n;
}

const struct gomap *gomaps_next(const struct gomaps *maps, const struct gomap *map)
{
	return map ? map->hh.next : maps->table;
}

bool gomaps_minute(const struct gomaps *maps, const struct gomap *map, struct map_span *ret)
{
	return map_span(&map->minute, &map->now, &maps->group, ret);
}

bool gomaps_growth(const struct gomaps *maps, const struct gomap *map, struct map_span *ret)
{
	return map_span(&map->growth, &map->now, &maps->group, ret);
}

const struct map_use *gomaps_top_use(const struct gomaps *maps, const struct gomap *map)
{
	struct map_span span;
	size_t top = 0;

	if (!gomaps_minute(maps, map, &span))
		return map->use[0].fn ? &map->use[0] : NULL;
	for (size_t i = 1; i < EVENT_MAP_USES; i++) {
		if (span.use_writes[i] > span.use_writes[top])
			top = i;
	}
	return map->use[top].fn ? &map->use[top] : NULL;
}

u64 gomaps_evicted(const struct gomaps *maps)
{
	return maps->evicted;
}
