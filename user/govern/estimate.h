/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a group's counts are when its probes stand in windows only. Pure.
 *
 * While the group stands, calls are counted one by one. What lies between two
 * windows is estimated from the second one's rate: pauses depend on the load that
 * was seen (a window that cost much is followed by a long one), so a window counts
 * by the inverse of how likely it was to open at that moment, which for pauses
 * without memory is their mean (Horvitz and Thompson 1952); and as the length of
 * each pause is known, so is by how much chance made it longer or shorter. So,
 * for a gap with a random part of mean m, a rate y in the window and p of late:
 *
 *	calls in the gap = p * gap + m * (y - p)
 *
 * which is right on average whatever the load does, and for a steady load is p * gap.
 *
 * Not so the first gap after the group stood. It begins because of what was seen, often in a burst,
 * and goes on until that is paid off: no chance tells what happened right after. p is the rate of
 * the last second there, or, once the window that follows shows that the load of the last moments
 * is there still, of these or of that window. How many calls more there would be if they had gone
 *on is told until then, and for good if they had not (estimate_view.unseen).
 *
 * Dead time. In a window each hit takes time from the thread that calls, so a
 * busy target makes fewer calls than without probes: of true rate r a window sees
 * m = r / (1 + r·τ), as a counter with dead time τ does, hence r = m / (1 - m·τ)
 * (G. F. Knoll, Radiation Detection and Measurement, ch. 4). A target that has time
 * to spare makes up for it, and sees no loss: r = m. Which of the two, or how much
 * of the loss, is measured, in two ways:
 *
 *   by CPU time   A probe's time either displaces the target's own or comes on top
 *                 of it: what does not show as more CPU time in windows than
 *                 between them was displaced. Counts a thread that waits for its
 *                 next call in a loop as working, and what waits for another program
 *                 as having time to spare.
 *   by two costs  Every other window is lean: its hits cost less. By how much its
 *                 rate is higher tells how the target answers to cost, whatever the
 *                 reason. Needs many windows where the rate fluctuates.
 *
 * The surer one is used, and the second where they contradict each other.
 */
#ifndef GOVERN_ESTIMATE_H
#define GOVERN_ESTIMATE_H

#include <stdbool.h>

#include <gosonde/wire.h>

#include "govern/put_off.h"

/* Amounts that go with calls, and are estimated like them. */
enum { AMOUNT_GROWS, AMOUNT_MOVED, AMOUNTS };

/* What is estimated: calls by enum wire_fn, then amounts. */
enum { ESTIMATES = WIRE_FN_COUNT + AMOUNTS };

/* Cumulative counters as they stood at one moment. */
struct reading {
	u64 time_ns;
	u64 hits[ESTIMATES]; /* of the group's functions, and amounts; all others are 0 */
	u64 regrown;	     /* hits that cost, but are no calls */
	u64 runs, runs_ns;   /* of the program, that were timed, and how long they took */
	u64 cpu_ns;	     /* CPU time of the process; 0: unknown */
};

/* What a counter rose by. 0 if now was read before then: readers are not in step, nor is the clock
 * of many threads to the nanosecond. */
static inline double reading_rise(u64 now, u64 then)
{
	return now > then ? (double)(now - then) : 0;
}

/* A stretch of time in which a group stood. */
struct exposure {
	struct reading open, close;
	double cost_ns;	   /* of its hits */
	double cost_error; /* standard error of that, relative, beside the calibration's */
	u64 pause_ns;	   /* mean of the random part of the pause before it */
	struct bursts bursts;
	double cpus; /* on how many at once it was hit; 0: not at all */
	bool lean;
	bool stays; /* attached after it too: what follows is seen without a gap */
};

/* Mean and variance of late, exponentially weighted (West 1979). */
struct average {
	double weight, mean, variance;
	double squares; /* sum of squared weights: weight^2 / squares windows count */
};

struct estimate {
	enum wire_fn first, last; /* the group's functions */
	double calls[ESTIMATES];  /* up to seen.time_ns */
	double shown[ESTIMATES];  /* what estimate_now() gave last: counts don't go back */
	double per_ns[ESTIMATES]; /* rates of late */
	/* Of a group that stands: how much of the time before its rates are of, its last ones. */
	double known_ns, left_per_ns[ESTIMATES];
	bool left;	     /* it left for these, and there was no window since */
	double unseen;	     /* see struct estimate_view */
	struct reading seen; /* the last moment of the last exposure */
	bool standing;	     /* attached since then too */
	bool sampled;	     /* there was a gap, once */
	s64 gap_ns;
	u64 windows;
	/* Of windows: calls per ns as seen, all of them, full and lean ones; what a hit costs. */
	struct average rate, full, lean, full_ns, lean_ns;
	struct average cpu_in, cpu_out, cost_in, spread;
	double dense, hits; /* of windows of late: hits times the share of a CPU that they took */
	struct put_off put_off;
	double cost_error; /* of the last window's cost */
};

/* From now on the group stands: open is what the counters say. */
void estimate_start(struct estimate *e, enum wire_fn first, enum wire_fn last,
		    const struct reading *open);

/* An exposure is over. The first must begin at estimate_start()'s reading. */
void estimate_exposed(struct estimate *e, const struct exposure *x);

/* Best estimates. Cumulative but for the last three. */
struct estimate_view {
	double calls[ESTIMATES];
	s64 gap_ns;	   /* of the time since the start it was not attached; known better later */
	bool sampled;	   /* there was a gap, once */
	u64 windows;	   /* that were looked through */
	double sd_per_s;   /* standard deviation of one window's rate */
	double bias_error; /* standard error of the dead-time correction, relative */
	bool bounded;	   /* too dense for a correction: calls are at least so many */
	double unseen;	   /* calls there may be more, or fewer; cumulative, known better later */
};

/* now: counters of this moment. */
void estimate_now(struct estimate *e, const struct reading *now, struct estimate_view *ret);

/* Which share of the probes' time is lost to the target's calls, 0 to 1, and its standard error. */
struct loss_share {
	double share, error;
};
struct loss_share estimate_loss(const struct estimate *e);

#endif
