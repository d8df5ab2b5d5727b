/* SPDX-License-Identifier: BSD-2-Clause */
/* Several entries, several files: whose rules a target gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/engine.h"
#include "alert/ruleset.h"
#include "base/units.h"

static struct ruleset *load(const char *yaml)
{
	struct ruleset *set = NULL;
	struct err err = { "" };

	if (ruleset_new(&set, "rules.yaml", yaml, strlen(yaml), &err))
		fail_msg("%s", err.text);
	return set;
}

static int add(struct ruleset *set, const char *name, const char *yaml, struct err *err)
{
	return ruleset_add(set, name, yaml, strlen(yaml), err);
}

static struct rule fault_rule(const struct ruleset *set, const char *exe, const char *module,
			      const char *container)
{
	const struct rule_target target = { exe, module, container, "0f1e2d", "Burstable" };
	struct rules rules;

	ruleset_resolve(set, &target, &rules);
	return rules.rule[DETECT_FAULT];
}

static void test_match(void **state)
{
	static const char id[] = "3f2a9b00000000000000000000000000000000000000000000000000000000ff";
	static const struct {
		const char *match, *exe, *module, *container;
		bool matches;
	} cases[] = {
		{ "{exe: /srv/shop}", "/srv/shop", "m", "", true },
		{ "{exe: /srv/shop}", "/srv/shop2", "m", "", false },
		{ "{exe: shop}", "/srv/shop", "m", "", false }, /* all of it, not a part */
		{ "{exe: '*/shop'}", "/srv/a/shop", "m", "", true },
		{ "{exe: /srv/*}", "/srv/a/shop", "m", "", true }, /* over slashes */
		{ "{exe: /srv/shop-?}", "/srv/shop-1", "m", "", true },
		{ "{exe: '/srv/[ab]'}", "/srv/b", "m", "", true },
		{ "{exe: '/srv/[!ab]'}", "/srv/b", "m", "", false },
		{ "{exe: '*'}", "", "", "", true },
		{ "{module: example.com/shop/*}", "/x", "example.com/shop/api", "", true },
		{ "{module: example.com/shop/*}", "/x", "example.com/shop", "", false },
		{ "{module: example.com/*}", "/x", "", "", false }, /* built without modules */
		{ "{container: 3f2a9b*}", "/x", "m", id, true },
		{ "{container: 3f2a9b*}", "/x", "m", "", false },
		{ "{container: '?*'}", "/x", "m", id, true }, /* in any */
		{ "{container: '?*'}", "/x", "m", "", false },
		{ "{container: ''}", "/x", "m", "", true }, /* in none */
		{ "{container: ''}", "/x", "m", id, false },
		{ "{exe: /x, module: m}", "/x", "m", "", true }, /* all of them */
		{ "{exe: /x, module: m}", "/x", "n", "", false },
		{ "{exe: /x, module: m}", "/y", "m", "", false },
		{ "{}", "/x", "m", id, true },
		{ "{pod: 0f1e2d*, qos: Burstable}", "/x", "m", "",
		  true }, /* which all of them are in */
		{ "{pod: '?*'}", "/x", "m", "", true },
		{ "{pod: ''}", "/x", "m", "", false },
		{ "{qos: '[BG]*'}", "/x", "m", "", true },
		{ "{pod: 0f1e2d*, qos: BestEffort}", "/x", "m", "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(ruleset_freep) struct ruleset *set = NULL;
		char yaml[256];
		struct rule rule;

		snprintf(yaml, sizeof(yaml), "rules: [{rule: fault, match: %s, dry_run: true}]\n",
			 cases[i].match);
		set = load(yaml);
		rule = fault_rule(set, cases[i].exe, cases[i].module, cases[i].container);
		if (rule.dry_run != cases[i].matches)
			fail_msg("%s and %s, %s, %s", cases[i].match, cases[i].exe, cases[i].module,
				 cases[i].container);
	}
}

/* Later entries win, key by key; raise and clear are one key. */
static void test_precedence(void **state)
{
	CLEANUP(ruleset_freep)
	struct ruleset *set =
		load("rules:\n"
		     "- {rule: rehash-storm, match: {exe: /a*}, raise: 10, clear: 9, "
		     "cooldown: 1s}\n"
		     "- {rule: rehash-storm, match: {module: m}, raise: 100, for: 7s}\n"
		     "- {rule: rehash-storm, severity: info}\n"
		     "- {rule: rehash-storm, match: {exe: /ab}, severity: critical,\n"
		     "   levels: [{measure: doublings, raise: off}]}\n");
	static const struct {
		const char *exe, *module;
		double raise, clear, doublings;
		unsigned int for_s, cooldown_s;
		enum severity severity;
	} rows[] = {
		{ "/x", "x", 1e6, 5e5, 8, 2, 300, SEVERITY_INFO },
		{ "/a", "x", 10, 9, 8, 2, 1, SEVERITY_INFO },
		/* clear in the proportion of the defaults, not of the entry before */
		{ "/a", "m", 100, 50, 8, 7, 1, SEVERITY_INFO },
		{ "/ab", "m", 100, 50, 0, 7, 1, SEVERITY_CRITICAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct rule_target target = { rows[i].exe, rows[i].module, "", "", "" };
		const struct rule *rule;
		struct rules rules;

		ruleset_resolve(set, &target, &rules);
		rule = &rules.rule[DETECT_REHASH_STORM];
		assert_true(rule->level[0].raise == rows[i].raise);
		assert_true(rule->level[0].clear == rows[i].clear);
		assert_true(rule->level[0].for_ns == rows[i].for_s * NS_PER_S);
		assert_true(rule->level[2].raise == rows[i].doublings);
		assert_true(rule->cooldown_ns == rows[i].cooldown_s * NS_PER_S);
		assert_int_equal(rule->severity, rows[i].severity);
		assert_memory_equal(&rules.rule[DETECT_FAULT], &rules_default()->rule[DETECT_FAULT],
				    sizeof(struct rule));
	}
}

static void test_preset_is_below_the_entries(void **state)
{
	CLEANUP(ruleset_freep)
	struct ruleset *set = load("rules: [{rule: goroutine-growth, raise: 1000}]\n"
				   "preset: strict\n");
	struct rules rules, strict;

	(void)state;
	rules_strict(&strict);
	ruleset_resolve_like(set, NULL, &rules);
	assert_memory_equal(&rules.rule[DETECT_REHASH_STORM], &strict.rule[DETECT_REHASH_STORM],
			    sizeof(struct rule));
	assert_true(rules.rule[DETECT_GOROUTINE_GROWTH].level[0].raise == 1000);
	assert_true(rules.rule[DETECT_GOROUTINE_GROWTH].level[0].for_ns ==
		    strict.rule[DETECT_GOROUTINE_GROWTH].level[0].for_ns);
}

static void test_files_of_the_folder(void **state)
{
	CLEANUP(ruleset_freep)
	struct ruleset *set = load("include: rules.d\nrules: [{rule: fault, severity: info}]\n");
	struct err err = { "" };

	(void)state;
	assert_string_equal(ruleset_include(set), "rules.d");
	assert_int_equal(add(set, "a.yaml",
			     "rules: [{rule: fault, severity: warning, cooldown: 3s}]\n", &err),
			 0);
	assert_int_equal(add(set, "b.yaml", "rules: [{rule: fault, cooldown: 4s}]\n", &err), 0);
	assert_int_equal(ruleset_count(set), 3);
	assert_int_equal(fault_rule(set, "", "", "").severity, SEVERITY_WARNING);
	assert_true(fault_rule(set, "", "", "").cooldown_ns == 4 * NS_PER_S);
}

static void test_a_file_of_the_folder_holds_rules_only(void **state)
{
	static const struct {
		const char *yaml, *error;
	} cases[] = {
		{ "rules: []\npreset: strict\n",
		  "b.yaml:2: preset: expected in the main file only" },
		{ "rules: []\ninclude: .\n", "b.yaml:2: include: expected in the main file only" },
		{ "rules:\n - {rule: fault, raise: x}\n",
		  "b.yaml:2: rules[0].raise: \"x\": expected a number above 0, or off" },
		{ "", "b.yaml:1: empty; expected \"rules:\" and a list" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(ruleset_freep) struct ruleset *set = load("include: rules.d\n");
		struct err err = { "" };

		assert_int_equal(add(set, "b.yaml", cases[i].yaml, &err), -EINVAL);
		assert_string_equal(err.text, cases[i].error);
	}
}

static void test_bounds(void **state)
{
	CLEANUP(ruleset_freep) struct ruleset *set = load("include: rules.d\n");
	CLEANUP(freep) char *large = malloc(RULESET_FILE_MAX_BYTES + 1);
	char text[65 * 32] = "rules: [", name[512];
	struct err err = { "" };

	(void)state;
	assert_non_null(large);
	memset(large, '#', RULESET_FILE_MAX_BYTES + 1);
	assert_int_equal(ruleset_add(set, "b.yaml", large, RULESET_FILE_MAX_BYTES + 1, &err),
			 -E2BIG);
	for (size_t i = 1; i < RULESET_FILES_MAX; i++)
		assert_int_equal(add(set, "b.yaml", "rules: []\n", &err), 0);
	assert_int_equal(add(set, "c.yaml", "rules: []\n", &err), -E2BIG);
	assert_string_equal(err.text, "c.yaml: more than 64 files");

	for (size_t i = 0; i < 65; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "{rule: fault}, ");
	strcat(text, "]");
	ruleset_free(set);
	set = NULL;
	assert_int_equal(ruleset_new(&set, "r", text, strlen(text), &err), -EINVAL);
	assert_string_equal(err.text, "r:1: rules: 65 entries; expected at most 64");

	/* The end of a long name is what tells files apart, and the message must fit too. */
	memset(name, 'n', sizeof(name));
	strcpy(name + 500, "/end.yaml");
	assert_int_equal(ruleset_new(&set, name, "rules: 3", 8, &err), -EINVAL);
	assert_non_null(strstr(err.text, "nn/end.yaml:1: rules: expected a list"));
}

/* "a=1 b=2" of the fault rule. */
static char *labels_text(char *buf, const struct labels *labels)
{
	*buf = '\0';
	for (size_t i = 0; i < labels->count; i++)
		sprintf(buf + strlen(buf), "%s%s=%s", i ? " " : "", labels->label[i]->name,
			labels->label[i]->value);
	return buf;
}

static void test_labels_are_merged_by_name(void **state)
{
	CLEANUP(ruleset_freep)
	struct ruleset *set =
		load("rules:\n"
		     "- {rule: fault, labels: {team: all, tier: 1}}\n"
		     "- {rule: fault, match: {exe: /x}, labels: {env: test, team: x}}\n"
		     "- {rule: fault, match: {exe: /y}, labels: {}}\n");
	struct rule rule = fault_rule(set, "/x", "", "");
	char text[512];

	(void)state;
	assert_string_equal(labels_text(text, &rule.labels), "team=x tier=1 env=test");
	rule = fault_rule(set, "/y", "", "");
	assert_string_equal(labels_text(text, &rule.labels), "team=all tier=1");
}

static void test_labels_fit_together_whatever_matches(void **state)
{
	char first[256] = "rules: [{rule: fault, labels: {", yaml[1024], value[LABEL_VALUE_MAX + 2];
	CLEANUP(ruleset_freep) struct ruleset *set = NULL;
	struct err err = { "" };

	(void)state;
	for (char c = 'a'; c < 'a' + LABELS_MAX; c++)
		snprintf(first + strlen(first), sizeof(first) - strlen(first), "%c: 1, ", c);
	strcat(first, "}}]\n");
	set = load(first);
	/* one in the place of another fits, one more does not */
	assert_int_equal(add(set, "b", "rules: [{rule: fault, labels: {a: 2}}]\n", &err), 0);
	assert_int_equal(
		add(set, "b", "rules: [{rule: fault, match: {exe: x}, labels: {z: 2}}]\n", &err),
		-EINVAL);
	assert_string_equal(err.text, "b:1: rules[0]: the entries of rule fault have too many "
				      "labels; expected at most 16 names, and 400 bytes of names "
				      "and values");

	memset(value, 'v', sizeof(value));
	value[LABEL_VALUE_MAX] = '\0';
	snprintf(yaml, sizeof(yaml), "rules: [{rule: fault, labels: {a: %s, b: %s, c: %s}}]\n",
		 value, value, value);
	ruleset_free(set);
	set = load(yaml);
	/* 387 bytes; a shorter one frees none, for which of them counts depends on the target */
	assert_int_equal(add(set, "b", "rules: [{rule: fault, labels: {a: 1}}]\n", &err), 0);
	assert_int_equal(add(set, "b", "rules: [{rule: fault, labels: {d: 123456789012}}]\n", &err),
			 0);
	assert_int_equal(
		add(set, "b", "rules: [{rule: fault, match: {exe: x}, labels: {e: ''}}]\n", &err),
		-EINVAL);

	value[LABEL_VALUE_MAX] = 'v';
	value[LABEL_VALUE_MAX + 1] = '\0';
	snprintf(yaml, sizeof(yaml), "rules: [{rule: fault, labels: {a: %s}}]\n", value);
	ruleset_free(set);
	set = NULL;
	assert_int_equal(ruleset_new(&set, "r", yaml, strlen(yaml), &err), -EINVAL);
	assert_string_equal(err.text, "r:1: rules[0].labels.a: expected at most 128 bytes");
}

static void explain(void *arg, size_t rule, const struct finding *finding, struct explanation *ret)
{
	(void)arg, (void)rule, (void)finding, (void)ret;
}

static void on_alert(void *arg, const struct alert *alert)
{
	char *log = arg, text[512];

	assert_true(alert->dry_run);
	sprintf(log + strlen(log), "%s %s; ", alert->state == ALERT_FIRING ? "F" : "R",
		labels_text(text, alert->labels));
}

static void test_alerts_carry_the_labels_of_their_rule(void **state)
{
	CLEANUP(ruleset_freep)
	struct ruleset *set = load("rules: [{rule: fault, dry_run: true, labels: {team: shop}}]\n");
	const struct finding fault = { .value = 1, .time_ns = 5, .since_ns = 5 };
	const struct rule_target target = { "", "", "", "", "" };
	char log[256] = "";
	struct engine_config config = { .explain = explain, .alert = on_alert, .alert_arg = log };
	CLEANUP(engine_freep) struct engine *engine = NULL;
	struct rules rules;

	(void)state;
	ruleset_resolve(set, &target, &rules);
	config.rules = &rules;
	engine = engine_new(&config);
	assert_non_null(engine);
	engine_judge(engine, DETECT_FAULT, &fault);
	engine_end(engine, 9, "the process exited");
	assert_string_equal(log, "F team=shop; R team=shop; ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_preset_is_below_the_entries),
		cmocka_unit_test(test_files_of_the_folder),
		cmocka_unit_test(test_a_file_of_the_folder_holds_rules_only),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_labels_are_merged_by_name),
		cmocka_unit_test(test_labels_fit_together_whatever_matches),
		cmocka_unit_test(test_alerts_carry_the_labels_of_their_rule),
	};

	return cmocka_run_group_tests_name("ruleset", tests, NULL, NULL);
}
