/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pauses of about the last minute: sums in buckets of a second (the running
 * one and the 59 before it), quantiles over the last half to whole minute.
 * Bounded memory (38 KiB), whatever the rate.
 */
#ifndef MODEL_PAUSE_MINUTE_H
#define MODEL_PAUSE_MINUTE_H

#include "base/macros.h"
#include "model/gc.h"

enum pause_of { PAUSE_OF_SWEEP_TERMINATION, PAUSE_OF_MARK_TERMINATION, PAUSE_OFS };

struct pause_sums {
	u64 count[PAUSE_OFS], ns[PAUSE_OFS];
	u64 stopping_ns, stopped_ns; /* of those whose split is known */
	u64 max_ns;
};

struct pause_minute;

/* NULL: out of memory. */
struct pause_minute *pause_minute_new(void);
void pause_minute_free(struct pause_minute *minute);
DEFINE_FREEP(struct pause_minute, pause_minute_free)

/* A stop for GC with a known duration. What is older than the minute is left out. */
void pause_minute_add(struct pause_minute *minute, const struct gc_stop *stop);

struct pause_sums pause_minute_sums(const struct pause_minute *minute, u64 now_ns);

/* As hist_quantile(); of what was added in the last half to whole minute before the last pause. */
u64 pause_minute_quantile(const struct pause_minute *minute, double q);

#endif
