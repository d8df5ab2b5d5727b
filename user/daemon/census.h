/* SPDX-License-Identifier: BSD-2-Clause */
/* The goroutines of a process, read, named and dated: what `gosonde goroutines` shows. */
#ifndef DAEMON_CENSUS_H
#define DAEMON_CENSUS_H

#include "base/clock.h"
#include "daemon/places.h"
#include "daemon/target.h"
#include "gobin/census.h"
#include "gobin/gc_memory.h"
#include "gobin/waitreason.h"
#include "model/goroutine_groups.h"
#include "output/goroutines.h"

struct census {
	struct goroutine_line *lines; /* owned; ascending by id */
	size_t count;		      /* the runtime's own among them */
	size_t system, skipped;
	u64 now_ns; /* of the ages: when all had been read */
	struct places sites, starts;
	struct go_wait_reasons reasons;
	struct err no_reasons; /* why they are not known; else "" */
	struct go_gc_memory gc;
};

/* When the process's runtime started; 0: not known. */
u64 census_start_ns(const struct target *target, u64 now_ns);

/*
 * Dates the goroutines of a census that was read by now_ns; ret has room for all of them. gc: read
 * after the census, so that no collection that a goroutine tells of is missing. Returns 0 or
 * -ENOMEM.
 */
int census_date(const struct go_census *raw, const struct goid_clock *clock,
		const struct go_gc_memory *gc, const struct timebase *timebase, u64 now_ns,
		struct goid_birth *ret);

/*
 * now(): CLOCK_MONOTONIC. Returns 0, what go_census_read() returns, or -ENOMEM.
 */
int census_take(struct target *target, const struct goid_clock *clock, u64 (*now)(void),
		const struct timebase *timebase, struct census *ret, struct err *err);
void census_done(struct census *census);

/* Groups all but the runtime's own. ret: freed by the caller. Returns 0 or -ENOMEM. */
int census_groups(const struct census *census, enum goroutine_by by, struct goroutine_group **ret,
		  size_t *ret_count);

/* Borrows the census. */
struct goroutine_texts census_texts(struct census *census);

#endif
