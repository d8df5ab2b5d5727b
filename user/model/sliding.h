/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sum over about the last ten seconds, in one-second buckets: the running
 * second and the nine before it. Fixed memory, whatever the rate.
 */
#ifndef MODEL_SLIDING_H
#define MODEL_SLIDING_H

#include <gosonde/types.h>

enum { SLIDING_SECONDS = 10 };

/* All zero is an empty one. */
struct sliding {
	u64 second;		     /* the newest that was added to */
	u64 bucket[SLIDING_SECONDS]; /* by second modulo */
};

/* What is older than the window is left out. */
void sliding_add(struct sliding *s, u64 time_ns, u64 n);

u64 sliding_sum(const struct sliding *s, u64 now_ns);

#endif
