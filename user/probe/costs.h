/* SPDX-License-Identifier: BSD-2-Clause */
/* What hits on the sites of one process cost it. */
#ifndef PROBE_COSTS_H
#define PROBE_COSTS_H

#include "probe/calibrate.h"
#include "probe/duty.h"

/*
 * By function, of the dearest of its sites: a plugin's need not be like the program's.
 * classes: as armed_classes() has them. others: how many more processes have breakpoints in the
 * same file; at each hit the kernel goes through their filters too.
 */
struct duty_costs costs_of(const u8 classes[static WIRE_FN_COUNT],
			   const struct calibration *calibration, u32 others);

#endif
