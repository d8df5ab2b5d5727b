/* SPDX-License-Identifier: BSD-2-Clause */
/* What observing any process stands on: the programs loaded, and what a hit costs here. */
#ifndef DAEMON_GROUND_H
#define DAEMON_GROUND_H

#include "kern/kern.h"
#include "probe/breakers.h"
#include "probe/calibrate.h"
#include "probe/plan.h"

struct ground {
	struct kern *kern;
	struct breakers *breakers;
	struct calibration cost; /* zeros: unknown */
};

/*
 * Loads the programs of the groups, for so many targets at once, and measures on
 * this very process what a hit costs. Slots 0 to targets - 1 are the caller's.
 *
 * has_budget: costs that can't be measured are a failure then.
 * Returns 0; -ENOSYS (this kernel lacks what it takes, or shows other PIDs than we see), -EPERM, or
 * another.
 */
int ground_open(struct ground *ret, const struct probe_groups *groups, u32 targets, bool has_budget,
		struct err *err);
void ground_close(struct ground *ground);

#endif
