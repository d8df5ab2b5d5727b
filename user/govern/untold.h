/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the CPU time of a process lacks when it is read. The kernel brings that of threads that run
 * up to date at its ticks only, 1 to 10 ms apart, and as they are switched out
 * (kernel/sched/cputime.c, thread_group_cputime()). Windows are as short as that, so of a thread
 * that runs all the time they would tell anything between none and twice of it. Pure.
 */
#ifndef GOVERN_UNTOLD_H
#define GOVERN_UNTOLD_H

#include <stdbool.h>
#include <stddef.h>

#include <gosonde/wire.h>

/* A thread that is hit, and has not gone to sleep for a moment. */
struct running {
	u32 tid;
	u64 switches;	   /* how often it had slept before */
	u64 at_ns;	   /* when it was seen last, */
	u64 told_until_ns; /* and until when its CPU time was told by then, by its CPU's clock */
	u64 first_ns;	   /* when that CPU was hit first in the window: no other was just then */
};

/* As a window begins. cpus: what each CPU saw of it; ret: room for as many. Returns how many. */
size_t running_of(const struct wire_window *cpus, size_t count, u64 now_ns, struct running *ret);

/* Whether one that will be seen any moment has not been since then. */
bool running_is_older(const struct wire_window *cpus, size_t count, u64 since_ns);

/* By how much more is untold at a window's end than at its begin, of threads that were running at
 * both on the same CPU, and did not sleep between: both clocks went on by as much. To the
 * microsecond. close: what each CPU saw of the window by now. CPUs' clocks are apart by the
 * interrupts that each had (rq_clock_task() in kernel/sched/sched.h). */
double untold_of_running_ns(const struct running *open, size_t open_count,
			    const struct wire_window *close, size_t close_count, u64 now_ns);

/*
 * Of threads that woke within the window, which is known on average only: ticks come at any time
 * for them, so they lack what they have run since they woke, or since the last tick. going: how
 * many; going_ns: since when, summed up.
 */
double untold_of_woken_ns(double going, double going_ns, double tick_ns);

#endif
