/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether a figure rises, robustly: the Theil–Sen slope (median of the slopes
 * of all pairs of points; Sen 1968) over a bounded number of points. A step or
 * an outlier in less than about 29 % of them does not move it. Kendall's tau says
 * how steadily it rises, whatever the size of the jumps: near 0 for a load that
 * goes up and down, 1 for a leak.
 */
#ifndef MODEL_TREND_H
#define MODEL_TREND_H

#include <stdbool.h>
#include <stddef.h>

#include <gosonde/types.h>

/* 32 points make 496 pairs: a fit takes tens of microseconds, and each target has one a tick. */
enum { TREND_POINTS = 32, TREND_MIN_POINTS = 5 };

struct trend_point {
	u64 time_ns;
	double value;
};

/* Points of the last horizon_ns, oldest first. */
struct trend {
	u64 horizon_ns;
	size_t count;
	struct trend_point point[TREND_POINTS];
};

struct trend_fit {
	double slope_per_s;
	double rise; /* slope over the points' span */
	double tau;  /* Kendall's: share of pairs that rise less those that fall; 1: every one rises
		      */
	u64 since_ns; /* the oldest point */
};

void trend_init(struct trend *trend, u64 horizon_ns);

/*
 * Adds a point unless the last one is younger than horizon / TREND_POINTS, and
 * drops what is past the horizon; TREND_MIN_POINTS stay, however far apart. A
 * time before the last point's is a clock that went backward: starts anew.
 */
void trend_add(struct trend *trend, u64 time_ns, double value);

/* Returns whether there are enough points for a fit. */
bool trend_fit(const struct trend *trend, struct trend_fit *ret);

#endif
