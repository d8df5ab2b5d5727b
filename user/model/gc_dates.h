/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * By when a goroutine was there, as the last collections tell.
 *
 * g.waitsince is not what its name says: the collection that first finds a
 * goroutine waiting writes work.tstart there (runtime/mgcmark.go: markroot), and
 * that is still the time at which the mark termination of the collection
 * *before* began (runtime/mgc.go: gcMark; 1.15 to 1.27). So a goroutine may be
 * younger than its waitsince, by up to one cycle, and what is certain is that it
 * was there when the cycle after that time ended.
 */
#ifndef MODEL_GC_DATES_H
#define MODEL_GC_DATES_H

#include "base/clock.h"
#include "gobin/gc_memory.h"

struct gc_dates {
	u64 end_ns[GC_PAUSES_MAX]; /* of the last cycles, ascending; CLOCK_MONOTONIC */
	size_t count;		   /* 0: not known */
};

/* The runtime keeps them by the wall clock. */
struct gc_dates gc_dates_make(const struct go_gc_memory *gc, const struct timebase *timebase);

/*
 * Whether waitsince, the beginning of a mark termination, is one of these, or older than all. If
 * not, the wall clock was set meanwhile, or the process has a clock of its own (a time namespace).
 */
bool gc_dates_agree(const struct gc_dates *dates, u64 waitsince_ns);

/* When a goroutine with that waitsince was there at the latest; 0: not known. */
u64 gc_dates_born_by(const struct gc_dates *dates, u64 waitsince_ns);

#endif
