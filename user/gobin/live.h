/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the runtime of a live process keeps in its own variables: read from
 * outside, without a probe and without stopping it. Racy by nature: each figure
 * is what runtime.NumGoroutine or ReadMemStats would have said at some moment.
 */
#ifndef GOBIN_LIVE_H
#define GOBIN_LIVE_H

#include <gosonde/wire.h>

#include "gobin/layout.h"
#include "gobin/memory.h"

enum {
	/* Lengths come from the target, so what it says is bounded. */
	GO_PROCS_MAX = 4096,	      /* far above any GOMAXPROCS */
	GO_GOROUTINES_MAX = 16 << 20, /* at 2 KiB of stack each: 32 GiB */
};

/* A process of that binary. */
struct go_process {
	const struct gobin *bin;
	const struct go_layout *layout; /* of bin */
	u64 bias;			/* run-time minus link-time address */
	struct memory_reader mem;
};

/* Reads its memory at a run-time address. Returns 0 or what the reader returned. */
int go_process_read(const struct go_process *p, u64 addr, void *buf, size_t len, struct err *err);

/* Where everything lies that runtime.gcount adds up (runtime/proc.go); run-time addresses. */
struct go_goroutine_words {
	bool walk;     /* a word is not known: allgs is walked, and only the next two are used */
	u64 allglen;   /* u64 */
	u64 allgs;     /* points to an array of *g */
	u64 allp;      /* slice header */
	u64 counts[3]; /* u32s to subtract: the runtime's own, and those kept for reuse */
	size_t count_len;
	u32 p_free; /* offset in a P of its own list's length, s32 */
};

/*
 * May take milliseconds in a large binary. Where the lists of goroutines kept for reuse are not
 * known, the goroutines themselves are to be counted. Returns 0, or a negative errno with what is
 * missing for either way.
 */
int go_goroutine_words(const struct go_process *p, struct go_goroutine_words *ret, struct err *err);

/*
 * Goroutines as runtime.NumGoroutine counts them; takes microseconds, a walk one for each goroutine
 * that there ever was at once.
 * Returns 0, -E2BIG (makes no sense, or too many to walk), -EBADMSG (makes no sense), or what the
 * reader returned.
 */
int go_goroutine_count(const struct go_process *p, const struct go_goroutine_words *words, s64 *ret,
		       struct err *err);

/*
 * Where a probe finds the words of a GC cycle, as run-time addresses. A word
 * that this version has not, or whose variable was not found, gets size 0.
 * Returns 0, or a negative errno with err saying which variable is missing (the
 * words of the others are filled all the same).
 */
int go_gc_sources(const struct go_process *p, struct wire_gc_source ret[static WIRE_GC_WORDS],
		  struct err *err);

/* Reads one of those words now. Returns 0, -ENOENT (no such word) or what the reader returned. */
int go_gc_word(const struct go_process *p, const struct wire_gc_source *source, u64 *ret);

#endif
