/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that come in bursts, of which a window holds few, and cuts some. Pure.
 *
 * A target that makes what is due at each tick of a clock, then sleeps, makes up for the
 * probes' time within its sleep; but a burst that goes on as the window closes would have been
 * further, or over, without probes. As a moment's distance to a burst's begin and to its end
 * are distributed alike (D. R. Cox, Renewal Theory, 1962, ch. 5: backward and forward
 * recurrence times), the calls that are missing are on average as many as the burst has made,
 * but no more than fit into the time that the probes took from it.
 *
 * Where bursts come about as regularly as a clock ticks, their rate is better told by whole
 * ones: a burst makes the calls that have become due since the one before began, however much
 * later than due both began. Not so for others: a window holds no gap longer than itself.
 */
#ifndef GOVERN_PUT_OFF_H
#define GOVERN_PUT_OFF_H

#include <stdbool.h>

#include "govern/bursts.h"

/* Sums over windows of late, exponentially weighted. */
struct put_off {
	double whole, whole_hits;
	double hits; /* of windows */
	double left; /* calls that their ends cut off */
	double cut;  /* hits of bursts that no window saw the whole of, nor of any like them */
	/* Of cut, those that went on before any was known as a whole: their hits, how many. */
	double unsure, unsure_hits, unsure_going;
	bool clocked;	     /* bursts of late came as a clock ticks */
	double all, lasting; /* windows; those in which a burst went on as they closed */
	/* Windows with hits; those with cycles, and of these the mean cycle, its square, the rate.
	 */
	double windows, cycling, cycle_ns, cycle_ns_squared, per_ns;
	double begun, cycles; /* windows in which bursts began; their cycles */
};

/*
 * A window is over. hit_ns: what a hit of it cost.
 * Returns how many calls are missing in it; less than 0: as many are too much.
 */
double put_off_add(struct put_off *p, const struct bursts *b, double hits, double window_ns,
		   double hit_ns);

/* Whether longer windows would hold whole cycles more often. */
bool put_off_is_short(const struct put_off *p);

/* Of all hits, those of bursts that are longer than any window. */
double put_off_cut_share(const struct put_off *p);

/* Calls cut off for each hit. */
double put_off_share(const struct put_off *p);

#endif
