/* SPDX-License-Identifier: BSD-2-Clause */
#include "alert/rules.h"
#include "base/macros.h"
#include "base/units.h"

#define MS ((double)NS_PER_MS)

/*
 * What the strict preset changes: about half of the defaults, and where those
 * are off, a level. Two thresholds that are asked for elsewhere have no row,
 * for nothing here measures them: a share of failures (gosonde sees faults,
 * not requests that fail; the first fault raises anyhow), and a share of a
 * capacity (every Go map fills to 7/8 and every heap to its goal before
 * they are enlarged or collected, so being nearly full is no sign of trouble).
 */
static const struct {
	size_t detector, measure;
	struct level level;
} stricter[] = {
	{ DETECT_REHASH_STORM, 0, { 5e5, 2.5e5, 2 * NS_PER_S } },
	{ DETECT_REHASH_STORM, 1, { 50, 25, 2 * NS_PER_S } },
	{ DETECT_REHASH_STORM, 2, { 6, 3, 0 } },
	{ DETECT_GC_PAUSE_SPIKE, 0, { 20 * MS, 10 * MS, 0 } },
	{ DETECT_GC_PAUSE_SPIKE, 1, { 5 * MS, 2.5 * MS, 0 } },
	{ DETECT_GC_PAUSE_SPIKE, 2, { 3 * MS, 1.5 * MS, 0 } },
	{ DETECT_GC_PAUSE_BUDGET, 0, { 400 * MS, 200 * MS, 0 } },
	{ DETECT_GC_PRESSURE, 0, { 15, 9, 10 * NS_PER_S } },
	{ DETECT_GC_PRESSURE, 1, { 0.5, 0.25, 10 * NS_PER_S } },
	{ DETECT_MARK_TERMINATION_DRAG, 0, { 1 * MS, 0.6 * MS, 0 } },
	{ DETECT_MARK_STORM, 0, { 15, 9, 0 } },
	{ DETECT_MARK_STORM, 1, { 5e5, 2.5e5, 0 } },
	{ DETECT_GOROUTINE_GROWTH, 0, { 50, 25, 15 * NS_PER_S } },
	{ DETECT_GOROUTINE_GROWTH, 1, { 5000, 4500, 2 * NS_PER_MIN } },
	{ DETECT_GOROUTINE_LEAK, 0, { 25, 12, NS_PER_MIN } },
	{ DETECT_MAP_HOT_OVERWRITE, 0, { 5e4, 2.5e4, NS_PER_MIN } },
	{ DETECT_MAP_MISSING_DELETE, 0, { 5e4, 4.5e4, 5 * NS_PER_MIN } },
	{ DETECT_MAP_WRITE_RATE, 0, { 1e4, 5e3, 10 * NS_PER_S } },
};

void rules_strict(struct rules *ret)
{
	*ret = *rules_default();
	for (size_t i = 0; i < ARRAY_SIZE(stricter); i++) {
		struct rule *rule = &ret->rule[stricter[i].detector];

		rule->enabled = true;
		rule->level[stricter[i].measure] = stricter[i].level;
	}
}
