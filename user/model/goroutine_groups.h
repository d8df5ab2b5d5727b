/* SPDX-License-Identifier: BSD-2-Clause */
/* Goroutines of a census that have something in common, counted, with their ages. */
#ifndef MODEL_GOROUTINE_GROUPS_H
#define MODEL_GOROUTINE_GROUPS_H

#include <stddef.h>

#include "model/goid_clock.h"

enum goroutine_by { BY_SITE, BY_WAIT, BY_STATE };

/* What a goroutine is. Equal numbers mean equal things; the caller knows which. */
struct goroutine_kind {
	u32 site, start; /* where it was created; what it runs */
	u8 state;	 /* enum go_state */
	u8 wait;	 /* why it waits; 0 unless it does */
};

struct goroutine_seen {
	struct goroutine_kind kind;
	struct goid_birth birth;
};

/* Of one goroutine. */
struct goroutine_age {
	u64 likely_ns;	       /* best estimate */
	u64 least_ns, most_ns; /* the true age is within, ends included */
	bool sampled;	       /* and both ends are measured: see struct goid_birth */
};

struct goroutine_group {
	u64 count;
	struct goroutine_kind kind;			   /* of most of them */
	u64 kind_count;					   /* of that very kind */
	bool same_site, same_start, same_state, same_wait; /* all have the kind's */
	u64 age_min_ns;					   /* best estimate, of the youngest */
	struct goroutine_age p50, oldest;
};

/*
 * Groups by creation site and function, by state and reason to wait, or by
 * state: the largest group first. The rows get sorted.
 * ret: freed by the caller. Returns 0 or -ENOMEM.
 */
int goroutine_groups(struct goroutine_seen *rows, size_t n, enum goroutine_by by, u64 now_ns,
		     struct goroutine_group **ret, size_t *ret_count);

#endif
