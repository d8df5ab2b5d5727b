/* SPDX-License-Identifier: BSD-2-Clause */
#include "alert/rules.h"

#include "base/units.h"

#define MS ((double)NS_PER_MS)

/* Calibrated so that healthy servers under steady load raise nothing. */
static const struct rules defaults = {
	.rule = {
		[DETECT_REHASH_STORM] = {
			.enabled = true,
			.severity = SEVERITY_WARNING,
			.cooldown_ns = 5 * NS_PER_MIN,
			/* moved, large-grows, doublings */
			.level = { { 1e6, 5e5, 2 * NS_PER_S }, { 100, 50, 2 * NS_PER_S }, { 8, 4, 0 } },
		},
		[DETECT_GC_PAUSE_SPIKE] = {
			.enabled = true,
			.severity = SEVERITY_WARNING,
			.cooldown_ns = 5 * NS_PER_MIN,
			/*
			 * longest, second-longest, third-outlier. The last not from 1 ms on: where
			 * a median pause takes 50 us, that is what one wait for a busy CPU adds, and
			 * 3 to 4 ms is what it adds to four servers on two CPUs that are busy too.
			 */
			.level = { { 50 * MS, 25 * MS, 0 },
				   { 10 * MS, 5 * MS, 0 },
				   { 5 * MS, 2.5 * MS, 0 } },
		},
		[DETECT_GC_PAUSE_BUDGET] = {
			.enabled = true,
			.severity = SEVERITY_WARNING,
			.cooldown_ns = 5 * NS_PER_MIN,
			/* paused */
			.level = { { 800 * MS, 400 * MS, 0 } },
		},
		[DETECT_GC_PRESSURE] = {
			.enabled = true,
			.severity = SEVERITY_WARNING,
			.cooldown_ns = 5 * NS_PER_MIN,
			/* cpu-share, forced: both over ten seconds, so one value above is enough */
			.level = { { 25, 15, 10 * NS_PER_S }, { 1, 0.5, 10 * NS_PER_S } },
		},
		[DETECT_MARK_TERMINATION_DRAG] = {
			.enabled = true,
			.severity = SEVERITY_WARNING,
			.cooldown_ns = 5 * NS_PER_MIN,
			/* shortest-of-three */
			.level = { { 1.5 * MS, 1 * MS, 0 } },
		},
		[DETECT_MARK_STORM] = {
			.enabled = true,
			.severity = SEVERITY_WARNING,
			.cooldown_ns = 5 * NS_PER_MIN,
			/* overlap, moved */
			.level = { { 25, 15, 0 }, { 1e6, 5e5, 0 } },
		},
		[DETECT_GOROUTINE_GROWTH] = {
			.enabled = true,
			.severity = SEVERITY_WARNING,
			.cooldown_ns = 5 * NS_PER_MIN,
			/* slope, live */
			.level = { { 100, 50, 30 * NS_PER_S }, { 10000, 9000, 5 * NS_PER_MIN } },
		},
		[DETECT_GOROUTINE_LEAK] = {
			.enabled = true,
			.severity = SEVERITY_WARNING,
			.cooldown_ns = 5 * NS_PER_MIN,
			/* leaked; a leak of before is told within three minutes of looking on */
			.level = { { 50, 25, 2 * NS_PER_MIN } },
		},
		[DETECT_MAP_HOT_OVERWRITE] = {
			.enabled = true,
			.severity = SEVERITY_INFO,
			.cooldown_ns = 15 * NS_PER_MIN,
			/* writes */
			.level = { { 100e3, 50e3, NS_PER_MIN } },
		},
		[DETECT_MAP_MISSING_DELETE] = {
			.enabled = true,
			.severity = SEVERITY_WARNING,
			.cooldown_ns = 15 * NS_PER_MIN,
			/* entries */
			.level = { { 100e3, 90e3, 10 * NS_PER_MIN } },
		},
		[DETECT_MAP_WRITE_RATE] = {
			.enabled = true,
			.severity = SEVERITY_WARNING,
			.cooldown_ns = 5 * NS_PER_MIN,
			/* writes; off: what is much depends on the program */
			.level = { { 0, 0, 10 * NS_PER_S } },
		},
		[DETECT_FAULT] = {
			.enabled = true,
			.severity = SEVERITY_CRITICAL,
			.cooldown_ns = NS_PER_MIN,
			/* faults */
			.level = { { 1, 1, 0 } },
		},
	},
};

const struct rules *rules_default(void)
{
	return &defaults;
}
