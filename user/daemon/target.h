/* SPDX-License-Identifier: BSD-2-Clause */
/* A process to observe, put together: the process, its binary, where it lies, what its addresses
 * mean. */
#ifndef DAEMON_TARGET_H
#define DAEMON_TARGET_H

#include "daemon/binaries.h"
#include "daemon/images.h"
#include "alert/placement.h"
#include "event/names.h"
#include "gobin/layout.h"
#include "gobin/live.h"
#include "proc/container.h"
#include "proc/process.h"

struct target {
	struct process process;
	struct container container;		  /* that it was in when it was opened */
	struct binaries *binaries, *own_binaries; /* own: of this target alone, or NULL */
	const struct binary *binary;
	const struct gobin *bin;      /* the binary's */
	struct go_layout *own_layout; /* NULL: that of other processes of the binary serves */
	struct images *images;
	struct go_process go; /* borrows bin and layout; reads process */
};

/*
 * Takes hold of a Go process. The target must not be moved in memory after.
 * Returns 0, what process_open() and gobin_open() return, or -ESRCH.
 */
int target_open(struct target **ret, int pid, struct err *err);

/* The same with a binary that other targets share; binaries must outlive the target. */
int target_open_shared(struct target **ret, struct binaries *binaries, int pid, struct err *err);
void target_free(struct target *target);
DEFINE_FREEP(struct target, target_free)

/* Where it runs; borrows the target. */
struct placement target_placement(const struct target *target);

/* What the target's addresses mean; borrows the target. */
struct names target_names(struct target *target);

#endif
