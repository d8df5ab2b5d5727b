/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When goroutines were born. The runtime keeps no such time, but it hands ids out
 * in order, and some moments are known:
 *
 *	the start of the process	no goroutine is older
 *	a sample of the id counter	which ids had been given by then, and which had not
 *	a collection that found it waiting	it was there when that one ended (model/gc_dates.h)
 *
 * From these follow an interval that holds a goroutine's birth for certain, and
 * a best estimate within it, which grows with the id. For a leak the collections
 * alone date well: what stays parked is found by the first one after its birth.
 *
 * Pure: times are arguments, all of them in one clock.
 */
#ifndef MODEL_GOID_CLOCK_H
#define MODEL_GOID_CLOCK_H

#include "gobin/goid_counter.h"

/*
 * Past so many, samples are given up, the older the more: over a week of one a second ages stay
 * known to a tenth. Memory: 40 bytes a sample, and 16 a P with unspent ids: 2 MB with 256 Ps.
 */
enum { GOID_SAMPLES_MAX = 512 };

struct goid_clock;

/* start_ns: of the process; 0: not known. NULL: out of memory. */
struct goid_clock *goid_clock_new(u64 start_ns);
void goid_clock_free(struct goid_clock *clock);
DEFINE_FREEP(struct goid_clock, goid_clock_free)

/*
 * Takes a reading of the counter that lasted from begin_ns to end_ns, later than
 * the last one's. Its memory goes over to the clock, and counter becomes empty.
 */
void goid_clock_sample(struct goid_clock *clock, u64 begin_ns, u64 end_ns,
		       struct goid_counter *counter);

/* A goroutine that lives. */
struct goid_fact {
	u64 goid;
	u64 born_by_ns; /* it was there at that time; 0: nothing known */
};

struct goid_birth {
	u64 earliest_ns, latest_ns; /* born within, ends included */
	u64 likely_ns;
	bool sampled; /* the counter was read before it was born: both ends are measured */
};

/*
 * Dates n living goroutines, ascending by id without doubles, as they were seen
 * at now_ns. A fact that contradicts the samples (its clock is another) is left
 * aside. Estimates grow with the id, unless an old id was given out late for certain.
 * Returns 0 or -ENOMEM.
 */
int goid_clock_date(const struct goid_clock *clock, const struct goid_fact *facts, size_t n,
		    u64 now_ns, struct goid_birth *ret);

#endif
