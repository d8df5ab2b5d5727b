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

#include "alert/ruleset.h"
#include "base/units.h"

enum { SHIPPED_BYTES = 65536 };

/* The rules of every target; they have no labels, which would be gone with the set. */
static int load(struct rules *ret, const char *yaml, size_t size, struct err *err)
{
	CLEANUP(ruleset_freep) struct ruleset *set = NULL;
	int rc = ruleset_new(&set, "rules.yaml", yaml, size, err);

	if (!rc)
		ruleset_resolve_like(set, NULL, ret);
	return rc;
}

static void test_empty_list_is_defaults(void **state)
{
	static const char *const files[] = { "rules: []\n", "{}\n", "preset: default\n" };
	struct err err = { "" };
	struct rules rules;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		assert_int_equal(load(&rules, files[i], strlen(files[i]), &err), 0);
		assert_memory_equal(&rules, rules_default(), sizeof(rules));
	}
}

static void test_only_what_is_given_changes(void **state)
{
	static const char yaml[] = "rules:\n"
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
				   "    cooldown: 90s\n";
	struct rules rules, want = *rules_default();
	struct err err = { "" };

	(void)state;
	assert_int_equal(load(&rules, yaml, strlen(yaml), &err), 0);
	want.rule[DETECT_GOROUTINE_GROWTH].level[0] = (struct level) { 200, 100, 60 * NS_PER_S };
	want.rule[DETECT_GOROUTINE_GROWTH].level[1].raise = 0;
	want.rule[DETECT_GOROUTINE_GROWTH].severity = SEVERITY_CRITICAL;
	want.rule[DETECT_GOROUTINE_GROWTH].dry_run = true;
	want.rule[DETECT_FAULT].enabled = false;
	want.rule[DETECT_GC_PAUSE_SPIKE].level[0] = (struct level) { 80e6, 70e6, 0 };
	want.rule[DETECT_GC_PAUSE_SPIKE].cooldown_ns = 90 * NS_PER_S;
	for (size_t i = 0; i < DETECTORS; i++) {
		const struct rule *got = &rules.rule[i], *expect = &want.rule[i];

		assert_int_equal(got->enabled, expect->enabled);
		assert_int_equal(got->dry_run, expect->dry_run);
		assert_int_equal(got->severity, expect->severity);
		assert_true(got->cooldown_ns == expect->cooldown_ns);
		assert_memory_equal(got->level, expect->level, sizeof(got->level));
		assert_int_equal(got->labels.count, 0);
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
			/* What is many writes depends on the program. */
			bool measured =
				m < detectors[i]->measure_count && i != DETECT_MAP_WRITE_RATE;

			assert_int_equal(rule->level[m].raise > 0, measured);
			assert_true(rule->level[m].clear <= rule->level[m].raise);
		}
	}
}

#define KEYS_OF_A_RULE                                                                             \
	"rule, match, enabled, dry_run, severity, cooldown, raise, clear, for, levels, labels"
#define IS_NO_LABEL                                                                                \
	"expected a name of letters, digits and \"_\", not with a digit or \"__\" at its front, "  \
	"of at most 32 bytes"

static void test_errors_say_file_line_key_and_what_was_expected(void **state)
{
	static const struct {
		const char *name, *yaml, *error;
	} cases[] = {
		{ "not YAML", "rules: [",
		  "1: not YAML: did not find expected node content, while parsing a flow node" },
		{ "not UTF-8", "rules:\n\n  - \xff\n", "3: not YAML: invalid leading UTF-8 octet" },
		{ "a control byte", "rules:\n \x01",
		  "2: not YAML: control characters are not allowed" },
		{ "empty file", "", "1: empty; expected \"rules:\" and a list" },
		{ "comments alone", "# rules: []\n", "1: empty; expected \"rules:\" and a list" },
		{ "a second document would be ignored", "rules: []\n---\nrules: []\n",
		  "3: a second document; expected one" },
		{ "a second document that is no YAML", "rules: []\n---\n[",
		  "3: not YAML: did not find expected node content, while parsing a flow node" },
		{ "a list at the top", "# mine\n- rule: fault\n",
		  "2: expected a mapping with keys of: preset, include, rules" },
		{ "no list", "rules: 3\n", "1: rules: expected a list" },
		{ "an empty list, as it is mostly meant", "rules:\n", "1: rules: expected a list" },
		{ "unknown key at the top", "rules: []\nrulez: []\n",
		  "2: rulez: unknown key; expected one of: preset, include, rules" },
		{ "unknown preset", "preset: hard\n",
		  "1: preset: \"hard\": expected one of: default, strict" },
		{ "a list of folders", "include: [a, b]\n",
		  "1: include: a list; expected a text or a number" },
		{ "unknown key in a rule", "rules:\n  - rule: fault\n    rise: 3\n",
		  "3: rules[0].rise: unknown key; expected one of: " KEYS_OF_A_RULE },
		{ "unknown key in a level",
		  "rules:\n- rule: rehash-storm\n  levels:\n  - measure: doublings\n    to: 3\n",
		  "5: rules[0].levels[0].to: unknown key; expected one of: measure, raise, clear, for" },
		{ "unknown key in a match", "rules: [{rule: fault, match: {pid: 3}}]",
		  "1: rules[0].match.pid: unknown key; expected one of: exe, module, container, "
		  "pod, qos" },
		{ "a rule without its name", "rules:\n  - {rule: fault}\n  - raise: 3\n",
		  "3: rules[1]: lacks the key \"rule\"" },
		{ "a text for a rule", "rules:\n  - fault\n",
		  "2: rules[0]: expected a mapping with keys of: " KEYS_OF_A_RULE },
		{ "a key twice", "rules:\n  - rule: fault\n    raise: 3\n    raise: 4\n",
		  "4: rules[0].raise: given twice" },
		{ "a key that is none", "rules: [{? [a] : b}]\n",
		  "1: rules[0]: a list; expected a text or a number" },
		{ "a key that is a mapping", "rules: [{? {a: b} : c}]\n",
		  "1: rules[0]: a mapping; expected a text or a number" },
		{ "a NUL byte", "rules: [{rule: \"fault\\0\"}]\n",
		  "1: rules[0].rule: a NUL byte; expected a text" },
		{ "a rule twice", "rules:\n- rule: fault\n- rule: fault\n",
		  "3: rules[1]: rule fault is given twice (rules[0] too); expected another `match`" },
		{ "an empty match is none", "rules: [{rule: fault}, {rule: fault, match: {}}]\n",
		  "1: rules[1]: rule fault is given twice (rules[0] too); expected another `match`" },
		{ "the same match twice",
		  "rules: [{rule: fault, match: {exe: a}}, {rule: fault, match: {exe: a}}]\n",
		  "1: rules[1]: rule fault is given twice (rules[0] too); expected another `match`" },
		{ "unknown measure", "rules: [{rule: rehash-storm, levels: [{measure: lies}]}]\n",
		  "1: rules[0].levels[0].measure: \"lies\": expected a measure of rehash-storm: "
		  "moved, large-grows, doublings" },
		{ "a measure twice",
		  "rules:\n- rule: rehash-storm\n  levels:\n  - measure: moved\n  - measure: moved\n",
		  "5: rules[0].levels[1]: measure \"moved\" is given twice" },
		{ "bad duration", "rules: [{rule: fault, cooldown: soon}]\n",
		  "1: rules[0].cooldown: \"soon\": expected a duration (200ms, 30s, 5m)" },
		{ "bad duration of a level", "rules:\n- rule: rehash-storm\n  for: 3 d\n",
		  "3: rules[0].for: \"3 d\": expected a duration (200ms, 30s, 5m)" },
		{ "a pause as a bare number could be seconds or ns",
		  "rules:\n- rule: gc-pause-spike\n  raise: 50\n",
		  "3: rules[0].raise: \"50\": expected a duration with its unit (50ms) above 0, or off" },
		{ "a sum of pauses is one of time too",
		  "rules: [{rule: gc-pause-budget, raise: 0.8}]\n",
		  "1: rules[0].raise: \"0.8\": expected a duration with its unit (50ms) above 0, or off" },
		{ "no number", "rules:\n- rule: fault\n- rule: rehash-storm\n  raise: \"abc\"\n",
		  "4: rules[1].raise: \"abc\": expected a number above 0, or off" },
		{ "a number with a tail", "rules: [{rule: rehash-storm, raise: 5x}]\n",
		  "1: rules[0].raise: \"5x\": expected a number above 0, or off" },
		{ "a level that is always exceeded", "rules: [{rule: rehash-storm, raise: -1}]\n",
		  "1: rules[0].raise: \"-1\": expected a number above 0, or off" },
		{ "not finite", "rules: [{rule: rehash-storm, raise: inf}]\n",
		  "1: rules[0].raise: \"inf\": expected a number above 0, or off" },
		{ "a value of a measure in levels",
		  "rules:\n- rule: rehash-storm\n  levels:\n  - {measure: doublings, raise: 3,\n"
		  "     clear: none}\n",
		  "5: rules[0].levels[0].clear: \"none\": expected a number above 0" },
		{ "clear above raise would never hold",
		  "rules: [{rule: rehash-storm, raise: 10, clear: 20}]\n",
		  "1: rules[0].clear: \"20\": expected at most raise, \"10\"" },
		{ "clear alone may be above another entry's raise",
		  "rules: [{rule: rehash-storm, clear: 20}]\n",
		  "1: rules[0].clear: expected `raise` beside it" },
		{ "unknown severity", "rules: [{rule: fault, severity: fatal}]\n",
		  "1: rules[0].severity: \"fatal\": expected one of: info, warning, critical" },
		{ "a word that is neither true nor false",
		  "rules: [{rule: fault, dry_run: perhaps}]\n",
		  "1: rules[0].dry_run: \"perhaps\": expected one of: true, yes, on, false, no, off" },
		{ "a mapping for a number", "rules: [{rule: fault, raise: {a: 1}}]\n",
		  "1: rules[0].raise: a mapping; expected a text or a number" },
		{ "a key without a value", "rules:\n- rule: fault\n  raise:\n",
		  "3: rules[0].raise: \"\": expected a number above 0, or off" },
		{ "a text without end",
		  "rules: [{rule: fault, for: "
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}]\n",
		  "1: rules[0].for: 65 bytes; expected at most 64" },
		{ "an alias", "rules:\n  - &a {rule: fault}\n  - *a\n",
		  "2: rules[1]: an alias (*name); expected it written out" },
		{ "an alias of what it is in", "rules: &a [*a]\n",
		  "1: rules[0]: an alias (*name); expected it written out" },
		{ "an alias for a key", "rules: [{&a rule: fault, *a : 3}]\n",
		  "1: rules[0]: an alias (*name); expected it written out" },
		{ "labels as a list", "rules: [{rule: fault, labels: [a, b]}]\n",
		  "1: rules[0].labels: expected a mapping of keys to texts" },
		{ "a label that is a list", "rules: [{rule: fault, labels: {a: [b]}}]\n",
		  "1: rules[0].labels.a: a list; expected a text or a number" },
		{ "a label twice", "rules:\n- rule: fault\n  labels:\n    a: b\n    a: c\n",
		  "5: rules[0].labels.a: given twice" },
		{ "no name", "rules: [{rule: fault, labels: {'': a}}]\n",
		  "1: rules[0].labels.: " IS_NO_LABEL },
		{ "a name with a digit first", "rules: [{rule: fault, labels: {1a: b}}]\n",
		  "1: rules[0].labels.1a: " IS_NO_LABEL },
		{ "a name of Prometheus' own", "rules: [{rule: fault, labels: {__name__: b}}]\n",
		  "1: rules[0].labels.__name__: " IS_NO_LABEL },
		{ "a name with a dot, beside one that begins like it",
		  "rules:\n- rule: fault\n  labels:\n    a.b: c\n    a: d\n",
		  "4: rules[0].labels.a.b: " IS_NO_LABEL },
		{ "a name of 33 bytes",
		  "rules: [{rule: fault, labels: {aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: b}}]\n",
		  "1: rules[0].labels.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: " IS_NO_LABEL },
		{ "a terminal's escape in a value",
		  "rules: [{rule: fault, labels: {a: \"\\e[2J\"}}]\n",
		  "1: rules[0].labels.a: expected printable text" },
		{ "17 labels",
		  "rules: [{rule: fault, labels: {a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1, h: 1, "
		  "i: 1, j: 1, k: 1, l: 1, m: 1, n: 1, o: 1, p: 1, q: 1}}]\n",
		  "1: rules[0].labels: 17 keys; expected at most 16" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char want[sizeof(((struct err *)0)->text)];
		struct err err = { "" };
		struct rules rules;

		snprintf(want, sizeof(want), "rules.yaml:%s", cases[i].error);
		if (load(&rules, cases[i].yaml, strlen(cases[i].yaml), &err) != -EINVAL)
			fail_msg("%s: taken", cases[i].name);
		if (strcmp(err.text, want) != 0)
			fail_msg("%s:\n  %s, wanted\n  %s", cases[i].name, err.text, want);
	}
}

/* Of every detector that there is. */
static void test_an_unknown_rule_is_told_which_there_are(void **state)
{
	static const char yaml[] = "rules:\n  - rule: nonsense\n";
	struct err err = { "" };
	struct rules rules;

	(void)state;
	assert_int_equal(load(&rules, yaml, strlen(yaml), &err), -EINVAL);
	assert_ptr_equal(strstr(err.text, "rules.yaml:2: rules[0].rule: \"nonsense\": expected "
					  "one of: rehash-storm, "),
			 err.text);
	for (size_t i = 0; i < DETECTORS; i++)
		assert_non_null(strstr(err.text, detectors[i]->name));
}

/* Whatever raises by default raises in the strict preset too, and no later. */
static void test_strict_is_nowhere_laxer(void **state)
{
	struct rules strict;
	size_t lower = 0;

	(void)state;
	rules_strict(&strict);
	for (size_t i = 0; i < DETECTORS; i++) {
		const struct rule *lax = &rules_default()->rule[i], *rule = &strict.rule[i];

		assert_true(rule->enabled >= lax->enabled);
		for (size_t m = 0; m < detectors[i]->measure_count; m++) {
			const struct level *level = &rule->level[m];

			assert_true(level->raise > 0 && level->clear <= level->raise);
			if (lax->level[m].raise <= 0)
				continue;
			assert_true(level->raise <= lax->level[m].raise);
			assert_true(level->for_ns <= lax->level[m].for_ns);
			lower += level->raise < lax->level[m].raise;
		}
	}
	assert_true(lower > 0);
}

/* Of the shipped file, with a NUL at its end. */
static size_t read_shipped(char text[static SHIPPED_BYTES])
{
	FILE *f = fopen("scripts/dist/rules.yaml", "re");
	size_t size;

	if (!f) {
		print_message(
			"not run from the top of the source tree: no scripts/dist/rules.yaml\n");
		skip();
	}
	size = fread(text, 1, SHIPPED_BYTES, f);
	fclose(f);
	assert_true(size < SHIPPED_BYTES);
	text[size] = '\0';
	return size;
}

/* What the shipped file's comment says of the strict preset is true, too. */
static void test_shipped_comment_is_the_strict_preset(void **state)
{
	static const char heading[] = "# `preset: strict` is the same as:\n#\n";
	static char text[SHIPPED_BYTES], yaml[SHIPPED_BYTES];
	struct rules rules, strict;
	struct err err = { "" };
	size_t len = 0;
	char *line;

	(void)state;
	read_shipped(text);
	line = strstr(text, heading);
	assert_non_null(line);
	line += strlen(heading);
	while (!strncmp(line, "#   ", 4)) {
		size_t n = strcspn(line, "\n") + 1;

		memcpy(yaml + len, line + 4, n - 4);
		len += n - 4;
		line += n;
	}
	if (load(&rules, yaml, len, &err))
		fail_msg("%s", err.text);
	rules_strict(&strict);
	for (size_t i = 0; i < DETECTORS; i++) {
		assert_int_equal(rules.rule[i].enabled, strict.rule[i].enabled);
		assert_memory_equal(rules.rule[i].level, strict.rule[i].level,
				    sizeof(strict.rule[i].level));
	}
}

/* The shipped file spells out the defaults, so that what people read there is true. */
static void test_shipped_file_is_the_defaults(void **state)
{
	static char text[SHIPPED_BYTES];
	size_t size = read_shipped(text);
	struct err err = { "" };
	struct rules rules;

	(void)state;
	if (load(&rules, text, size, &err))
		fail_msg("%s", err.text);
	assert_memory_equal(&rules, rules_default(), sizeof(rules));
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
		cmocka_unit_test(test_errors_say_file_line_key_and_what_was_expected),
		cmocka_unit_test(test_an_unknown_rule_is_told_which_there_are),
		cmocka_unit_test(test_strict_is_nowhere_laxer),
		cmocka_unit_test(test_shipped_comment_is_the_strict_preset),
		cmocka_unit_test(test_shipped_file_is_the_defaults),
	};

	return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
