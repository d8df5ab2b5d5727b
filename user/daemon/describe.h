/* SPDX-License-Identifier: BSD-2-Clause */
/* A plan as outputs show it: `inspect`, and the first line of `attach`. */
#ifndef DAEMON_DESCRIBE_H
#define DAEMON_DESCRIBE_H

#include "output/attached.h"
#include "probe/calibrate.h"
#include "probe/plan.h"

struct description {
	struct attached_info info; /* points into the rest, and into plan and bin */
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

#endif
