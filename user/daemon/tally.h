/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's counts by call site and map, as rows of a sample: sites, and the busiest maps. */
#ifndef DAEMON_TALLY_H
#define DAEMON_TALLY_H

#include "base/err.h"
#include "daemon/tally_maps.h"
#include "event/event.h"
#include "govern/shares.h"

struct tally;

/* rows_kept: by map, when the kernel's table was emptied. The scratch is borrowed. NULL: out of
 * memory. */
struct tally *tally_new(struct tally_scratch *scratch, size_t rows_kept);
void tally_free(struct tally *tally);
DEFINE_FREEP(struct tally, tally_free)

/* Maps to tell of, busy or not; see tally_maps_want(). */
void tally_want(struct tally *tally, const struct map_key *keys, size_t n);

/* A row of the kernel's, of this target; its count is cumulative. */
void tally_count(struct tally *tally, const struct wire_map_site *site, u64 count);

/* After the rows of a round: those by map were taken out of the kernel, and start anew. */
void tally_emptied(struct tally *tally);

/* The next sample is the last: no call is kept for a later one. */
void tally_last(struct tally *tally);

/*
 * Divides each function's calls among what was counted; see shares_divide() for
 * calls and sampled. Sets the sites and maps of ret, which borrows them until the
 * scratch is used again. Returns 0 or -ENOMEM.
 */
int tally_take(struct tally *tally, const double calls[WIRE_FN_COUNT],
	       const bool sampled[WIRE_FN_COUNT], struct event_sample *ret, struct err *err);

#endif
