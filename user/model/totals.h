/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cumulative counters of a target since attach, from samples that may start
 * anew (probes attached again): a counter that fell counts from zero, so the
 * totals never go backward.
 */
#ifndef MODEL_TOTALS_H
#define MODEL_TOTALS_H

#include "event/event.h"
#include "model/window.h"

/* How a group's counts were obtained. */
struct total_group {
	s64 gap_ns;
	u64 windows;
	double calls, unseen;	     /* calls there are, and that there may be more or fewer */
	u64 bounded, failed;	     /* samples that said so */
	double sd_per_s, bias_error; /* of the last sample */
};

struct totals {
	u64 hits[WIRE_FN_COUNT]; /* calls: best estimates */
	u64 raw_hits;
	struct total_group groups[WIRE_GROUPS];
	u64 moved, grows, grows_unrecorded;
	u64 regrown, foreign; /* hits that don't count */
	u64 created, exited;  /* goroutines, without the runtime's own */
	struct window_lost lost;
	double probe_ns;
};

/* What a sample says, as totals of its own. */
struct totals totals_of_sample(const struct event_sample *sample);

/* Adds to into what happened between two samples. */
void totals_advance(struct totals *into, const struct totals *before, const struct totals *now);

/* now - before, member by member; now must have advanced from before. */
struct totals totals_since(const struct totals *now, const struct totals *before);

u64 totals_map_writes(const struct totals *totals);
u64 totals_map_deletes(const struct totals *totals);
u64 totals_faults(const struct totals *totals);

/* Of a group's counts; losses are the caller's to look at. */
enum accuracy totals_accuracy(const struct totals *totals, enum wire_group group);

/* Share of a stretch of time in which a group was not attached, 0 to 1. */
double totals_gap(const struct totals *totals, enum wire_group group, double seconds);

/* Standard error of a rate, per_s, of some of a group's calls, which are all_per_s; 0: exact. */
double totals_rate_error(const struct totals *totals, enum wire_group group, double seconds,
			 double per_s, double all_per_s);

#endif
