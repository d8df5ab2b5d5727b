/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long a process's threads waited for a CPU, ready to run: added up over
 * threads (the second figure of /proc/PID/task/TID/schedstat, sched-stats.rst).
 */
#ifndef PROC_RUNQUEUE_H
#define PROC_RUNQUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include <gosonde/types.h>

#include "base/err.h"

/* A Go program has some more threads than CPUs, and one for each blocking system call. To read one
 * takes some 10 us. */
enum { RUNQUEUE_THREADS = 512 };

struct runqueue_thread {
	int tid;
	u64 waited_ns;
};

/* Begins as zeros, but for the root. */
struct runqueue {
	const char *proc_root;				 /* "/proc"; borrowed */
	struct runqueue_thread thread[RUNQUEUE_THREADS]; /* as read last, by TID */
	size_t threads;
	bool based;
	u64 total_ns;	/* never falls */
	u64 longest_ns; /* nor does this: the sum of each reading's longest wait of one thread */
};

/*
 * Takes in what the threads that there are now have waited, in any order (it
 * gets sorted), and adds what came since the last time to the total: of a
 * thread that is new all of it. What an exited one waited since the last time is lost.
 */
void runqueue_update(struct runqueue *runqueue, struct runqueue_thread *now, size_t n);

/* Waited, of the text of a schedstat file; false: no such text, or the kernel doesn't count. */
bool runqueue_parse(const char *text, u64 *ret_ns);

/*
 * Reads all threads. Returns 0; -E2BIG: more than RUNQUEUE_THREADS, the total stays and the next
 * reading begins anew; -ENODATA: this kernel doesn't count; or what open(2) says.
 */
int runqueue_read(struct runqueue *runqueue, int pid, struct err *err);

#endif
