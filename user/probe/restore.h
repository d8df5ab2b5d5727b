/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Breakpoints that outlived their owner.
 *
 * The kernel takes breakpoints out when their link goes, except where a SIGKILL
 * comes while a thread of the owner is setting or removing them: reading the
 * target's page then fails with EINTR (mm/gup.c, fatal_signal_pending), and
 * uprobe_unregister() says "leaking uprobe" in the kernel's log and leaves them
 * (kernel/events/uprobes.c; every version up to 6.18). The target runs on, but
 * pays for each hit as long as it lives. Whoever sets a breakpoint at that place
 * once more and removes it takes it out.
 */
#ifndef PROBE_RESTORE_H
#define PROBE_RESTORE_H

#include "gobin/live.h"
#include "kern/kern.h"
#include "proc/process.h"

/*
 * Takes out what was left at any place that gosonde could probe in the file that
 * path reaches and whose code p describes. Another tracer's breakpoints stay, and
 * so does everything in a process that a debugger holds, since its breakpoints
 * look the same.
 * Returns how many went, or a negative errno as kern_attach().
 */
int restore_breakpoints(struct kern *kern, const struct process *process, const char *path,
			const struct go_process *p, struct err *err);

#endif
