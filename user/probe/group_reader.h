/* SPDX-License-Identifier: BSD-2-Clause */
/* What the counters of one group of one process say at a moment, and in a window. */
#ifndef PROBE_GROUP_READER_H
#define PROBE_GROUP_READER_H

#include "govern/estimate.h"
#include "govern/untold.h"
#include "kern/kern.h"
#include "proc/process.h"

/* kern and process are borrowed. */
struct group_reader {
	struct kern *kern;
	const struct process *process;
	u32 slot;
	enum probe_group group;
	enum wire_fn first, last;
	u64 *seen; /* by CPU; owned, as is what they saw */
	struct wire_window *windows;
	struct running *at_open; /* of the window that is open */
	size_t open_count;
};

/* Returns 0 or -ENOMEM. group_reader_done() is fine after either, and for one of zeros. */
int group_reader_init(struct group_reader *ret, struct kern *kern, u32 slot,
		      const struct process *process, enum probe_group group);
void group_reader_done(struct group_reader *r);

/* Of counters that were read at that time, but for the CPU time. */
struct reading group_reading(const struct group_reader *r, u64 time_ns,
			     const struct wire_counters *counters);

/* Reads them now. Returns 0 or a negative errno. */
int group_read(const struct group_reader *r, struct reading *ret);

/* The same, as a look into the window of that number begins. */
int group_read_open(struct group_reader *r, u32 window, struct reading *ret);

/* The same into x->close, and what the window of that number tells, which it closes. attached_ns:
 * since when its probes stand. */
int group_read_close(const struct group_reader *r, u32 window, u64 attached_ns, struct exposure *x);

#endif
