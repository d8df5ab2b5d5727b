/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Log-linear histogram: 32 buckets an octave, so a quantile's relative error is
 * at most 1/32; mergeable. Memory is taken by the octave, 15 KiB at most. Not thread-safe.
 */
#ifndef MODEL_HIST_H
#define MODEL_HIST_H

#include <gosonde/types.h>

#include "base/macros.h"

struct hist;

/* NULL: out of memory. */
struct hist *hist_new(void);
void hist_free(struct hist *hist);
DEFINE_FREEP(struct hist, hist_free)

/* Without memory for it, a value is left out, and so is a whole merge. */
void hist_add(struct hist *hist, u64 value, u64 count);
void hist_merge(struct hist *into, const struct hist *from);
void hist_clear(struct hist *hist);

u64 hist_count(const struct hist *hist);
u64 hist_max(const struct hist *hist); /* exact; 0 when empty */
u64 hist_sum(const struct hist *hist); /* exact; ~0 once it would be more */

/*
 * How many are value at most. A bucket counts as its middle, so those within
 * 1/64 of value may be on the wrong side; exact from hist_max() on.
 */
u64 hist_count_at_most(const struct hist *hist, u64 value);

/* The smallest value that at least q (0..1) of all are not above; 0 when empty. */
u64 hist_quantile(const struct hist *hist, double q);

#endif
