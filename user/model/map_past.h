/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a map's cumulative counts were over the last stretch of time: bounded
 * points, dense at first and thinned out until they span the horizon. From two
 * of them follows what happened in between, and how sure that is. Memory is
 * taken point by point, so a map that has just come has little.
 */
#ifndef MODEL_MAP_PAST_H
#define MODEL_MAP_PAST_H

#include <stdbool.h>
#include <stddef.h>

#include "event/event.h"
#include "model/trend.h"

enum { MAP_PAST_POINTS = TREND_POINTS };

/* How much of what happened in the whole target the probes saw; cumulative. */
struct map_exposure {
	s64 gap_ns;    /* of the time the probes of writes and deletes did not stand */
	u64 windows;   /* of observation, between gaps */
	u64 calls;     /* writes, deletes and clears of all maps */
	u64 elsewhere; /* deletes of maps without a row of their own */
	double unseen; /* calls there may be more, or fewer; it falls where that becomes known */
};

struct map_point {
	u64 time_ns;
	u64 entries;
	u64 writes, deletes, clears; /* since the map was first seen */
	u64 fallen; /* sum of what entries lost from sample to sample: so many were deleted */
	u64 use_writes[EVENT_MAP_USES], site_writes[EVENT_MAP_USES]; /* as the map's uses */
	struct map_exposure seen;
	u64 until_ns; /* until then only seen and site_writes changed, which are of that time */
};

struct map_past {
	u64 horizon_ns, spacing_ns;
	size_t limit; /* of points */
	bool spans_only;
	size_t count, room;
	struct map_point *point; /* oldest first; owned */
};

/*
 * limit: of points, MAP_PAST_POINTS at most; two at least. spans_only: no fit will be
 * asked for, and a stretch in which nothing happens is one point, however long.
 */
void map_past_init(struct map_past *past, u64 horizon_ns, size_t limit, bool spans_only);

/* Forgets all points, and gives their memory back. */
void map_past_clear(struct map_past *past);

/* A time before the last point's is a clock that went backward: starts anew. Returns 0, or
 * -ENOMEM: the point is left out. */
int map_past_add(struct map_past *past, const struct map_point *point);

/* How entries rise; see trend_fit(). Returns whether there are enough points for a fit. */
bool map_past_fit(const struct map_past *past, struct trend_fit *ret);

/* The same over the last fifth of the horizon. */
bool map_past_fit_recent(const struct map_past *past, struct trend_fit *ret);

/* What happened from the oldest point to now. */
struct map_span {
	u64 since_ns;
	double seconds;
	double entries; /* change */
	double writes, deletes, clears;
	double deletes_max; /* not more than these, two standard errors and every doubt included */
	double keys_max;    /* not more keys were added */
	double use_writes[EVENT_MAP_USES], site_writes[EVENT_MAP_USES];
	/* For map_span_error(). */
	double gap, windows, calls, unseen, sd_per_s, bias_error;
};

/* group: of map writes, as the last sample has it. Returns false without a point before now. */
bool map_span(const struct map_past *past, const struct map_point *now,
	      const struct event_group *group, struct map_span *ret);

/*
 * Standard error of some of the span's calls; 0: exact. Beside what scatters
 * all of the group's calls, and what the group may have left behind, it has
 * that few calls may miss every window.
 */
double map_span_error(const struct map_span *span, double calls);

#endif
