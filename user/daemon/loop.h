/* SPDX-License-Identifier: BSD-2-Clause */
/* The one event loop (sd-event): records, ticks, the target's exit, and the signals that end it. */
#ifndef DAEMON_LOOP_H
#define DAEMON_LOOP_H

#include <stdbool.h>

#include <gosonde/types.h>

#include "base/err.h"

enum loop_end {
	LOOP_DEADLINE, /* the time asked for is over */
	LOOP_SIGNAL,   /* SIGINT or SIGTERM */
	LOOP_TARGET_EXITED,
	LOOP_TARGET_REPLACED, /* it executed a program: the probes stood in what it was before */
};

/* Both are called from the loop; a negative errno ends it, and so does a positive enum loop_end. */
struct loop_handlers {
	void *arg;
	int (*records)(void *arg, struct err *err); /* the ring is full, or it is time to look */
	int (*tick)(void *arg, u64 now_ns, struct err *err); /* an interval is over */
	int (*reload)(void *arg, struct err *err); /* SIGHUP; NULL: that is left as it is */
};

struct loop_config {
	int ring_fd;
	int pidfd; /* its exit is the end; -1: none */
	u64 interval_ns;
	u64 for_ns; /* 0: no deadline */
};

/*
 * Blocks SIGINT and SIGTERM for this thread, and SIGHUP if it is to reload, so that
 * they reach the loop. Early, so that a Ctrl-C while probes are armed ends in a clean
 * detach.
 */
void loop_block_signals(bool reload);

/* Runs until something ends it. Returns an enum loop_end, or a negative errno. */
int loop_run(const struct loop_config *config, const struct loop_handlers *handlers,
	     struct err *err);

/* CLOCK_MONOTONIC in ns. */
u64 now_monotonic_ns(void);

/* CLOCK_BOOTTIME in ns: as /proc dates the start of a process. */
u64 now_boottime_ns(void);

/* CLOCK_REALTIME minus CLOCK_MONOTONIC, now. */
s64 monotonic_to_wall_ns(void);

#endif
