/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules file: what it changes, what it leaves, and what it says when it is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "alert/rules.h"
#include "base/units.h"

static int load(struct rules **ret, const char *yaml, struct err *err)
{
	return rules_load(ret, "rules.yaml", yaml, strlen(yaml), err);
}

static void test_empty_list_is_defaults(void **state)
{
	CLEANUP(rules_freep) struct rules *rules = NULL;
	struct err err = { "" };

	(void)state;
	assert_int_equal(load(&rules, "rules: []\n", &err), 0);
	assert_memory_equal(rules, rules_default(), sizeof(*rules));
}

static void test_only_what_is_given_changes(void **state)
{
	CLEANUP(rules_freep) struct rules *rules = NULL;
	struct rules want = *rules_default();
	struct err err = { "" };

	(void)state;
	assert_int_equal(load(&rules,
			      "rules:\n"
			      "  - rule: goroutine-growth\n"
			      "    raise: 200\n"
			      "    for: 1m\n"
			      "    severity: critical\n"
			      "    dry_run: true\n"
			      "    levels:\n"
			      "      - measure: live\n"
			      "        raise: off\n"
			      "  - {rule: fault, enabled: false}\n"
			      "  - rule: gc-pause-spike\n"
			      "    raise: 80ms\n"
			      "    clear: 70ms\n"
			      "    cooldown: 90s\n",
			      &err),
			 0);
	want.rule[DETECT_GOROUTINE_GROWTH].level[0] = (struct level) { 200, 100, 60 * NS_PER_S };
	want.rule[DETECT_GOROUTINE_GROWTH].level[1].raise = 0;
	want.rule[DETECT_GOROUTINE_GROWTH].severity = SEVERITY_CRITICAL;
	want.rule[DETECT_GOROUTINE_GROWTH].dry_run = true;
	want.rule[DETECT_FAULT].enabled = false;
	want.rule[DETECT_GC_PAUSE_SPIKE].level[0] = (struct level) { 80e6, 70e6, 0 };
	want.rule[DETECT_GC_PAUSE_SPIKE].cooldown_ns = 90 * NS_PER_S;
	for (size_t i = 0; i < DETECTORS; i++) {
		const struct rule *got = &rules->rule[i], *expect = &want.rule[i];

		assert_int_equal(got->enabled, expect->enabled);
		assert_int_equal(got->dry_run, expect->dry_run);
		assert_int_equal(got->severity, expect->severity);
		assert_true(got->cooldown_ns == expect->cooldown_ns);
		assert_memory_equal(got->level, expect->level, sizeof(got->level));
	}
}

static void test_defaults_are_sane(void **state)
{
	(void)state;
	for (size_t i = 0; i < DETECTORS; i++) {
		const struct rule *rule = &rules_default()->rule[i];

		assert_true(rule->enabled);
		assert_true(rule->cooldown_ns > 0);
		for (size_t m = 0; m < DETECT_MEASURES; m++) {
			bool measured = m < detectors[i]->measure_count;

			assert_int_equal(rule->level[m].raise > 0, measured);
			assert_true(rule->level[m].clear <= rule->level[m].raise);
		}
	}
}

static void test_errors_say_what_and_where(void **state)
{
	static const struct {
		const char *name, *yaml;
		const char *say[3];
	} cases[] = {
		{ "not YAML", "rules: [", { "rules.yaml" } },
		{ "empty file", "", { "rules.yaml", "empty" } },
		{ "comments alone", "# rules: []\n", { "empty" } },
		{ "no list", "rules: 3\n", { "rules.yaml", "line" } },
		{ "unknown key at the top", "rulez: []\n", { "rulez", "line: 1" } },
		{ "unknown key in a rule",
		  "rules:\n  - rule: fault\n    rise: 3\n",
		  { "rise", "line: 2" } }, /* libcyaml names the line of the rule */
		{ "a rule without its name", "rules:\n  - raise: 3\n", { "rule", "line: 2" } },
		{ "unknown rule",
		  "rules: [{rule: nonsense}]\n",
		  { "there is no rule", "nonsense" } },
		{ "a rule twice", "rules: [{rule: fault}, {rule: fault}]\n", { "fault", "twice" } },
		{ "unknown measure",
		  "rules: [{rule: fault, levels: [{measure: lies}]}]\n",
		  { "rule fault", "lies" } },
		{ "bad duration",
		  "rules: [{rule: fault, cooldown: soon}]\n",
		  { "rule fault", "cooldown", "soon" } },
		{ "a pause as a bare number could be seconds or ns",
		  "rules: [{rule: gc-pause-spike, raise: 50}]\n",
		  { "gc-pause-spike", "raise", "unit" } },
		{ "a number with a tail",
		  "rules: [{rule: rehash-storm, raise: 5x}]\n",
		  { "rehash-storm", "raise", "5x" } },
		{ "a level that is always exceeded",
		  "rules: [{rule: rehash-storm, raise: -1}]\n",
		  { "raise", "above 0" } },
		{ "not finite", "rules: [{rule: rehash-storm, raise: inf}]\n", { "raise" } },
		{ "clear above raise would never hold",
		  "rules: [{rule: rehash-storm, raise: 10, clear: 20}]\n",
		  { "clear (20)", "raise (10)" } },
		{ "unknown severity",
		  "rules: [{rule: fault, severity: fatal}]\n",
		  { "severity", "line: 1" } },
		{ "a word that is neither true nor false",
		  "rules: [{rule: fault, dry_run: perhaps}]\n",
		  { "dry_run", "perhaps" } },
		{ "a mapping for a number",
		  "rules: [{rule: fault, raise: {a: 1}}]\n",
		  { "raise" } },
		{ "a key without a value", "rules: [{rule: fault, raise: }]\n", { "raise" } },
		{ "an alias", "rules: [&a {rule: fault}, *a]\n", { "rules.yaml" } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rules *rules = NULL;
		struct err err = { "" };

		if (load(&rules, cases[i].yaml, &err) != -EINVAL || rules)
			fail_msg("%s: taken", cases[i].name);
		for (size_t s = 0; s < 3 && cases[i].say[s]; s++) {
			if (!strstr(err.text, cases[i].say[s]))
				fail_msg("%s: \"%s\" lacks \"%s\"", cases[i].name, err.text,
					 cases[i].say[s]);
		}
		if (strchr(err.text, '\n'))
			fail_msg("%s: more than one line", cases[i].name);
	}
}

/* The shipped file spells out the defaults, so that what people read there is true. */
static void test_shipped_file_is_the_defaults(void **state)
{
	CLEANUP(rules_freep) struct rules *rules = NULL;
	static char text[32768];
	struct err err = { "" };
	FILE *f = fopen("scripts/dist/rules.yaml", "re");
	size_t size;

	(void)state;
	if (!f) {
		print_message(
			"not run from the top of the source tree: no scripts/dist/rules.yaml\n");
		skip();
	}
	size = fread(text, 1, sizeof(text), f);
	fclose(f);
	assert_true(size < sizeof(text));
	if (rules_load(&rules, "rules.yaml", text, size, &err))
		fail_msg("%s", err.text);
	assert_memory_equal(rules, rules_default(), sizeof(*rules));
	for (size_t i = 0; i < DETECTORS; i++) {
		if (!strstr(text, detectors[i]->name))
			fail_msg("rule %s is not in the file", detectors[i]->name);
		for (size_t m = 1; m < detectors[i]->measure_count; m++) {
			if (!strstr(text, detectors[i]->measures[m].name))
				fail_msg("measure %s is not in the file",
					 detectors[i]->measures[m].name);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty_list_is_defaults),
		cmocka_unit_test(test_only_what_is_given_changes),
		cmocka_unit_test(test_defaults_are_sane),
		cmocka_unit_test(test_errors_say_what_and_where),
		cmocka_unit_test(test_shipped_file_is_the_defaults),
	};

	return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
