/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/names.h"

const char *output_alert_state(enum alert_state state)
{
	return state == ALERT_RESOLVED ? "resolved" : "firing";
}

const char *output_severity(enum severity severity)
{
	switch (severity) {
	case SEVERITY_INFO:
		return "info";
	case SEVERITY_WARNING:
		return "warning";
	case SEVERITY_CRITICAL:
		return "critical";
	}
	return "unknown";
}

const char *output_grow_kind(enum wire_grow_kind kind)
{
	switch (kind) {
	case WIRE_GROW_DOUBLE:
		return "double";
	case WIRE_GROW_SAME_SIZE:
		return "same-size";
	case WIRE_GROW_SMALL_TO_TABLE:
		return "small-to-table";
	case WIRE_GROW_TABLE:
		return "table-grow";
	case WIRE_GROW_SPLIT:
		return "table-split";
	}
	return "unknown";
}
