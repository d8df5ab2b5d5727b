/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The roll: the goroutines of a process, called again and again. Of each census
 * it makes what the others need to know of it, by creation site: how many there
 * are and how old, how many have stayed for long, and how many of these ended
 * since the last call.
 *
 * Who stayed is not an estimate. A goroutine was there at the latest time of its
 * birth (model/goid_clock.h) and at every call that had its id, and ids are never
 * used twice; so an age that is counted here is one that it has at least.
 *
 * Pure: times are arguments. Memory: 24 bytes a goroutine from call to call.
 */
#ifndef MODEL_ROLL_H
#define MODEL_ROLL_H

#include <stddef.h>

#include "base/macros.h"
#include "event/event.h"
#include "model/goid_clock.h"

enum {
	ROLL_SITES_MAX = 64,	/* in an event */
	ROLL_SITE_MIN_LIVE = 8, /* smaller sites are not in it */
	ROLL_AGES_MAX = 512,	/* of a site */
};

/* A goroutine that lives, and is not one of the runtime's own. */
struct roll_row {
	u64 id, gopc, startpc;
	u16 wait; /* why it waits: the caller's number for it */
	struct goid_birth birth;
	u64 there_by_ns; /* set by roll_call() */
};

/* Text of a wait, cut to size. */
typedef void (*roll_wait_fn)(void *arg, u16 wait, char *buf, size_t size);

struct roll;

/* NULL: out of memory. */
struct roll *roll_new(roll_wait_fn wait, void *arg);
void roll_free(struct roll *roll);
DEFINE_FREEP(struct roll, roll_free)

/*
 * One census: n rows, ascending by id without doubles, as of now_ns. They get
 * reordered. ret borrows from the roll until the next call.
 * Returns 0, or -ENOMEM: as if the call had not been.
 */
int roll_call(struct roll *roll, u64 now_ns, struct roll_row *rows, size_t n,
	      struct event_census *ret);

/*
 * How long to wait after a census that took so much CPU time: some seconds, and
 * so long that all of them together take a thousandth of a CPU.
 */
u64 roll_pause_ns(u64 cpu_ns);

#endif
