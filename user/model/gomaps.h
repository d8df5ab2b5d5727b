/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Go maps one by one: how many entries each has, what was written and deleted,
 * by which call sites, and how that went of late. Not every map of a program
 * has a row: those that are busy or large do; the least of them goes first.
 *
 * A map's address may be another map's after a collection. Its hash's seed tells
 * them apart; where that changes, or a map was emptied, its past begins anew.
 */
#ifndef MODEL_GOMAPS_H
#define MODEL_GOMAPS_H

#include <stdbool.h>

#include "base/macros.h"
#include "base/table.h"
#include "event/event.h"
#include "model/map_past.h"

/* "The last minute" of writes, and "ten minutes" of growth: some more, so that points which are
 * half a minute apart span them. */
#define MAP_MINUTE_NS (60ULL * 1000000000)
#define MAP_GROWTH_NS (660ULL * 1000000000)

/* Growth is followed from so many entries on, and smaller maps only while they are used: a server
 * has them by the hundred, and never looks at most of them again. */
enum { MAP_FOLLOWED_ENTRIES = 64 };

/* One call site that writes a map; its counts stand in the map's points. */
struct map_use {
	enum wire_fn fn; /* WIRE_FN_NONE: no site here */
	u64 return_pc;
	u64 last_writes, last_site_writes; /* as the last sample has them */
};

struct gomap {
	UT_hash_handle hh; /* beside the key: one cache line tells them apart */
	struct map_key key;
	bool entries_known; /* at the last sample; what now.entries says is then true */
	u64 slots_max;	    /* it has no more slots */
	u64 seed;
	u64 recent;	 /* calls of late, a rank */
	u64 growth_site; /* id of the growth_site that grew it last past WIRE_LARGE_MAP entries; 0:
			    none did */
	struct map_use use[EVENT_MAP_USES];
	struct map_point now; /* the counts */
	struct map_past minute, growth;
	/* Of taking in samples. */
	bool based, in_sample, has_head;
	u64 last_writes, last_deletes, last_clears;
};

struct gomaps;

/*
 * partial: not every function that writes to maps or deletes is probed, so no
 * map's past is known. NULL: out of memory.
 */
struct gomaps *gomaps_new(size_t limit, bool partial);
void gomaps_free(struct gomaps *maps);
DEFINE_FREEP(struct gomaps, gomaps_free)

/* Takes in a sample's maps. Returns 0, or -ENOMEM: some of them could not be taken in. */
int gomaps_update(struct gomaps *maps, u64 time_ns, const struct event_sample *sample);

/* A map grew; told of those past WIRE_LARGE_MAP entries only. site: id of the growth_site. Returns
 * 0 or -ENOMEM. */
int gomaps_grew(struct gomaps *maps, const struct event_map_grow *grow, u64 site);

/* Those that the next samples should tell of. Returns how many, at most max. */
size_t gomaps_keys(const struct gomaps *maps, struct map_key *ret, size_t max);

/* Each map: begin with NULL; NULL after the last. */
const struct gomap *gomaps_next(const struct gomaps *maps, const struct gomap *map);

/* NULL: there is none, or no more. */
const struct gomap *gomaps_find(const struct gomaps *maps, const struct map_key *key);

/* Over the last minute, or ten, as far as the map is known. Returns false if that is no time. */
bool gomaps_minute(const struct gomaps *maps, const struct gomap *map, struct map_span *ret);
bool gomaps_growth(const struct gomaps *maps, const struct gomap *map, struct map_span *ret);

/* The site that wrote it most in the last minute; NULL: none is known. */
const struct map_use *gomaps_top_use(const struct gomaps *maps, const struct gomap *map);

u64 gomaps_evicted(const struct gomaps *maps);

#endif
