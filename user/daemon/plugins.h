/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Go plugins of a target: their code calls copies of the runtime's functions
 * in the plugin's own file, which are probed like the program's. A plugin that is
 * loaded under observation is armed at the next tick.
 */
#ifndef DAEMON_PLUGINS_H
#define DAEMON_PLUGINS_H

#include "daemon/target.h"
#include "gobin/modules.h"
#include "probe/attach.h"
#include "probe/plan.h"

/* What was done about a plugin. */
struct plugin {
	int fd;			 /* of its file; -1: it could not be opened, nor probed */
	const struct gobin *bin; /* borrowed from the target's images; NULL: no Go code */
	char file[256];
	size_t probes, omitted;
};

struct plugins {
	struct plugin plugin[GO_PLUGINS_MAX];
	size_t count;
	bool more;	 /* than these were found, which have no probes */
	size_t restored; /* breakpoints of a killed agent that were taken out */
};

/* With what they are armed. Borrowed. */
struct plugins_arming {
	struct kern *kern;
	struct armed *armed; /* NULL: only what a killed agent left in them is taken out */
	const struct probe_groups *groups;
};

void plugins_done(struct plugins *plugins);

/*
 * Arms the plugins that are new since the last call. One that can't be armed has
 * probes 0, and the rest goes on.
 * Returns how many were new, or a negative errno.
 */
int plugins_arm(struct plugins *plugins, struct target *target, const struct plugins_arming *with,
		struct err *err);

/* How many of those that were found have no probes. */
u64 plugins_unprobed(const struct plugins *plugins);

#endif
