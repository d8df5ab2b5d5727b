/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gobin/offsets.h"

static struct goversion go(u16 minor)
{
	return (struct goversion) { .major = 1, .minor = minor };
}

static const u16 known[] = { 15, 19, 21, 22, 23, 24, 25, 26, 27 };

static bool is_known(u16 minor)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i] == minor)
			return true;
	return false;
}

/* No version between known ones, before or after them gets an offset: nothing is interpolated. */
static void test_known_versions(void **state)
{
	struct go_offset offset;

	(void)state;
	for (u16 minor = 0; minor < 100; minor++) {
		struct goversion version = go(minor);

		assert_int_equal(go_version_known(&version), is_known(minor));
		for (int field = 0; field < GO_FIELD_COUNT; field++)
			if (!is_known(minor))
				assert_int_equal(
					go_field_offset(&version, (enum go_field)field, &offset),
					-ENOENT);
		assert_int_equal(go_field_offset(&version, GO_G_M, &offset),
				 is_known(minor) ? 0 : -ENOENT);
	}
}

static void test_other_programs(void **state)
{
	struct goversion experiment = go(24), go2 = go(24);
	struct go_offset offset = { .offset = 1, .size = 2 };

	(void)state;
	experiment.experiment = true;
	go2.major = 2;
	assert_false(go_version_known(&experiment));
	assert_false(go_version_known(&go2));
	assert_int_equal(go_field_offset(&experiment, GO_G_M, &offset), -ENOENT);
	assert_int_equal(go_field_offset(&go2, GO_G_M, &offset), -ENOENT);
	assert_int_equal(offset.offset, 1); /* untouched on failure */
	assert_int_equal(offset.size, 2);
}

/* Fields that a release dropped, added or moved: the ends of the ranges. */
static const struct {
	u16 minor;
	enum go_field field;
	int offset; /* -1: there is none */
	u32 size;
} rows[] = {
	{ 22, GO_G_GOID, 152, 8 },
	{ 23, GO_G_GOID, 160, 8 },
	{ 24, GO_G_GOID, 160, 8 },
	{ 25, GO_G_GOID, 152, 8 },
	{ 19, GO_G_GOPC, 296, 8 },
	{ 21, GO_G_GOPC, 280, 8 },
	{ 27, GO_G_GOPC, 288, 8 },
	{ 22, GO_G_WAITREASON, 176, 1 },
	{ 15, GO_WORK_HEAP_GOAL, 392, 8 },
	{ 19, GO_WORK_HEAP_GOAL, -1, 0 },
	{ 15, GO_WORK_USER_FORCED, 240, 1 }, /* a variable whose type has no name */
	{ 15, GO_GCC_HEAP_LIVE, -1, 0 },     /* was in mstats */
	{ 15, GO_GCC_ASSIST_TIME, 16, 8 },
	{ 24, GO_P_GFREE_N, 2464, 4 },
	{ 25, GO_P_GFREE_N, 2464, 4 }, /* gFree.size */
	{ 26, GO_P_GFREE_N, 2472, 4 },
	{ 24, GO_SCHED_GFREE_N, 184, 4 },
	{ 25, GO_SCHED_GFREE_N, -1, 0 },
	{ 24, GO_SCHED_GFREE_STACK, -1, 0 },
	{ 25, GO_SCHED_GFREE_STACK, 184, 4 },
	{ 25, GO_SCHED_GFREE_NOSTACK, 200, 4 },
	{ 27, GO_MODULEDATA_ETYPES, 312, 8 },
	{ 26, GO_MODULEDATA_ETYPES, 304, 8 },
	{ 19, GO_MODULEDATA_TYPES, 280, 8 },
	{ 15, GO_MODULEDATA_GOFUNC, -1, 0 }, /* came with 1.18 */
	{ 27, GO_MODULEDATA_GOFUNC, 344, 8 },
	{ 19, GO_G_PARENT_GOID, -1, 0 }, /* came with 1.21 */
	{ 27, GO_G_PARENT_GOID, 280, 8 },
	{ 27, GO_G_WAITSINCE, 168, 8 },
	{ 15, GO_MEMSTATS_HEAP_LIVE, 5968, 8 },
	{ 15, GO_MEMSTATS_NEXT_GC, 168, 8 },
	{ 19, GO_MEMSTATS_NEXT_GC, -1, 0 },
	{ 27, GO_MEMSTATS_PAUSE_NS, 3584, 2048 },
};

static void test_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct goversion version = go(rows[i].minor);
		struct go_offset offset = { 0 };
		int rc = go_field_offset(&version, rows[i].field, &offset);

		if (rc != (rows[i].offset < 0 ? -ENOENT : 0))
			fail_msg("1.%u %s: %d", rows[i].minor, go_field_name(rows[i].field), rc);
		if (rc)
			continue;
		assert_int_equal(offset.offset, rows[i].offset);
		assert_int_equal(offset.size, rows[i].size);
	}
}

/*
 * moduledata is found before its version is believed, by an offset of text that all releases with a
 * pcHeader share (moduledata.c): the table must agree.
 */
static void test_moduledata_front(void **state)
{
	static const struct {
		enum go_field field;
		u32 after_text;
	} front[] = {
		{ GO_MODULEDATA_TEXT, 0 },
		{ GO_MODULEDATA_ETEXT, 8 },
		{ GO_MODULEDATA_NOPTRDATA, 16 },
		{ GO_MODULEDATA_ENOPTRBSS, 72 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		struct goversion version = go(known[i]);
		struct go_offset offset;

		for (size_t j = 0; j < ARRAY_SIZE(front); j++) {
			assert_int_equal(go_field_offset(&version, front[j].field, &offset), 0);
			assert_int_equal(offset.offset,
					 (known[i] == 15 ? 96 : 176) + front[j].after_text);
		}
	}
}

static const struct {
	const char *version, *why;
	u16 minor;
	bool tabled;
} experiments[] = {
	{ "go1.24.4", "none", 24, true },
	{ "go1.24.4 X:noswissmap", "changes maps only, which have a probe set of their own", 24,
	  true },
	{ "go1.22.1 X:rangefunc,loopvar,nocoverageredesign", "compiler only", 22, true },
	{ "go1.26.1-X:jsonv2", "the form of 1.26 and later", 26, true },
	{ "go1.27.3-X:staticlockranking", "each mutex gets a rank: fields move", 27, false },
	{ "go1.27.3-X:jsonv2,staticlockranking", "one of two is enough", 27, false },
	{ "go1.20.4 X:pagetrace", "a p gets a buffer; and no table of 1.20", 20, false },
	{ "go1.22.1 X:exectracer2", "an m has another tracer's state", 22, false },
	{ "go1.24.4 X:", "an empty list names nothing that is known", 24, false },
	{ "go1.24.4 X:jsonv2,", "so does a list that ends in a comma", 24, false },
	{ "go1.24.4 X:no", "a mere prefix is no name", 24, false },
	{ "go1.15.1 X:fieldtrack", "whose source was not searched", 15, false },
	{ "devel go1.27-0a1b2c X:jsonv2", "no release", 27, false },
};

static void test_experiments(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(experiments); i++) {
		struct gobin_info info = {
			.version = { .major = 1,
				     .minor = experiments[i].minor,
				     .experiment = strstr(experiments[i].version, " X:") },
			.version_text = experiments[i].version,
		};
		struct goversion version = go_table_version(&info);

		if (go_version_known(&version) != experiments[i].tabled)
			fail_msg("%s: %s", experiments[i].version, experiments[i].why);
	}
}

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < GO_FIELD_COUNT; i++) {
		const char *name = go_field_name((enum go_field)i);

		assert_non_null(name);
		assert_int_equal(strncmp(name, "runtime.", 8), 0);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(name, go_field_name((enum go_field)j));
	}
	assert_string_equal(go_field_name(GO_G_GOID), "runtime.g.goid");
	assert_string_equal(go_field_name(GO_FIELD_COUNT), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_versions), cmocka_unit_test(test_other_programs),
		cmocka_unit_test(test_fields),	       cmocka_unit_test(test_moduledata_front),
		cmocka_unit_test(test_names),	       cmocka_unit_test(test_experiments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
