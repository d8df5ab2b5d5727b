/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How maps grew while the collector marked, cycle by cycle.
 *
 * A growth is known by the moment at which it begins and by the entries that it has to move; for
 * how long it then moves them nobody tells (a classic map does so with each write that follows, up
 * to Go 1.23). So a mark phase is cut into slices of a millisecond, and its overlap with growth is
 * the share of them in which a growth of a map past WIRE_LARGE_MAP entries began: a lower bound of
 * the time in which maps moved. Smaller maps are left out, since above a rate they have no record
 * each.
 *
 * Moved are the entries of all recorded growths that began within, also those that a classic map
 * moves after the phase.
 */
#ifndef MODEL_MARK_GROWTH_H
#define MODEL_MARK_GROWTH_H

#include "base/macros.h"
#include "model/gc.h"

/* One map type that grows below one call stack, within a mark phase. */
struct mark_site {
	u64 site; /* id of the growth_site; 0: has none */
	u64 type;
	u64 moved, grows;
};

/* One mark phase. */
struct mark_growth {
	u64 start_ns, end_ns; /* equal: its times are not known */
	u64 ended_ns;	      /* when the cycle ended; 0: there is none */
	u64 number;	      /* of the cycle; 0: unknown */
	bool forced;
	u64 slices, growth_slices; /* of a millisecond, or a part of one at either end */
	u64 large_grows;	   /* of maps past WIRE_LARGE_MAP entries */
	u64 moved;
	struct mark_site top; /* moved most */
};

/* Share of the slices in which large maps grew, 0 to 100. */
double mark_growth_overlap_pct(const struct mark_growth *mark);

struct mark_growths;

/* NULL: out of memory. */
struct mark_growths *mark_growths_new(void);
void mark_growths_free(struct mark_growths *marks);
DEFINE_FREEP(struct mark_growths, mark_growths_free)

/* In order: a cycle's start, growths, its end (a complete gc_cycle). */
void mark_growths_start(struct mark_growths *marks);
void mark_growths_grow(struct mark_growths *marks, u64 time_ns, const struct event_map_grow *grow,
		       u64 site);
void mark_growths_end(struct mark_growths *marks, const struct gc_cycle *cycle);

/* The last phase that was seen from its start to its end; NULL: none yet. */
const struct mark_growth *mark_growths_last(const struct mark_growths *marks);

u64 mark_growths_evicted(const struct mark_growths *marks); /* sites that had to leave the table */

#endif
