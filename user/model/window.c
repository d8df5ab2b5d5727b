/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/window.h"

const char *accuracy_name(enum accuracy accuracy)
{
	switch (accuracy) {
	case ACCURACY_EXACT:
		return "exact";
	case ACCURACY_SAMPLED:
		return "sampled";
	case ACCURACY_LOWER_BOUND:
		return "lower-bound";
	}
	return "unknown";
}

bool window_has(const struct window *window, enum wire_group group)
{
	const bool has[WIRE_GROUPS] = {
		[WIRE_GROUP_MAP_WRITE] = window->has_map_write,
		[WIRE_GROUP_MAP_GROW] = window->has_map_grow,
		[WIRE_GROUP_GC] = window->has_gc,
		[WIRE_GROUP_GOROUTINE] = window->has_goroutine,
		[WIRE_GROUP_FAULT] = window->has_fault,
	};

	return has[group];
}
