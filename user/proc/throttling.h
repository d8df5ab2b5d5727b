/* SPDX-License-Identifier: BSD-2-Clause */
/* How long CPU quotas held up a process: those of its control group and of the groups above. */
#ifndef PROC_THROTTLING_H
#define PROC_THROTTLING_H

#include "base/err.h"
#include "proc/cgroup.h"

enum { THROTTLING_LEVELS = 16 }; /* from the process's group upwards; any above are not read */

/* Begins as zeros, but for roots. */
struct throttling {
	const char *proc_root; /* "/proc"; borrowed */
	struct cgroup group;   /* as read last */
	struct cgroup_mount mount;
	size_t levels; /* with figures; 0 beside a group: no quota can be set anywhere */
	struct cgroup_throttled last[THROTTLING_LEVELS];
	bool based; /* last is of group */
	struct cgroup_throttled total;
};

/*
 * Reads and adds what came since the last reading to total. A group and one above
 * may be held up at the same time, and a group above also on CPUs where only
 * others of its members ran: of all levels the one that grew most counts, not their sum.
 *
 * Returns 0; -EAGAIN: the process has moved to another group since, its increase is not
 * known; -ENOENT: it has no group that can be found; or what open(2) and read(2) say.
 */
int throttling_read(struct throttling *throttling, int pid, struct err *err);

#endif
