/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/costs.h"

/* Of an emulated hit, for each other process: 1.00 us alone, 1.55 with 20, 3.7 with 100, 6.9 with
 * 200 (kernel 6.18, virtual machine). */
#define OTHER_SHARE 0.03

static double dearest_ns(u8 classes, const struct calibration *calibration, bool lean, bool stack)
{
	double most_ns = 0;

	for (int c = 0; c <= SITE_SINGLE_STEP; c++)
		if (classes >> c & 1)
			most_ns = MAX(most_ns,
				      calibration_ns(calibration, (enum site_class)c, lean, stack));
	return most_ns;
}

struct duty_costs costs_of(const u8 classes[static WIRE_FN_COUNT],
			   const struct calibration *calibration, u32 others)
{
	const double others_ns = OTHER_SHARE * others * calibration->ns[SITE_EMULATED];
	struct duty_costs costs = { .run_ns = calibration->run_ns };

	for (int g = 0; g < PROBE_GROUP_COUNT; g++) {
		bool stack = probe_leaves_stack((enum probe_group)g);
		enum wire_fn first, last;

		probe_group_functions((enum probe_group)g, &first, &last);
		for (size_t fn = first; fn <= last; fn++) {
			costs.full_ns[fn] =
				dearest_ns(classes[fn], calibration, false, stack) + others_ns;
			costs.lean_ns[fn] =
				dearest_ns(classes[fn], calibration, true, stack) + others_ns;
		}
	}
	return costs;
}
