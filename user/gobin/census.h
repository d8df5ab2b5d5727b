/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every goroutine of a live process, read out of runtime.allgs: no probe, and
 * the process never stops. Racy by nature: each g is read in one piece, so it is
 * consistent in itself, and all of them are read within some milliseconds. A g
 * is never freed and allgs never shrinks (runtime/proc.go: allgadd, gfput), so
 * what an entry points to stays a g.
 */
#ifndef GOBIN_CENSUS_H
#define GOBIN_CENSUS_H

#include "gobin/gstate.h"
#include "gobin/live.h"

/* Entries of allgs, dead ones included; more are refused. Memory taken: 8 bytes an entry and 48 a
 * living goroutine, so 0.9 GB at worst, 6 MB for 100 000. */
#define CENSUS_MAX ((u64)GO_GOROUTINES_MAX)

struct go_goroutine {
	u64 id;
	u64 creator; /* run-time address after the go statement; 0: none */
	u64 start;   /* run-time entry of its function; 0: a thread of C's */
	u64 parent;  /* goroutine that created it; 0: not known (before 1.21) */
	/* g.waitsince, CLOCK_MONOTONIC of the process: see model/gc_dates.h for what it means;
	 * 0: no collection has found it waiting as it waits now. */
	u64 waitsince_ns;
	u8 state;	/* enum go_state */
	u8 wait_reason; /* means something while it waits */
};

struct go_census {
	struct go_goroutine *goroutines; /* owned; by id, each id once */
	size_t count;			 /* the living, the runtime's own among them */
	size_t skipped;			 /* what could not be read, or was no goroutine */
};

/*
 * max: CENSUS_MAX or less; the table may have grown since anybody looked at its length.
 * Returns 0; -ENOENT (something is not known of this binary), -EFBIG (more than
 * max entries), -EAGAIN (the table was replaced again and again), -EBADMSG (too
 * many of its entries can't be read), -ENOMEM, or what the reader returned, as
 * when the process ended meanwhile.
 */
int go_census_read(const struct go_process *p, u64 max, struct go_census *ret, struct err *err);
void go_census_done(struct go_census *census);

/* Whether all is known that go_census_read() needs: 0, or -ENOENT or -EBADMSG with what is not. */
int go_census_check(const struct go_process *p, struct err *err);

/* "waiting" …, as the runtime's traceback prints it; "?" for another number. */
const char *go_state_name(u32 state);

#endif
