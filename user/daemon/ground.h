/* SPDX-License-Identifier: BSD-2-Clause */
/* What observing any process stands on: the programs loaded, and what a hit costs here. */
#ifndef DAEMON_GROUND_H
#define DAEMON_GROUND_H

#include "kern/kern.h"
#include "probe/breakers.h"
#include "probe/calibrate.h"
#include "probe/crew.h"
#include "probe/meter.h"
#include "probe/plan.h"

struct ground {
	struct kern *kern;
	struct breakers *breakers;
	struct crew *crew;	 /* of all targets */
	struct calibration cost; /* now; zeros: unknown */
	u32 own_slot;		 /* whose hits are our own */
	struct meter *meter;	 /* keeps cost true; NULL: it is unknown */
};

struct ground_options {
	struct probe_groups groups;
	u32 targets;	/* slots 0 to targets - 1 are the caller's */
	bool budget;	/* is to be kept: costs that can't be measured are a failure then */
	bool processes; /* for kern_watch_processes() */
	bool give_up;	/* the capabilities that only loading the programs takes */
};

/*
 * Loads the programs, and measures on this very process what a hit costs. With give_up it measures
 * with the least capabilities that this kernel lets it (proc/privileges.h), and keeps no others:
 * what is done later is what was done then. While there is one thread. Returns 0; -ENOSYS (this
 * kernel lacks what it takes, or shows other PIDs than we see), -EPERM, or another.
 */
int ground_open(struct ground *ret, const struct ground_options *options, struct err *err);

/* At each tick of the loop. */
void ground_tick(struct ground *ground, u64 now_ns);
void ground_close(struct ground *ground);

#endif
