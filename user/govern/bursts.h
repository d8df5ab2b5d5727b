/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bursts of hits in a window, from what each CPU saw of it. Pure.
 *
 * A program's thread may sleep on one CPU and wake on another, or another one of its threads may go
 * on where it stopped: so a burst is a CPU's, but times between bursts are the program's.
 */
#ifndef GOVERN_BURSTS_H
#define GOVERN_BURSTS_H

#include <stdbool.h>
#include <stddef.h>

#include <gosonde/wire.h>

/* Without a gap in each, that began in the window. */
struct bursts {
	double whole, whole_hits;	    /* that were over as it closed */
	double going, going_hits, going_ns; /* that were not: how many, hits so far, since when */
	double lasting_hits;		    /* of those that began before it, and were not over */
	/* From the first one's begin to the last whole one's: how many times from one to the next,
	 * how long, and the hits of all but the first. 0: there were no two, or there were several
	 * at a time. */
	double cycles, cycles_ns, cycles_hits;
	double idle_ns; /* until the first hit, or since the last, whichever is longer */
};

struct bursts_config {
	u64 open_ns, now_ns; /* when the probes were attached; of this moment */
	/* Whether a thread runs, or would if it had a CPU: one that has made no call for a while.
	 */
	bool (*runs)(const void *arg, u32 tid);
	const void *arg;
};

/* cpus: what those saw that were hit in the window. */
struct bursts bursts_of(const struct bursts_config *config, const struct wire_window *cpus,
			size_t count);

#endif
