/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/faults.h"

#include <stddef.h>
#include <string.h>

#include "base/macros.h"

static const char assertion_type[] = "*runtime.TypeAssertionError";

/* runtime/map*.go, internal/runtime/maps, maps.clone */
static bool is_concurrent_access(const char *text)
{
	static const char *const messages[] = {
		"concurrent map writes",
		"concurrent map read and map write",
		"concurrent map iteration and map write",
		"concurrent map clone and map write",
	};

	for (size_t i = 0; i < ARRAY_SIZE(messages); i++)
		if (strstr(text, messages[i]))
			return true;
	return false;
}

enum go_fault go_fault_kind(enum wire_fn fn, const char *type, const char *text)
{
	if (fn != WIRE_FN_GOPANIC)
		return is_concurrent_access(text) ? GO_FAULT_CONCURRENT_MAP : GO_FAULT_FATAL;
	if (!strcmp(type, assertion_type))
		return GO_FAULT_ASSERTION;
	return strstr(text, "assignment to entry in nil map") ? GO_FAULT_NIL_MAP : GO_FAULT_PANIC;
}

enum go_panic_value go_panic_value(const char *type)
{
	/* Strings, and structs whose first field is one. */
	static const char *const texts[] = { "string", "runtime.plainError", "runtime.errorString",
					     "*errors.errorString", "*fmt.wrapError" };

	if (!strcmp(type, assertion_type))
		return GO_PANIC_ASSERTION;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (!strcmp(type, texts[i]))
			return GO_PANIC_STRING;
	return GO_PANIC_OPAQUE;
}
