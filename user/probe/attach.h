/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arms a plan on a live process: compares each site's bytes with the file's,
 * describes the target to the BPF programs, attaches group by group.
 */
#ifndef PROBE_ATTACH_H
#define PROBE_ATTACH_H

#include "gobin/live.h"
#include "kern/kern.h"
#include "probe/plan.h"
#include "proc/process.h"

/*
 * Takes out of the plan what differs in memory from the file: somebody else's
 * breakpoint, a patched function, another binary than we read.
 */
void attach_verify(struct plan *plan, const struct go_process *p);

/*
 * Arms what the plan holds. On failure nothing stays attached.
 * Returns 0, -ESRCH (the process exited meanwhile), -EPERM, or what the kernel said.
 */
int attach_arm(struct kern *kern, u32 slot, const struct plan *plan, const struct process *process,
	       const struct go_process *p, struct err *err);

/*
 * The same for one file more of a process that is armed: a plugin, whose file
 * path reaches and whose code p describes. On failure what stood before still
 * stands. Returns as attach_arm().
 */
int attach_sites(struct kern *kern, u32 slot, const struct plan *plan,
		 const struct process *process, const char *path, const struct go_process *p,
		 struct err *err);

#endif
