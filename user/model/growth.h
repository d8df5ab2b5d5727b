/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Go maps that were seen growing: each map object with its capacity, and the
 * places that make maps grow (map type and call stack), so that a storm has a
 * name. Both tables are bounded; the least recently growing goes first,
 * to about a second.
 */
#ifndef MODEL_GROWTH_H
#define MODEL_GROWTH_H

#include <stdbool.h>
#include <stddef.h>

#include "event/event.h"
#include "base/macros.h"
#include "model/sliding.h"
#include "base/table.h"

/* One map type that grows below one call stack. */
struct growth_site {
	UT_hash_handle hh; /* beside the key: one cache line tells them apart */
	u64 id;		   /* never 0 */
	u64 type;
	u64 pc[WIRE_MAX_FRAMES];
	size_t frames;
	struct sliding grows, moved; /* of late */
	u64 grows_total, moved_total;
	u64 same_size_total;	    /* of grows_total: made no room, only order */
	u64 entries_max, slots_max; /* of the largest map */
	/* Of growth.c: the order by age. */
	struct growth_site *prev, *next;
	u64 aged_ns;
};

/* One map object. */
struct growing_map {
	UT_hash_handle hh; /* beside the key: one cache line tells them apart */
	struct {
		u64 map, type;
	} key;
	u64 entries;		  /* at the last growth */
	u64 slots;		  /* after it, as far as known; see growth.c */
	u64 slots_counted;	  /* slots at the last doubling that counted */
	struct sliding doublings; /* of late, past WIRE_LARGE_MAP entries */
	u64 site;		  /* id of the growth_site that grew it last */
	/* Of growth.c: the order by age. */
	struct growing_map *prev, *next;
	u64 aged_ns;
};

/* One growth; those of the last moments are kept. */
struct growth_step {
	u64 time_ns, site, type, moved, entries;
};

struct growth;

struct growth_limits {
	size_t maps, sites;
};

/* NULL: out of memory. */
struct growth *growth_new(const struct growth_limits *limits);
void growth_free(struct growth *growth);
DEFINE_FREEP(struct growth, growth_free)

/* Takes in one growth. Returns 0, or -ENOMEM: it is in no figure but growth_large_count(). */
int growth_add(struct growth *growth, u64 time_ns, const struct event_map_grow *grow);

enum growth_measure { GROWTH_BY_MOVED, GROWTH_BY_GROWS };

/* The site that moved or grew most of late; NULL: none did. */
const struct growth_site *growth_top_site(const struct growth *growth, u64 now_ns,
					  enum growth_measure measure);

/* NULL: not in the table any more. */
const struct growth_site *growth_site_find(const struct growth *growth, u64 id);

/* The map that doubled most often of late, past WIRE_LARGE_MAP entries; NULL: none did. */
const struct growing_map *growth_fastest_map(const struct growth *growth, u64 now_ns);

/* The map that grew last; NULL: none did. */
const struct growing_map *growth_last_map(const struct growth *growth);

/* The step that moved most within [from_ns, to_ns], of those still kept. Returns whether there is
 * one. */
bool growth_step_within(const struct growth *growth, u64 from_ns, u64 to_ns,
			struct growth_step *ret);

u64 growth_large_count(const struct growth *growth); /* growths of maps past WIRE_LARGE_MAP */
u64 growth_evicted(const struct growth *growth);     /* maps and sites that had to leave a table */

#endif
