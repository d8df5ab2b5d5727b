/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's tables that all targets share, read once for all of them: each row
 * goes to the target that has its slot. Rows of slots that nobody has are dropped.
 */
#ifndef DAEMON_HARVEST_H
#define DAEMON_HARVEST_H

#include "base/macros.h"
#include "daemon/tally_maps.h"
#include "kern/kern.h"

struct harvest;

/* kern is borrowed. NULL: out of memory. For one thread. */
struct harvest *harvest_new(struct kern *kern);
void harvest_free(struct harvest *harvest);
DEFINE_FREEP(struct harvest, harvest_free)

/* For the samples of all its targets, which are taken and read one after the other. */
struct tally_scratch *harvest_scratch(struct harvest *harvest);

/* What a target does with its rows, which it borrows for the call. Counts are cumulative. */
struct harvest_taker {
	void *arg;
	/* A round begins; its rows follow. */
	void (*begin)(void *arg);
	/* Map 0: the site's maps that had no room. */
	void (*map_site)(void *arg, const struct wire_map_site *site, u64 count);
	/* After this round's map sites: those by map start anew from 0. */
	void (*emptied)(void *arg);
	void (*go_site)(void *arg, const struct wire_go_site *site,
			const struct wire_go_count *count);
};

/*
 * Gives a slot to a target, and takes out of the kernel whatever was counted for
 * the one that had it before: before the slot is described and any breakpoint set.
 * Returns 0, -EINVAL (no such slot), -EBUSY (somebody has it), or what the kernel said.
 */
int harvest_join(struct harvest *harvest, u32 slot, const struct harvest_taker *taker,
		 struct err *err);

/* What is counted for the slot from now on goes nowhere. */
void harvest_leave(struct harvest *harvest, u32 slot);

/* Rows of that slot are nobody's, and stay: for hits of our own, which would bring them back. */
void harvest_ignore(struct harvest *harvest, u32 slot);

/*
 * A round: to be called at each tick, and all targets' samples to be taken after
 * it and before the next. Empties the table of maps when it was half full the
 * time before, and tells every taker; what is busy is back at once.
 */
int harvest_read(struct harvest *harvest, struct err *err);

#endif
