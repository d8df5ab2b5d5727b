/* SPDX-License-Identifier: BSD-2-Clause */
/* A plan as outputs show it: `inspect`, and the first line of `attach`. */
#ifndef DAEMON_DESCRIBE_H
#define DAEMON_DESCRIBE_H

#include "daemon/plugins.h"
#include "gobin/globals.h"
#include "gobin/live.h"
#include "gobin/offsets.h"
#include "output/attached.h"
#include "probe/calibrate.h"
#include "probe/plan.h"
#include "proc/process.h"

enum {
	DESCRIBED_MISSING_MAX = 3 + GO_FIELD_COUNT + WIRE_GC_WORDS,
	DESCRIBED_VARIABLES_MAX = GO_GLOBAL_COUNT + WIRE_GC_WORDS,
	DESCRIBED_HOW_BYTES = 160,
};

struct description {
	struct attached_info info; /* points into the rest, and into plan and bin */
	struct attached_missing missing[DESCRIBED_MISSING_MAX];
	struct err missing_reason[DESCRIBED_MISSING_MAX];
	struct attached_fact offsets[GO_FIELD_COUNT], variables[DESCRIBED_VARIABLES_MAX];
	struct attached_plugin plugins[GO_PLUGINS_MAX];
	char offset_how[GO_FIELD_COUNT][DESCRIBED_HOW_BYTES];
	char variable_how[DESCRIBED_VARIABLES_MAX][DESCRIBED_HOW_BYTES];
	struct attached_probe probes[PLAN_PROBES_MAX];
	struct attached_omission omitted[PLAN_OMITTED_MAX];
};

/*
 * Everything is borrowed and must outlive ret, which must not be moved.
 *
 * bias: added to addresses; 0 for a file.
 */
void describe_plan(const struct gobin *bin, const struct plan *plan, u64 bias, const char *exe,
		   const struct calibration *cost, struct description *ret);

/* Why nothing of a plan can be probed in the process: sets err, and returns -ESRCH (it has exited)
 * or -ENOTSUP. */
int describe_refusal(const struct process *process, const struct plan *plan, struct err *err);

/* Adds what of the wanted groups stays unknown; asks the binary alone, so a file's p will do. */
void describe_missing(const struct go_process *p, const struct probe_groups *groups,
		      struct description *ret);

/* Adds what a hit costs on this machine, and the budget that is kept (share of a CPU; 0: none). */
void describe_cost(const struct calibration *cost, double budget, struct description *ret);

/* Adds the process's Go plugins; borrows them. */
void describe_plugins(const struct plugins *plugins, struct description *ret);

/*
 * Adds where the runtime's fields, variables and words are, how that is known and whether a process
 * has confirmed it; and which are missing and why.
 */
void describe_facts(const struct go_process *p, struct description *ret);

#endif
