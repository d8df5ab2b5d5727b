/* SPDX-License-Identifier: BSD-2-Clause */
/* The alert engine: findings at given times, and the alerts that must come of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "alert/engine.h"
#include "base/units.h"

/* rehash-storm: raise 10, clear 5 for 3 s, cooldown 60 s; its second level 100 at once. */
static struct rules test_rules(void)
{
	struct rules rules = *rules_default();
	struct rule *rule = &rules.rule[DETECT_REHASH_STORM];

	rule->cooldown_ns = 60 * NS_PER_S;
	rule->level[0] = (struct level) { 10, 5, 3 * NS_PER_S };
	rule->level[1] = (struct level) { 100, 50, 0 };
	rule->level[2].raise = 0;
	return rules;
}

struct log {
	char text[2048];
	size_t explained;
};

/* "F12 " for firing at 12 s, "R20 " for resolved. */
static void log_alert(void *arg, const struct alert *alert)
{
	struct log *log = arg;
	size_t len = strlen(log->text);

	assert_int_equal(alert->pid, 7);
	assert_string_equal(alert->subject, "map[int]int");
	snprintf(log->text + len, sizeof(log->text) - len, "%c%llu ",
		 alert->state == ALERT_FIRING ? 'F' : 'R', alert->time_ns / NS_PER_S);
}

static void explain(void *arg, size_t rule, const struct finding *finding, struct explanation *ret)
{
	struct log *log = arg;
	struct evidence *list = explain_list(ret, "stack", 3); /* a leak if nobody frees it */

	(void)rule;
	(void)finding;
	log->explained++;
	strcpy(ret->subject, "map[int]int");
	strcpy(list->list[2], "main.main main.go:9");
}

static struct engine *make_engine(const struct rules *rules, struct log *log)
{
	const struct engine_config config = { 7, rules, explain, log, log_alert, log };
	struct engine *engine = engine_new(&config);

	assert_non_null(engine);
	return engine;
}

static void judge(struct engine *engine, u64 second, size_t measure, double value, const char *key)
{
	struct finding finding = {
		.measure = measure,
		.value = value,
		.time_ns = second * NS_PER_S,
		.since_ns = second * NS_PER_S,
	};

	snprintf(finding.key, sizeof(finding.key), "%s", key);
	engine_judge(engine, DETECT_REHASH_STORM, &finding);
}

struct step {
	u64 second;
	size_t measure;
	double value;
};

static void test_state_machine(void **state)
{
	static const struct {
		const char *name;
		struct step step[12];
		const char *want;
	} cases[] = {
		{ "below", { { 1, 0, 9 }, { 9, 0, 9 } }, "" },
		{ "not for long enough", { { 1, 0, 10 }, { 3, 0, 10 }, { 4, 0, 9 } }, "" },
		{ "long enough, exactly", { { 1, 0, 10 }, { 3, 0, 10 }, { 4, 0, 10 } }, "F4 " },
		{ "interrupted, so it begins again",
		  { { 1, 0, 10 }, { 3, 0, 9 }, { 4, 0, 10 }, { 6, 0, 10 }, { 7, 0, 10 } },
		  "F7 " },
		{ "fires once while it lasts",
		  { { 1, 0, 10 }, { 4, 0, 20 }, { 9, 0, 30 }, { 200, 0, 30 } },
		  "F4 " },
		{ "between clear and raise it lasts",
		  { { 1, 0, 10 }, { 4, 0, 10 }, { 5, 0, 5 }, { 6, 0, 9 } },
		  "F4 " },
		{ "below clear it is over",
		  { { 1, 0, 10 }, { 4, 0, 10 }, { 5, 0, 4.9 }, { 6, 0, 0 } },
		  "F4 R5 " },
		{ "a level without a duration fires at once", { { 1, 1, 100 } }, "F1 " },
		{ "over only when both levels are",
		  { { 1, 1, 100 }, { 2, 0, 10 }, { 3, 1, 0 }, { 4, 0, 4 } },
		  "F1 R4 " },
		{ "a level that was never raised does not hold it",
		  { { 1, 1, 100 }, { 2, 0, 9 }, { 3, 1, 0 } },
		  "F1 R3 " },
		{ "cooldown holds the next one back, and it comes if it still lasts",
		  { { 1, 1, 100 }, { 2, 1, 0 }, { 30, 1, 100 }, { 60, 1, 100 }, { 61, 1, 100 } },
		  "F1 R2 F61 " },
		{ "and does not come if it is over by then",
		  { { 1, 1, 100 }, { 2, 1, 0 }, { 30, 1, 100 }, { 50, 1, 0 }, { 70, 1, 0 } },
		  "F1 R2 " },
		{ "after the cooldown at once",
		  { { 1, 1, 100 }, { 2, 1, 0 }, { 61, 1, 100 } },
		  "F1 R2 F61 " },
		{ "the third level is off", { { 1, 2, 1e9 }, { 100, 2, 1e9 } }, "" },
		{ "a gap in the ticks, above before and after",
		  { { 1, 0, 10 }, { 3601, 0, 10 } },
		  "F3601 " },
	};
	const struct rules rules = test_rules();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct log log = { 0 };
		CLEANUP(engine_freep) struct engine *engine = make_engine(&rules, &log);
		size_t fired = 0;

		for (const struct step *s = cases[i].step; s->second; s++)
			judge(engine, s->second, s->measure, s->value, "");
		if (strcmp(log.text, cases[i].want))
			fail_msg("%s: \"%s\", want \"%s\"", cases[i].name, log.text, cases[i].want);
		for (const char *p = log.text; *p; p++)
			fired += *p == 'F';
		assert_int_equal(log.explained, fired); /* evidence costs; only alerts need it */
		assert_int_equal(engine_fired(engine), fired);
	}
}

static void test_exit_resolves(void **state)
{
	const struct rules rules = test_rules();
	struct log log = { 0 };
	CLEANUP(engine_freep) struct engine *engine = make_engine(&rules, &log);

	(void)state;
	judge(engine, 1, 1, 100, "a");
	judge(engine, 1, 1, 100, "b");
	judge(engine, 1, 0, 10, "c"); /* pending: no alert, so none to take back */
	engine_end(engine, 9 * NS_PER_S, "the process exited");
	assert_string_equal(log.text, "F1 F1 R9 R9 ");
	/* The last tick's findings come later; long after, no cooldown holds them back. */
	judge(engine, 900, 1, 100, "a");
	engine_end(engine, 901 * NS_PER_S, "the process exited");
	assert_string_equal(log.text, "F1 F1 R9 R9 ");
}

static void test_disabled_and_dry_run(void **state)
{
	struct rules rules = test_rules();
	struct log log = { 0 };
	CLEANUP(engine_freep) struct engine *engine = NULL;

	(void)state;
	rules.rule[DETECT_REHASH_STORM].enabled = false;
	engine = make_engine(&rules, &log);
	judge(engine, 1, 1, 100, "");
	assert_string_equal(log.text, "");
}

static void test_another_image_begins_anew(void **state)
{
	const struct rules rules = test_rules();
	struct log log = { 0 };
	CLEANUP(engine_freep) struct engine *engine = make_engine(&rules, &log);

	(void)state;
	judge(engine, 1, 1, 100, "");
	engine_restart(engine, 2 * NS_PER_S, "the process was restarted");
	engine_restart(engine, 3 * NS_PER_S, "the process was restarted");
	judge(engine, 4, 1, 100, "");
	assert_string_equal(log.text, "F1 R2 F4 ");
}

static const struct label shop = { "team", "shop" }, bank = { "team", "bank" };

static void no_change(struct rule *rule)
{
	static const struct label same = { "team", "shop" };

	rule->labels.label[0] = &same;
}

static void other_level(struct rule *rule)
{
	rule->level[1] = (struct level) { 90, 40, NS_PER_S };
	rule->cooldown_ns = 0;
}

static void other_label(struct rule *rule)
{
	rule->labels.label[0] = &bank;
}

static void no_label(struct rule *rule)
{
	rule->labels.count = 0;
}

static void other_severity(struct rule *rule)
{
	rule->severity = SEVERITY_INFO;
}

static void dry(struct rule *rule)
{
	rule->dry_run = true;
}

static void disable(struct rule *rule)
{
	rule->enabled = false;
}

static void level_off(struct rule *rule)
{
	rule->level[1].raise = 0;
}

static void test_rules_that_change(void **state)
{
	static const struct {
		const char *name;
		void (*change)(struct rule *rule);
		const char *want;
	} cases[] = {
		{ "nothing differs", no_change, "F1 R9 " },
		{ "other levels judge what goes on", other_level, "F1 R9 " },
		{ "other labels", other_label, "F1 R2 F3 R9 " },
		{ "no labels", no_label, "F1 R2 F3 R9 " },
		{ "another severity", other_severity, "F1 R2 F3 R9 " },
		{ "dry run", dry, "F1 R2 F3 R9 " },
		{ "disabled", disable, "F1 R2 " },
		{ "its level is off", level_off, "F1 R2 " },
	};
	struct rules rules = test_rules();

	(void)state;
	rules.rule[DETECT_REHASH_STORM].labels = (struct labels) { { &shop }, 1 };
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct log log = { 0 };
		CLEANUP(engine_freep) struct engine *engine = make_engine(&rules, &log);
		struct rules next = rules;

		judge(engine, 1, 1, 100, "");
		cases[i].change(&next.rule[DETECT_REHASH_STORM]);
		engine_change_rules(engine, &next, 2 * NS_PER_S);
		judge(engine, 3, 1, 100, "");
		engine_end(engine, 9 * NS_PER_S, "the process exited");
		if (strcmp(log.text, cases[i].want))
			fail_msg("%s: \"%s\", want \"%s\"", cases[i].name, log.text, cases[i].want);
	}
}

/* A level that is off can't be below clear again. */
static void test_a_level_that_goes_holds_nothing(void **state)
{
	const struct rules rules = test_rules();
	struct rules next = rules;
	struct log log = { 0 };
	CLEANUP(engine_freep) struct engine *engine = make_engine(&rules, &log);

	(void)state;
	next.rule[DETECT_REHASH_STORM].level[0].raise = 0;
	judge(engine, 1, 0, 10, "");
	engine_change_rules(engine, &next, 2 * NS_PER_S);
	judge(engine, 3, 1, 100, "");
	judge(engine, 4, 1, 0, "");
	assert_string_equal(log.text, "F3 R4 ");
}

static void test_bounded_and_counted(void **state)
{
	const struct rules rules = test_rules();
	struct log log = { 0 };
	CLEANUP(engine_freep) struct engine *engine = make_engine(&rules, &log);
	char key[FINDING_KEY_MAX];

	(void)state;
	for (int i = 0; i < 200; i++) {
		snprintf(key, sizeof(key), "%d", i);
		judge(engine, 1, 1, 100, key);
	}
	assert_int_equal(engine_fired(engine) + engine_refused(engine), 200);
	assert_true(engine_fired(engine) >= 128 && engine_refused(engine) > 0);

	/* What is over and cool makes room. */
	judge(engine, 2, 1, 0, "0");
	judge(engine, 30, 1, 100, "late");
	assert_int_equal(engine_fired(engine), 128);
	judge(engine, 61, 1, 100, "late");
	assert_int_equal(engine_fired(engine), 129);
}

static void keep_alert(void *arg, const struct alert *alert)
{
	struct alert *kept = arg;

	*kept = *alert;
	/* Lists are gone when this returns; their contents are looked at here. */
	if (alert->state == ALERT_FIRING) {
		assert_int_equal(alert->evidence_len, 1);
		assert_string_equal(alert->evidence[0].list[2], "main.main main.go:9");
	} else {
		assert_int_equal(alert->evidence_len, 0);
	}
}

static void test_what_an_alert_says(void **state)
{
	struct rules rules = test_rules();
	struct log log = { 0 };
	struct alert alert;
	const struct engine_config config = { 7, &rules, explain, &log, keep_alert, &alert };
	CLEANUP(engine_freep) struct engine *engine = NULL;

	(void)state;
	rules.rule[DETECT_REHASH_STORM].dry_run = true;
	rules.rule[DETECT_REHASH_STORM].severity = SEVERITY_CRITICAL;
	engine = engine_new(&config);
	judge(engine, 1, 0, 11, "");
	judge(engine, 5, 0, 12, "");
	assert_int_equal(alert.state, ALERT_FIRING);
	assert_string_equal(alert.rule, "rehash-storm");
	assert_true(alert.dry_run && alert.severity == SEVERITY_CRITICAL);
	assert_true(alert.value == 12 && alert.threshold == 10);
	assert_string_equal(alert.unit, "entries/s");
	assert_true(alert.since_ns == NS_PER_S && alert.time_ns == 5 * NS_PER_S);
	judge(engine, 11, 0, 2, "");
	assert_int_equal(alert.state, ALERT_RESOLVED);
	assert_true(alert.value == 2 && alert.threshold == 5 && alert.since_ns == NS_PER_S);
	assert_string_equal(alert.summary, "map[int]int: over after 10.0 s, now 2 entries/s");
}

/* Or its receiver would not know it. */
static void test_the_old_rule_resolves(void **state)
{
	struct rules rules = test_rules();
	struct log log = { 0 };
	struct alert alert;
	const struct engine_config config = { 7, &rules, explain, &log, keep_alert, &alert };
	CLEANUP(engine_freep) struct engine *engine = engine_new(&config);

	(void)state;
	judge(engine, 1, 1, 100, "");
	dry(&rules.rule[DETECT_REHASH_STORM]);
	other_severity(&rules.rule[DETECT_REHASH_STORM]);
	engine_change_rules(engine, &rules, 3 * NS_PER_S);
	assert_int_equal(alert.state, ALERT_RESOLVED);
	assert_true(!alert.dry_run && alert.severity == SEVERITY_WARNING);
	assert_string_equal(alert.summary, "map[int]int: over after 2.0 s, its rule was changed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_state_machine),
		cmocka_unit_test(test_exit_resolves),
		cmocka_unit_test(test_disabled_and_dry_run),
		cmocka_unit_test(test_another_image_begins_anew),
		cmocka_unit_test(test_rules_that_change),
		cmocka_unit_test(test_a_level_that_goes_holds_nothing),
		cmocka_unit_test(test_bounded_and_counted),
		cmocka_unit_test(test_what_an_alert_says),
		cmocka_unit_test(test_the_old_rule_resolves),
	};

	return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
