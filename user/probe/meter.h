/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeps a calibration true. What a hit costs is no constant: a virtual machine runs a third slower
 * for some seconds now and then, and a calibration that fell into those would be wrong as long as
 * the agent runs. So a probe stays on a function of our own, and is hit some hundred times a
 * second.
 */
#ifndef PROBE_METER_H
#define PROBE_METER_H

#include "probe/calibrate.h"

struct meter;

/*
 * Attaches, and measures some times, 1 ms. The slot and what may be done with it: calibrate.h,
 * which measured cost; that is the caller's, and is changed at once and by meter_tick(). kern and
 * cost must outlive ret. Returns 0 or a negative errno.
 */
int meter_new(struct meter **ret, struct kern *kern, u32 slot, struct calibration *cost,
	      struct err *err);
void meter_free(struct meter *meter);
DEFINE_FREEP(struct meter, meter_free)

/* Measures once more, if a second has passed since the last time: takes 0.2 ms. */
void meter_tick(struct meter *meter, u64 now_ns);

/* What is measured each time. */
struct meter_reading {
	double full_ns; /* of a hit on an emulated site, in a full window */
	double lean_ns; /* the same in a lean one */
	double run_ns;	/* of the program, in the full one */
};

enum { METER_READINGS = 15 }; /* kept: a slow phase lasts a few seconds */

/*
 * What hits cost by n readings, 1 to METER_READINGS: their lower quartile, since what holds us up
 * for a second need not hold up the target. What lean hits and runs are to full ones: the median of
 * the readings. What only first knows is taken to change as the emulated site does.
 */
struct calibration calibration_by(const struct calibration *first,
				  const struct meter_reading *readings, size_t n);

#endif
