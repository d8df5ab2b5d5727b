/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Readings of what kept a target's threads from running, and how much of it lies
 * in a time that holds a given stop. Cumulative figures are read at each tick
 * and after a long stop; what they cost is limited. All zero is an empty one.
 */
#ifndef MODEL_CPU_WAITS_H
#define MODEL_CPU_WAITS_H

#include "event/event.h"

enum {
	CPU_WAITS_KEPT = 32,
	/* Readings may take this part of one CPU, saved up to that much. */
	CPU_WAITS_SHARE = 200,
	CPU_WAITS_SAVED_NS = 20 * 1000 * 1000,
};

/* What was read at a time; cumulative, from any base. */
struct cpu_waits_reading {
	u64 begin_ns, end_ns; /* of the reading */
	bool has_throttling,
		has_runqueue; /* and every increase since the reading before is known */
	u64 throttled_ns, throttled_periods, runqueue_ns, runqueue_longest_ns;
};

struct cpu_waits {
	struct cpu_waits_reading reading[CPU_WAITS_KEPT]; /* a ring */
	u64 readings;
	u64 paid_ns; /* until when readings are paid off */
	u64 refused; /* readings that there was no time for */
};

/* Whether there is time for another reading now; if not, it counts as refused. */
bool cpu_waits_may_read(struct cpu_waits *waits, u64 now_ns);

/* Readings come in the order of time. */
void cpu_waits_add(struct cpu_waits *waits, const struct cpu_waits_reading *reading);

/* Whether a reading was begun after that time. */
bool cpu_waits_read_after(const struct cpu_waits *waits, u64 time_ns);

/* The least time between two readings that holds [from_ns, to_ns]; zeros if there is none. */
struct event_cpu_wait cpu_waits_over(const struct cpu_waits *waits, u64 from_ns, u64 to_ns);

#endif
