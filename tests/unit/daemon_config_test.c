/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon's configuration: defaults, what each key changes, and which processes it wants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/daemon_settings.h"

enum { SHIPPED_BYTES = 65536, SHOWN_BYTES = 8192, FILES = 3 };

#define PATH "/etc/gosonde/gosonde.yaml"

static const char default_text[] = "interval: 1s\n"
				   "budget_pct: 1\n"
				   "host_budget_pct: 4\n"
				   "min_age: 5s\n"
				   "max_targets: 200\n"
				   "probes: [map-write, map-grow, gc, goroutine, fault]\n"
				   "watch: []\n"
				   "ignore: []\n"
				   "rules: default\n"
				   "syslog: \"local\"\n"
				   "journald: off\n"
				   "alertmanager: off\n"
				   "metrics: \"127.0.0.1:9464\"\n"
				   "dry_run: false\n";

/* What files come to that are read one after the other; a NULL ends them. Ends the test at an
 * error. */
static struct daemon_config *config_of(const char *const files[])
{
	CLEANUP(daemon_config_freep) struct daemon_config *config = NULL;
	struct err err = { "" };

	assert_int_equal(daemon_settings_new(&config, &err), 0);
	for (size_t i = 0; i < FILES && files[i]; i++) {
		if (daemon_settings_add(config, PATH, files[i], strlen(files[i]), &err))
			fail_msg("%s", err.text);
	}
	return TAKE_PTR(config);
}

static void show(char text[static SHOWN_BYTES], const struct daemon_config *config)
{
	FILE *out = fmemopen(text, SHOWN_BYTES, "w");

	assert_non_null(out);
	daemon_config_text(out, config);
	assert_int_equal(fclose(out), 0);
}

static void comes_to(const char *const files[], const char *want)
{
	CLEANUP(daemon_config_freep) struct daemon_config *config = config_of(files);
	char text[SHOWN_BYTES];

	show(text, config);
	assert_string_equal(text, want);
}

static void test_defaults(void **state)
{
	CLEANUP(daemon_config_freep) struct daemon_config *config = NULL;
	struct err err = { "" };

	(void)state;
	assert_int_equal(daemon_settings_new(&config, &err), 0);
	assert_true(config->interval_ns == 1000000000);
	assert_true(config->budget == 0.01);
	assert_true(config->host_budget == 0.04);
	assert_true(config->min_age_ns == 5000000000);
	assert_int_equal(config->max_targets, 200);
	for (int i = 0; i < PROBE_GROUP_COUNT; i++)
		assert_true(config->groups.want[i]);
	assert_int_equal(config->watch_count, 0);
	assert_int_equal(config->ignore_count, 0);
	assert_null(config->rules);
	assert_null(config->rules_path);
	assert_string_equal(config->syslog, "local");
	assert_null(config->journald);
	assert_null(config->alertmanager);
	assert_string_equal(config->metrics, "127.0.0.1:9464");
	assert_false(config->dry_run);
}

static void test_files_that_say_nothing(void **state)
{
	static const char *const files[] = { "", "\n \t\r\n", "# interval: 2s", "{}",
					     "# a\n\n  # b: c\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		comes_to((const char *const[]) { files[i], NULL }, default_text);
}

/* Each key alone: its line changes, and no other. */
static void test_every_key(void **state)
{
	static const struct {
		const char *yaml, *was, *is;
	} cases[] = {
		{ "interval: 100ms", "interval: 1s", "interval: 100ms" },
		{ "interval: 1h", "interval: 1s", "interval: 1h" },
		{ "interval: 2", "interval: 1s", "interval: 2s" },
		{ "interval: 1m30s", "interval: 1s", "interval: 90s" },
		{ "budget_pct: 0.5", "budget_pct: 1\n", "budget_pct: 0.5\n" },
		{ "budget_pct: 100%", "budget_pct: 1\n", "budget_pct: 100\n" },
		{ "budget_pct: off", "budget_pct: 1\n", "budget_pct: off\n" },
		{ "host_budget_pct: 250", "host_budget_pct: 4", "host_budget_pct: 250" },
		{ "host_budget_pct: 25500", "host_budget_pct: 4", "host_budget_pct: 25500" },
		{ "host_budget_pct: off", "host_budget_pct: 4", "host_budget_pct: off" },
		{ "min_age: 0s", "min_age: 5s", "min_age: 0s" },
		{ "min_age: 24h", "min_age: 5s", "min_age: 24h" },
		{ "max_targets: 1", "max_targets: 200", "max_targets: 1" },
		{ "max_targets: 255", "max_targets: 200", "max_targets: 255" },
		{ "probes: [fault, gc]", "probes: [map-write, map-grow, gc, goroutine, fault]",
		  "probes: [gc, fault]" },
		{ "probes:\n- map-grow\n- map-write\n- goroutine\n",
		  "probes: [map-write, map-grow, gc, goroutine, fault]",
		  "probes: [map-write, map-grow, goroutine]" },
		{ "watch:\n- {exe: /srv/*, user: www}\n- {container: \"\"}", "watch: []",
		  "watch:\n  - {exe: \"/srv/*\", user: \"www\"}\n  - {container: \"\"}" },
		{ "watch:\n- {qos: BestEffort, pod: 0f*}", "watch: []",
		  "watch:\n  - {pod: \"0f*\", qos: \"BestEffort\"}" },
		{ "ignore: [{module: a, cgroup: b}]", "ignore: []",
		  "ignore:\n  - {module: \"a\", cgroup: \"b\"}" },
		{ "rules: rules.yaml", "rules: default", "rules: \"/etc/gosonde/rules.yaml\"" },
		{ "rules: /srv/rules.yaml", "rules: default", "rules: \"/srv/rules.yaml\"" },
		{ "rules: default", "", "" },
		{ "syslog: off", "syslog: \"local\"", "syslog: off" },
		{ "syslog: unix:/run/log", "syslog: \"local\"", "syslog: \"unix:/run/log\"" },
		{ "syslog: \"udp:[::1]:514\"", "syslog: \"local\"", "syslog: \"udp:[::1]:514\"" },
		/* No such host: not looked up. */
		{ "syslog: tcp:logs.invalid:601", "syslog: \"local\"",
		  "syslog: \"tcp:logs.invalid:601\"" },
		{ "journald: on", "journald: off", "journald: \"/run/systemd/journal/socket\"" },
		{ "journald: /run/j", "journald: off", "journald: \"/run/j\"" },
		{ "alertmanager: http://alerts.invalid:9093/am", "alertmanager: off",
		  "alertmanager: \"http://alerts.invalid:9093/am\"" },
		{ "metrics: \"[::1]:0\"", "metrics: \"127.0.0.1:9464\"", "metrics: \"[::1]:0\"" },
		{ "metrics: unix:/run/m", "metrics: \"127.0.0.1:9464\"",
		  "metrics: \"unix:/run/m\"" },
		{ "metrics: off", "metrics: \"127.0.0.1:9464\"", "metrics: off" },
		{ "dry_run: true", "dry_run: false", "dry_run: true" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *was = strstr(default_text, cases[i].was);
		char want[SHOWN_BYTES];

		assert_non_null(was);
		snprintf(want, sizeof(want), "%.*s%s%s", (int)(was - default_text), default_text,
			 cases[i].is, was + strlen(cases[i].was));
		comes_to((const char *const[]) { cases[i].yaml, NULL }, want);
		/* What is shown can be read again, and is the same. */
		comes_to((const char *const[]) { want, NULL }, want);
	}
}

static void test_shares_are_of_one_cpu(void **state)
{
	CLEANUP(daemon_config_freep)
	struct daemon_config *config =
		config_of((const char *const[]) { "budget_pct: 50\nhost_budget_pct: off\n", NULL });

	(void)state;
	assert_true(config->budget == 0.5);
	assert_true(config->host_budget == 0);
}

static void test_later_files(void **state)
{
	static const struct {
		const char *file[FILES];
		const char *want;
	} cases[] = {
		{ { "interval: 2s\nmin_age: 1s\n", "interval: 3s\n" },
		  "interval: 3s\nbudget_pct: 1\nhost_budget_pct: 4\nmin_age: 1s\n" },
		{ { "probes: [gc]\n", "probes: [fault]\n" }, "\nprobes: [fault]\n" },
		{ { "watch: [{exe: a}]\n", "watch: [{exe: b}]\nignore: [{user: c}]\n",
		    "watch: []\nignore: [{user: d}]\n" },
		  "watch:\n  - {exe: \"a\"}\n  - {exe: \"b\"}\n"
		  "ignore:\n  - {user: \"c\"}\n  - {user: \"d\"}\n" },
		{ { "rules: r.yaml\n", "rules: default\n" }, "\nrules: default\n" },
		{ { "syslog: off\n", "syslog: local\n" }, "\nsyslog: \"local\"\n" },
		{ { "journald: on\n", "journald: off\n" }, "\njournald: off\n" },
		{ { "alertmanager: http://a\n", "alertmanager: off\n",
		    "alertmanager: https://b\n" },
		  "\nalertmanager: \"https://b\"\n" },
		{ { "dry_run: yes\n", "dry_run: no\n" }, "\ndry_run: false\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(daemon_config_freep)
		struct daemon_config *config = config_of(cases[i].file);
		char text[SHOWN_BYTES];

		show(text, config);
		if (!strstr(text, cases[i].want))
			fail_msg("\"%s\" lacks \"%s\"", text, cases[i].want);
	}
}

static void test_rules_or_the_daemons(void **state)
{
	static const struct {
		const char *yaml;
		bool rules;
	} cases[] = {
		{ "rules: []\n", true },	  { "rules: [{rule: fault}]\n", true },
		{ "rules: {}\n", true },	  { "preset: strict\n", true },
		{ "include: rules.d\n", true },	  { "include: rules.d\ninterval: 1s\n", true },
		{ "rules: rules.yaml\n", false }, { "rules: \"\"\n", false },
		{ "interval: 1s\n", false },	  { "", false },
		{ "- rules: []\n", false },	  { "rules: [", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (daemon_config_is_rules(cases[i].yaml, strlen(cases[i].yaml)) != cases[i].rules)
			fail_msg("%s", cases[i].yaml);
	}
}

static void test_wants(void **state)
{
	static const struct daemon_candidate
		shop = { "/srv/shop/bin/shop", "example.com/shop",	"3f2a9b", "0f1e",
			 "Guaranteed",	       "/kubepods/pod1/3f2a9b", "www" },
		bare = { "/usr/bin/x", NULL, "", "", "", NULL, "root" };
	static const struct {
		const char *yaml;
		bool shop, bare;
	} cases[] = {
		{ "{}", true, true },
		{ "watch: []", true, true },
		{ "watch: [{exe: /srv/*}]", true, false },
		{ "watch: [{exe: /srv}]", false, false },
		{ "watch: [{exe: \"/srv/*/shop\"}]", true, false },
		{ "watch: [{module: example.com/*}]", true, false },
		{ "watch: [{container: \"?*\"}]", true, false },
		{ "watch: [{container: \"\"}]", false, true },
		{ "watch: [{module: \"\"}]", false, true },
		{ "watch: [{pod: \"0f*\", qos: Guaranteed}]", true, false },
		{ "watch: [{pod: \"0f*\", qos: Burstable}]", false, false },
		{ "watch: [{pod: \"\"}]", false, true },
		{ "watch: [{qos: \"[BG]*\"}]", true, false },
		{ "watch: [{cgroup: /kubepods/*}]", true, false },
		{ "watch: [{user: root}]", false, true },
		{ "watch: [{user: \"[rw]*\"}]", true, true },
		/* All of an entry's globs, any of the entries. */
		{ "watch: [{exe: /srv/*, user: root}]", false, false },
		{ "watch: [{exe: /srv/*}, {user: root}]", true, true },
		{ "ignore: [{exe: /srv/*}]", false, true },
		{ "ignore: [{exe: /srv/*, user: root}]", true, true },
		{ "ignore: [{exe: /srv/*}, {user: root}]", false, false },
		/* What is ignored is so, whatever is watched. */
		{ "watch: [{exe: /*}]\nignore: [{cgroup: \"*\"}]", false, false },
		{ "watch: [{exe: /*}]\nignore: [{cgroup: \"?*\"}]", false, true },
		{ "watch: [{exe: /nowhere}]\nignore: [{user: www}]", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(daemon_config_freep)
		struct daemon_config *config =
			config_of((const char *const[]) { cases[i].yaml, NULL });

		if (daemon_config_wants(config, &shop) != cases[i].shop ||
		    daemon_config_wants(config, &bare) != cases[i].bare)
			fail_msg("%s", cases[i].yaml);
	}
}

/* What is shown has nothing in it that a terminal obeys. */
static void test_shown_texts_are_escaped(void **state)
{
	CLEANUP(daemon_config_freep)
	struct daemon_config *config =
		config_of((const char *const[]) { "watch: [{exe: \"a\\e[2J\\\"\\nb\"}]\n", NULL });
	char text[SHOWN_BYTES];

	(void)state;
	show(text, config);
	assert_non_null(strstr(text, "  - {exe: \"a\\\\x1b[2J\\\"\\\\x0ab\"}\n"));
}

/* The keys that stand in the file themselves, not in a comment. */
static bool has_key(const char *yaml, const char *key, size_t len)
{
	const char *at = yaml;

	while ((at = strchr(at, '\n'))) {
		at++;
		if (!strncmp(at, key, len) && at[len] == ':')
			return true;
	}
	return false;
}

/* The shipped file spells out the defaults, so that what people read there is true. */
static void test_shipped_file_is_the_defaults(void **state)
{
	static char text[SHIPPED_BYTES];
	FILE *f = fopen("scripts/dist/gosonde.yaml", "re");
	const char *line = default_text;
	size_t size;

	(void)state;
	assert_non_null(f);
	size = fread(text, 1, sizeof(text) - 1, f);
	assert_int_equal(fclose(f), 0);
	assert_true(size < sizeof(text) - 1);
	comes_to((const char *const[]) { text, NULL }, default_text);
	for (; *line; line += strcspn(line, "\n") + 1) {
		size_t len = strcspn(line, ":");

		if (!has_key(text, line, len))
			fail_msg("%.*s is not in the file", (int)len, line);
	}
}

/* What its comments give as examples is right, too. */
static void test_shipped_examples_are_right(void **state)
{
	static char text[SHIPPED_BYTES], yaml[SHIPPED_BYTES];
	FILE *f = fopen("scripts/dist/gosonde.yaml", "re");
	char *line, *end;
	size_t len = 0;

	(void)state;
	assert_non_null(f);
	(void)fread(text, 1, sizeof(text) - 1, f);
	assert_int_equal(fclose(f), 0);
	line = strstr(text, "#   watch:\n");
	end = strstr(text, "\nwatch: []\n");
	assert_true(line && end);
	while (line < end) {
		size_t n = strcspn(line, "\n") + 1;

		assert_int_equal(strncmp(line, "#   ", 4), 0);
		memcpy(yaml + len, line + 4, n - 4);
		len += n - 4;
		line += n;
	}
	CLEANUP(daemon_config_freep)
	struct daemon_config *config = config_of((const char *const[]) { yaml, NULL });
	assert_int_equal(config->watch_count, 5);
	assert_int_equal(config->ignore_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_files_that_say_nothing),
		cmocka_unit_test(test_every_key),
		cmocka_unit_test(test_shares_are_of_one_cpu),
		cmocka_unit_test(test_later_files),
		cmocka_unit_test(test_rules_or_the_daemons),
		cmocka_unit_test(test_wants),
		cmocka_unit_test(test_shown_texts_are_escaped),
		cmocka_unit_test(test_shipped_file_is_the_defaults),
		cmocka_unit_test(test_shipped_examples_are_right),
	};

	return cmocka_run_group_tests_name("daemon_config", tests, NULL, NULL);
}
