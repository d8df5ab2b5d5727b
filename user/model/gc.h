/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The target's garbage collector: every stop of the world, and cycles put
 * together from their stops and from what the runtime itself noted.
 *
 * The sum of the pauses is the runtime's own (MemStats.PauseTotalNs): a cycle's
 * end replaces what was measured from outside by work.pauseNS.
 */
#ifndef MODEL_GC_H
#define MODEL_GC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"
#include "event/event.h"
#include "model/hist.h"
#include "base/robust.h"

enum { GC_CYCLE_STOPS = 8, GC_RECENT_STOPS = 128 };

struct gc_stop {
	u64 end_ns;
	u64 duration_ns;      /* from the request to the restart; 0: unknown */
	u64 stopping_ns;      /* of it until the last P had stopped */
	u64 stopped_ns;	      /* and then until the restart */
	bool split_known;     /* stopping_ns and stopped_ns are known */
	u32 reason;	      /* runtime.stwReason */
	char reason_text[64]; /* raw; see gc_stop_reason() */
	struct event_cpu_wait cpu_wait;
};

/* One cycle; complete when both its end and its last stop were seen. */
struct gc_cycle {
	u64 start_ns;		 /* 0: began before the probes did */
	u64 end_ns;		 /* 0: still running */
	struct event_gc_end end; /* valid once end_ns is set */
	struct gc_stop stops[GC_CYCLE_STOPS];
	size_t stop_count;     /* of stops[] */
	size_t stops_left_out; /* for which stops[] had no room */
};

/* Cumulative since attach. */
struct gc_totals {
	u64 pauses; /* stops for GC */
	u64 pause_ns;
	u64 forced; /* cycles ended that were forced */
	u64 other_stops, other_stop_ns;
};

struct gc;

/* NULL: out of memory. */
struct gc *gc_new(void);
void gc_free(struct gc *gc);
DEFINE_FREEP(struct gc, gc_free)

void gc_start(struct gc *gc, u64 time_ns);
void gc_stopped(struct gc *gc, u64 time_ns, const struct event_stop *stop);
void gc_end(struct gc *gc, u64 time_ns, const struct event_gc_end *end);

struct gc_totals gc_totals(const struct gc *gc);

/* Durations of the pauses since attach, and since the last gc_window_done(). */
const struct hist *gc_pauses(const struct gc *gc);
const struct hist *gc_window_pauses(const struct gc *gc);
void gc_window_done(struct gc *gc);

/* The last stop for GC; NULL: none yet. */
const struct gc_stop *gc_last_stop(const struct gc *gc);

/* The last cycle whose end was seen; NULL: none yet. */
const struct gc_cycle *gc_last_cycle(const struct gc *gc);

/* Durations of the last GC_RECENT_STOPS pauses before the last one. */
struct robust gc_before_last_ns(const struct gc *gc);

/* How many of them lasted limit_ns at most. */
size_t gc_count_before_last(const struct gc *gc, u64 limit_ns, size_t *ret_n);

/* Whether a stop is one of a GC cycle (sweep or mark termination). */
bool gc_is_pause(u32 reason);

/* "gc mark termination"; what the target said if its version has no reasons; else "unknown". */
const char *gc_stop_reason(const struct gc_stop *stop);

#endif
