/* SPDX-License-Identifier: BSD-2-Clause */
/* What the collector of a live process says of itself, read without a probe. */
#ifndef GOBIN_GC_MEMORY_H
#define GOBIN_GC_MEMORY_H

#include "gobin/live.h"

enum { GC_PAUSES_MAX = 256 }; /* the runtime keeps so many: one a cycle (runtime/mstats.go) */

struct go_gc_memory {
	bool has_cycles, has_heap_live, has_heap_goal, has_pauses; /* what is known */
	u32 cycles;			      /* completed since the process started */
	u64 heap_live_bytes, heap_goal_bytes; /* goal: size at which the next one is to end */
	u32 pause_count;		      /* of the last cycles; GC_PAUSES_MAX at most */
	u64 pause_ns[GC_PAUSES_MAX];	      /* both stops of the cycle; the oldest first */
	u64 pause_end_wall_ns[GC_PAUSES_MAX]; /* end of the cycle's mark termination, since 1970 */
	struct err why;			      /* of what is not known, the first; else "" */
};

/* What is not known stays so, with the reason in why. */
void go_gc_memory_read(const struct go_process *p, struct go_gc_memory *ret);

/* The q-th quantile (0 to 1) of the pauses; 0 without any. */
u64 go_gc_pause_quantile(const struct go_gc_memory *gc, double q);

#endif
