/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which goroutine ids a live process has handed out. sched.goidgen hands ids to
 * each P in batches of 16, and an idle P may keep the rest of a batch for hours
 * (runtime/proc.go: newproc1), so what the Ps still have counts too.
 */
#ifndef GOBIN_GOID_COUNTER_H
#define GOBIN_GOID_COUNTER_H

#include "gobin/live.h"

/* Ids that a P has and no goroutine yet: [first, end). */
struct goid_range {
	u64 first, end;
};

struct goid_counter {
	u64 newest;		  /* sched.goidgen: no id above it was handed out */
	struct goid_range *spare; /* owned; ascending, without overlap */
	size_t spare_count;	  /* at most one a P */
};

/*
 * Reads the counter first, then the Ps: at the start of the call no goroutine
 * had an id above newest, and no id of spare; at its end all others were given.
 * Returns 0, -ENOENT (something is not known of this binary), -EBADMSG (what is
 * there makes no sense), -ENOMEM, or what the reader returned.
 */
int goid_counter_read(const struct go_process *p, struct goid_counter *ret, struct err *err);
void goid_counter_done(struct goid_counter *counter);

/* Whether a goroutine has, or had, that id. */
bool goid_counter_given(const struct goid_counter *counter, u64 goid);

#endif
