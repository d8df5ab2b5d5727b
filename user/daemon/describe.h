/* SPDX-License-Identifier: BSD-2-Clause */
/* A plan as outputs show it: `inspect`, and the first line of `attach`. */
#ifndef DAEMON_DESCRIBE_H
#define DAEMON_DESCRIBE_H

#include "gobin/globals.h"
#include "gobin/live.h"
#include "gobin/offsets.h"
#include "output/attached.h"
#include "probe/calibrate.h"
#include "probe/plan.h"

enum { MISSING_MAX = 2 };

struct description {
	struct attached_info info; /* points into the rest, and into plan and bin */
	struct attached_missing missing[MISSING_MAX];
	struct err missing_reason[MISSING_MAX];
	struct attached_fact offsets[GO_FIELD_COUNT], variables[GO_GLOBAL_COUNT];
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

/* Adds what of the wanted groups stays unknown; asks the binary alone, so a file's p will do. */
void describe_missing(const struct go_process *p, const struct probe_groups *groups,
		      struct description *ret);

/* Adds where the runtime's fields and variables are, and how that is known. */
void describe_facts(const struct go_process *p, struct description *ret);

#endif
