/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's counts by call site and map, as rows of a sample: sites, and the busiest maps. */
#ifndef DAEMON_TALLY_H
#define DAEMON_TALLY_H

#include "daemon/tally_maps.h"
#include "event/event.h"
#include "govern/shares.h"
#include "kern/kern.h"

struct tally;

/* kern is borrowed. NULL: out of memory. */
struct tally *tally_new(struct kern *kern, u32 slot);
void tally_free(struct tally *tally);
DEFINE_FREEP(struct tally, tally_free)

/* Maps to tell of, busy or not; see tally_maps_want(). */
void tally_want(struct tally *tally, const struct map_key *keys, size_t n);

/*
 * Reads the counts and divides each function's calls among them; see
 * shares_divide() for calls and sampled. Sets the sites and maps of ret, which
 * borrows them until the next call.
 */
int tally_take(struct tally *tally, const double calls[WIRE_FN_COUNT],
	       const bool sampled[WIRE_FN_COUNT], struct event_sample *ret, struct err *err);

#endif
