/* SPDX-License-Identifier: BSD-2-Clause */
/* Which functions are probed in which version, and what the versions' numbers mean. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/macros.h"
#include "gobin/probeset.h"

enum { OLDEST = 15, NEWEST = 27, LATER = UINT16_MAX };

static struct gobin_info info_of(u16 minor, bool swiss)
{
	return (struct gobin_info) { .version = { .major = 1, .minor = minor },
				     .swiss_maps = swiss };
}

/* The symbol that stands for fn in this build; NULL if there is none. At most one may. */
static const struct probe_spec *spec_of(enum wire_fn fn, const struct gobin_info *info)
{
	const struct probe_spec *found = NULL, *spec;

	for (size_t i = 0; (spec = probe_spec_at(i)); i++) {
		if (spec->fn != fn || !probe_spec_applies(spec, info))
			continue;
		assert_null(found);
		found = spec;
	}
	return found;
}

/* From binaries of 1.15 to 1.27; what is there in the newest is taken for later ones. */
static void functions_come_and_go_with_versions(void **state)
{
	static const struct {
		enum wire_fn fn;
		u16 first, last;
		int swiss; /* -1: either kind of map */
		const char *symbol;
		unsigned int int_args;
	} rows[] = {
		{ WIRE_FN_MAPASSIGN, OLDEST, LATER, -1, "runtime.mapassign", 2 },
		{ WIRE_FN_MAPASSIGN_FAST32PTR, 0, 0, -1, NULL, 0 }, /* 32-bit machines only */
		{ WIRE_FN_MAPCLEAR, OLDEST, LATER, -1, "runtime.mapclear", 2 },
		{ WIRE_FN_HASH_GROW, OLDEST, LATER, 0, "runtime.hashGrow", 2 },
		{ WIRE_FN_HASH_GROW, 0, 0, 1, NULL, 0 },
		{ WIRE_FN_GROW_TO_TABLE, 24, LATER, 1, "internal/runtime/maps.(*Map).growToTable",
		  2 },
		{ WIRE_FN_GROW_TO_TABLE, 0, 0, 0, NULL, 0 },
		{ WIRE_FN_TABLE_REHASH, 24, LATER, 1, "internal/runtime/maps.(*table).rehash", 3 },
		{ WIRE_FN_PRUNE_TOMBSTONES, 25, LATER, 1,
		  "internal/runtime/maps.(*table).pruneTombstones", 3 },
		{ WIRE_FN_START_CYCLE, OLDEST, LATER, -1, "runtime.(*gcControllerState).startCycle",
		  0 },
		{ WIRE_FN_STOP_REASON, OLDEST, 20, -1, "runtime.stopTheWorld", 2 },
		{ WIRE_FN_GOPANIC, OLDEST, LATER, -1, "runtime.gopanic", 2 },
		{ WIRE_FN_FATAL, 19, LATER, -1, "runtime.fatal", 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (u16 minor = OLDEST - 2; minor <= NEWEST + 2; minor++) {
			for (int swiss = 0; swiss <= 1; swiss++) {
				struct gobin_info info = info_of(minor, swiss);
				const struct probe_spec *spec = spec_of(rows[i].fn, &info);
				bool want = minor >= rows[i].first && minor <= rows[i].last;

				if (rows[i].swiss >= 0 && rows[i].swiss != swiss)
					continue;
				assert_int_equal(spec != NULL, want);
				if (!spec)
					continue;
				assert_string_equal(spec->symbol, rows[i].symbol);
				assert_int_equal(spec->int_args, rows[i].int_args);
			}
		}
	}
}

/* These are there in every version, and what their registers hold changes. */
static void arguments_follow_the_signatures(void **state)
{
	static const struct {
		u16 minor;
		unsigned int stop_args, start_args, create_args;
		u32 creator_pc_arg;
		enum wire_stw_abi abi;
		const char *exit;
	} rows[] = {
		{ 15, 0, 0, 5, 4, WIRE_STW_NONE, "runtime.goexit0" },
		{ 17, 0, 0, 5, 4, WIRE_STW_NONE, "runtime.goexit0" },
		{ 18, 0, 0, 3, 2, WIRE_STW_NONE, "runtime.goexit0" },
		{ 20, 0, 0, 3, 2, WIRE_STW_NONE, "runtime.goexit0" },
		{ 21, 1, 0, 3, 2, WIRE_STW_REASON_AT_STOP, "runtime.goexit0" },
		{ 22, 1, 3, 3, 2, WIRE_STW_START, "runtime.gdestroy" },
		{ 23, 1, 4, 3, 2, WIRE_STW_FULL, "runtime.gdestroy" },
		{ 27, 1, 4, 3, 2, WIRE_STW_FULL, "runtime.gdestroy" },
		{ 28, 1, 4, 3, 2, WIRE_STW_ASSUMED, "runtime.gdestroy" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct gobin_info info = info_of(rows[i].minor, rows[i].minor >= 24);
		const struct probe_spec *stop = spec_of(WIRE_FN_STOP_WORLD, &info);
		const struct probe_spec *start = spec_of(WIRE_FN_START_WORLD, &info);
		const struct probe_spec *gone = spec_of(WIRE_FN_GO_EXIT, &info);

		const struct probe_spec *create = spec_of(WIRE_FN_GO_CREATE, &info);

		assert_non_null(stop);
		assert_non_null(start);
		assert_non_null(create);
		assert_non_null(gone);
		assert_int_equal(stop->int_args, rows[i].stop_args);
		assert_int_equal(start->int_args, rows[i].start_args);
		assert_int_equal(create->int_args, rows[i].create_args);
		assert_in_range(rows[i].creator_pc_arg, 0, create->int_args - 1);
		assert_int_equal(go_creator_pc_arg(&info.version), rows[i].creator_pc_arg);
		assert_string_equal(gone->symbol, rows[i].exit);
		assert_int_equal(go_stw_abi(&info.version), rows[i].abi);
	}
}

static void a_version_of_another_world_has_no_probe(void **state)
{
	static const struct goversion versions[] = { { 1, 14, 0, false },
						     { 2, 21, 0, false },
						     { 0, 27, 0, false } };
	const struct probe_spec *spec;

	(void)state;
	for (size_t v = 0; v < ARRAY_SIZE(versions); v++) {
		struct gobin_info info = { .version = versions[v] };

		for (size_t i = 0; (spec = probe_spec_at(i)); i++)
			assert_false(probe_spec_applies(spec, &info));
		assert_int_equal(go_stw_abi(&versions[v]), WIRE_STW_NONE);
	}
	assert_null(probe_spec_at(SIZE_MAX));
}

/* What is assumed is said; what was checked needs no excuse. */
static void newer_than_checked_is_said(void **state)
{
	(void)state;
	for (u16 minor = OLDEST; minor <= NEWEST + 3; minor++) {
		struct gobin_info info = info_of(minor, minor >= 24);

		if (minor <= NEWEST)
			assert_null(probe_assumption(&info));
		else
			assert_non_null(strstr(probe_assumption(&info), "1.27"));
	}
}

static void every_row_is_sound(void **state)
{
	const struct probe_spec *spec;

	(void)state;
	for (size_t i = 0; (spec = probe_spec_at(i)); i++) {
		assert_in_range(spec->fn, 1, WIRE_FN_COUNT - 1);
		assert_in_range(spec->group, 0, PROBE_GROUP_COUNT - 1);
		assert_true(spec->min_minor <= spec->max_minor);
		assert_in_range(spec->maps, 0, 2);
		assert_in_range(spec->int_args, 0, 9);
		/* hot groups and their like are told apart by the hits' index */
		assert_int_equal(spec->group == PROBE_MAP_WRITE, spec->fn < WIRE_FN_HASH_GROW);
	}
}

static void group_names_go_there_and_back(void **state)
{
	static const char *const names[] = { "map-write", "map-grow", "gc", "goroutine", "fault" };

	(void)state;
	assert_int_equal(ARRAY_SIZE(names), PROBE_GROUP_COUNT);
	for (int i = 0; i < PROBE_GROUP_COUNT; i++) {
		assert_string_equal(probe_group_name((enum probe_group)i), names[i]);
		assert_int_equal(probe_group_by_name(names[i]), i);
	}
	assert_string_equal(probe_group_name(PROBE_GROUP_COUNT), "unknown");
	assert_int_equal(probe_group_by_name("map"), -ENOENT);
	assert_int_equal(probe_group_by_name(""), -ENOENT);
	assert_int_equal(probe_group_by_name("GC"), -ENOENT);
}

static void system_goroutines_as_the_runtime_has_them(void **state)
{
	static const struct {
		const char *start;
		bool system;
	} rows[] = {
		{ "runtime.gcBgMarkWorker", true },
		{ "runtime.gcBgMarkStartWorkers.gowrap1", true }, /* Go >= 1.23 */
		{ "runtime.bgsweep", true },
		{ "runtime.runfinq", true },
		{ "runtime.main", false },
		{ "runtime.main.func1", true }, /* runtime.main is exempt, not what begins so */
		{ "runtime.corostart", false },
		{ "runtime.handleAsyncEvent", false },
		{ "main.main", false },
		{ "runtime/debug.freeOSMemory", false }, /* a package of its own */
		{ "example.com/runtime.Run", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(go_is_system_goroutine(rows[i].start), rows[i].system);
}

static void stop_reasons_have_the_contracts_names(void **state)
{
	(void)state;
	assert_string_equal(go_stw_reason(0), "unknown");
	assert_string_equal(go_stw_reason(1), "gc mark termination");
	assert_string_equal(go_stw_reason(2), "gc sweep termination");
	assert_string_equal(go_stw_reason(7), "read mem stats");
	assert_string_equal(go_stw_reason(9), "GOMAXPROCS");
	assert_string_equal(go_stw_reason(16), "ResetDebugLog (test)");
	assert_string_equal(go_stw_reason(17), "unknown");
	assert_string_equal(go_stw_reason(UINT32_MAX), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_come_and_go_with_versions),
		cmocka_unit_test(arguments_follow_the_signatures),
		cmocka_unit_test(a_version_of_another_world_has_no_probe),
		cmocka_unit_test(newer_than_checked_is_said),
		cmocka_unit_test(every_row_is_sound),
		cmocka_unit_test(group_names_go_there_and_back),
		cmocka_unit_test(system_goroutines_as_the_runtime_has_them),
		cmocka_unit_test(stop_reasons_have_the_contracts_names),
	};

	return cmocka_run_group_tests_name("probeset", tests, NULL, NULL);
}
