/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The capabilities that this thread uses, and those that it gives up. They are a
 * thread's own, and the next ones inherit them: call it before there are others.
 */
#ifndef PROC_PRIVILEGES_H
#define PROC_PRIVILEGES_H

#include "base/err.h"

/*
 * Each has all of those before it. Beside them CAP_DAC_READ_SEARCH and
 * CAP_CHECKPOINT_RESTORE (files that others may not read, files that are mapped
 * and deleted) are used when this process has them.
 */
enum privileges {
	PRIVILEGES_READ,  /* CAP_SYS_PTRACE: /proc and the memory of others' processes */
	PRIVILEGES_TRACE, /* and CAP_BPF, CAP_PERFMON: to load programs */
	PRIVILEGES_ADMIN, /* and CAP_SYS_ADMIN: perf-event uprobes, on most kernels */
};

/*
 * Of what this thread is permitted it uses these from now on. What it is not
 * permitted is no failure: the kernel says so when it matters. Returns 0 or a
 * negative errno.
 */
int privileges_use(enum privileges level, struct err *err);

/* Gives up for good what is not used now, and what a program that is executed would gain. */
int privileges_give_up(struct err *err);

#endif
