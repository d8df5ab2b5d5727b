/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls by row (a call site, or a map at a call site), when the kernel's counts
 * by row are of some windows only: a function's calls are divided among its rows
 * as those that were seen. What is counted without a gap is passed on as it is.
 * Pure and bounded.
 */
#ifndef GOVERN_SHARES_H
#define GOVERN_SHARES_H

#include <stdbool.h>
#include <stddef.h>

#include <gosonde/wire.h>

#include "base/macros.h"

struct share_key {
	u64 fn;	  /* enum wire_fn */
	u64 a, b; /* what tells the sites apart */
	u64 part; /* of the site: a map; 0: all others */
};

struct shares;

/* limit: rows that are kept. NULL: out of memory. */
struct shares *shares_new(size_t limit);
void shares_free(struct shares *shares);
DEFINE_FREEP(struct shares, shares_free)

/*
 * A round: every row's cumulative count, as the kernel has it; one that fell has
 * started anew. A row beyond the limit is left out.
 */
void shares_count(struct shares *shares, const struct share_key *key, u64 count);

/*
 * Ends the round. calls: each function's so far, best estimates; sampled: by
 * function, whether that differs from what is counted by row.
 */
void shares_divide(struct shares *shares, const double calls[WIRE_FN_COUNT],
		   const bool sampled[WIRE_FN_COUNT]);

/*
 * After the last round: what was kept for a later one, because nothing of it was
 * seen by row, is divided as all that was seen before.
 */
void shares_settle(struct shares *shares, const double calls[WIRE_FN_COUNT],
		   const bool sampled[WIRE_FN_COUNT]);

/* A row's calls so far; 0 for one that was left out. */
u64 shares_calls(const struct shares *shares, const struct share_key *key);

/* Each row, in no order. */
void shares_each(const struct shares *shares,
		 void (*fn)(void *arg, const struct share_key *key, u64 calls), void *arg);

/* Rows that are kept now. */
size_t shares_rows(const struct shares *shares);

/*
 * The kernel forgot its counts: they start anew. Parts below calls_least of
 * calls become part 0 of their site.
 */
void shares_forget(struct shares *shares, u64 calls_least);

#endif
