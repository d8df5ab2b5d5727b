/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls by map, out of those by call site and map: the maps that were busiest
 * since attach, those that are busiest of late, and those that were asked for.
 */
#ifndef DAEMON_TALLY_MAPS_H
#define DAEMON_TALLY_MAPS_H

#include "base/macros.h"
#include "event/event.h"
#include "govern/shares.h"

enum {
	TALLY_MAPS = 64, /* busiest since attach; and as many of late */
	TALLY_MAPS_WANTED = 192,
	TALLY_MAPS_ALL = 2 * TALLY_MAPS + TALLY_MAPS_WANTED,
};

struct tally_row {
	struct share_key key;
	u64 calls;
};

struct group;

/*
 * What is needed only while a sample is made, and read: all targets of one thread share it, or
 * each would have room for its busiest moment. Begins as zeros.
 */
struct tally_scratch {
	struct tally_row *rows;
	struct event_map_site *sites;
	struct group *groups, **ranked;
	struct event_map *maps; /* TALLY_MAPS_ALL at most */
	size_t row_room, site_room, group_room, ranked_room, map_room;
};

void tally_scratch_done(struct tally_scratch *scratch);

struct tally_maps;

/* The scratch is borrowed. NULL: out of memory. */
struct tally_maps *tally_maps_new(struct tally_scratch *scratch);
void tally_maps_free(struct tally_maps *maps);
DEFINE_FREEP(struct tally_maps, tally_maps_free)

/* Maps to tell of from now on, busy or not; of more than TALLY_MAPS_WANTED the first. */
void tally_maps_want(struct tally_maps *maps, const struct map_key *keys, size_t n);

/*
 * Sets the maps of ret, which borrows them until the scratch is used again: most calls
 * first. Sorts the rows; sites: every site's writes, by function, caller, type.
 * Returns 0 or -ENOMEM.
 */
int tally_maps_sum(struct tally_maps *maps, struct tally_row *rows, size_t row_count,
		   const struct event_map_site *sites, size_t site_count, struct event_sample *ret);

/* Calls of the last of the busiest since attach; 0: there are fewer. */
u64 tally_maps_least(const struct tally_maps *maps);

/* Orders rows and sites by function, caller and type. */
int tally_by_site(u64 fn, u64 pc, u64 type, const struct event_map_site *site);

#endif
