/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one cycle says of itself: how long its phases took, and the CPU time that marking took.
 *
 * Taken from the words that the runtime notes (gcMarkDone, gcMarkTermination in runtime/mgc.go, the
 * figures of its gctrace line), and where a version has none, from the cycle's stops. The words
 * come from the target: what contradicts itself counts as unknown.
 */
#ifndef MODEL_GC_PHASES_H
#define MODEL_GC_PHASES_H

#include "model/gc.h"

/* A cycle's word; returns whether it is known. */
bool gc_cycle_word(const struct gc_cycle *cycle, enum wire_gc_word word, u64 *ret);

/* Whether somebody called for it: runtime.GC, debug.FreeOSMemory and the like. */
bool gc_cycle_forced(const struct gc_cycle *cycle);

/* When marking began and ended, CLOCK_MONOTONIC: the program runs meanwhile. Returns whether known.
 */
bool gc_cycle_mark(const struct gc_cycle *cycle, u64 *ret_start_ns, u64 *ret_end_ns);

/* The stop before marking, from its request on; gctrace's first figure. Returns whether known. */
bool gc_cycle_sweep_termination(const struct gc_cycle *cycle, u64 *ret_ns);

/* The stop that ends marking, from its request on; gctrace's third figure. Returns whether known.
 */
bool gc_cycle_mark_termination(const struct gc_cycle *cycle, u64 *ret_ns);

/* The stop that ended it; NULL: its record is missing. */
const struct gc_stop *gc_cycle_last_stop(const struct gc_cycle *cycle);

/*
 * Time that marking took, as the runtime adds it up. It is measured by the clock while a worker or
 * an assist holds a P: where threads wait for a CPU (a cgroup's quota below GOMAXPROCS), it is more
 * than the CPU time.
 */
struct gc_cpu {
	u64 assist_ns; /* by goroutines that allocate, for their allocations */
	u64 worker_ns; /* by dedicated and fractional workers */
	u64 idle_ns;   /* by workers on Ps that had nothing else to do; takes CPU from nobody */
};

/* Returns whether known. */
bool gc_cycle_cpu(const struct gc_cycle *cycle, struct gc_cpu *ret);

#endif
