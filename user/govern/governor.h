/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeps what probes cost one process within a budget. Pure: costs and times
 * come in, orders go out.
 *
 * A group whose cost fits stands attached, and is exact. When the sum does not
 * fit, the costliest group is taken off and cycled: it stands in short windows,
 * with pauses in which their cost is paid off at the budget's rate. That is the
 * generic cell rate algorithm (ITU-T I.371) with a tolerance: over any stretch of
 * time the cost is at most the budget's share of it, one window's, and that by which
 * it was ahead of what had been paid off, together what a first one may cost.
 *
 * The pauses are random and without memory, so that no target can be in step
 * with them, and so that what a window shows can be weighed by how likely it was
 * (see estimate.h).
 *
 * Costs are nanoseconds of CPU that probes took from the process.
 */
#ifndef GOVERN_GOVERNOR_H
#define GOVERN_GOVERNOR_H

#include <stdbool.h>

#include <gosonde/wire.h>

#include "base/macros.h"

struct governor_config {
	double budget;		/* of one CPU: 0.01 */
	u32 cpus;		/* that can run the process at once */
	u64 seed;		/* of the pauses */
	bool rare[WIRE_GROUPS]; /* groups that are to stand unless nothing else keeps the budget */
};

/* What a group's probes are to do next. */
struct governor_order {
	u64 open_ns;   /* attached from then on; now or earlier for a group that stands */
	u64 pause_ns;  /* mean of the random part of the pause until then, exponentially distributed
			*/
	u64 length_ns; /* then its cost is to be told, see governor_spent() */
	u64 cap_ns;    /* and at once when it has cost so much on one CPU */
};

struct governor;

/* NULL: out of memory. */
struct governor *governor_new(const struct governor_config *config);
void governor_free(struct governor *governor);
DEFINE_FREEP(struct governor, governor_free)

/*
 * The next window of a group, which is reserved: governor_spent() must follow.
 * A group's first window is short, since nothing is known of it.
 *
 * group: any number below WIRE_GROUPS that the caller uses for it.
 */
struct governor_order governor_next(struct governor *governor, u32 group, u64 now_ns);

/*
 * A window is over. hits_ns: what its hits cost; attach_ns: what attaching did, if it was.
 * Returns whether the group may stay attached; if not, it is to be detached now,
 * and attached when the next order says.
 */
bool governor_spent(struct governor *governor, u32 group, u64 open_ns, u64 close_ns, double hits_ns,
		    double attach_ns);

/* Whether windows are to last longer from now on, and to be as much nearer to the moment when they
 * are paid off, because they are as short as the bursts that the target works in. */
void governor_lengthen(struct governor *governor, u32 group, bool lengthen);

/* Cost that belongs to no window: hits while a group was being attached or detached. All of it is
 * paid off. */
void governor_charge(struct governor *governor, u64 now_ns, double cost_ns);

/* Cost of groups that always stand. It is paid off too, but alone it keeps the governed ones off
 * for ten seconds at most. */
void governor_charge_others(struct governor *governor, u64 now_ns, double cost_ns);

/* From now on: share of one CPU. What was spent before is owed at the new one. */
void governor_set_budget(struct governor *governor, double budget);

#endif
