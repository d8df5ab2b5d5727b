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

struct totals {
	u64 hits[WIRE_FN_COUNT];
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
u64 totals_all_hits(const struct totals *totals);

#endif
