/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pauses between tries: half a second, doubled with each failure up to half a
 * minute, each a quarter longer or shorter by chance, so that agents that lost
 * the same receiver do not come back to it all at once.
 */
#ifndef SINK_BACKOFF_H
#define SINK_BACKOFF_H

#include <stdbool.h>

#include <gosonde/types.h>

struct backoff {
	unsigned int failures; /* in a row */
	u64 seed;	       /* of chance; any */
};

/* Counts a failure and returns the pause after it. last: little time is left, 0.2 s at most. */
u64 backoff_fail_ns(struct backoff *backoff, bool last);

static inline void backoff_succeed(struct backoff *backoff)
{
	backoff->failures = 0;
}

#endif
