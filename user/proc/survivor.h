/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A child that does what is left to do when this process dies without having
 * said so: killed, crashed, or out of memory. Whoever kills the process group or
 * the cgroup with SIGKILL kills it too.
 */
#ifndef PROC_SURVIVOR_H
#define PROC_SURVIVOR_H

#include <sys/types.h>

#include "base/err.h"

struct survivor {
	pid_t pid; /* 0: none */
};

/*
 * Forks it; call it before there are threads. It ignores what ends a terminal's
 * job, keeps every file descriptor but the first two, and costs the pages that
 * either writes from here on. work runs in the child once no thread of this
 * process is left, so that the kernel has let go of what it owned.
 * Returns 0 or a negative errno.
 */
int survivor_start(struct survivor *ret, void (*work)(void *arg), void *arg, struct err *err);

/* Ends it: there is nothing left to do. Does nothing if it was not started. */
void survivor_end(struct survivor *survivor);

#endif
