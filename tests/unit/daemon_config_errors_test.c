/* SPDX-License-Identifier: BSD-2-Clause */
/* What is said of a configuration of the daemon that is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/daemon_settings.h"

#define PATH "/etc/gosonde/gosonde.yaml"

#define KEYS                                                                                       \
	"interval, budget_pct, host_budget_pct, min_age, max_targets, probes, watch, ignore, "     \
	"rules, syslog, journald, alertmanager, metrics, dry_run"
#define GROUPS	     "expected one of: map-write, map-grow, gc, goroutine, fault"
#define PERCENT(max) "expected percent of one CPU, above 0 and at most " max ", or off"

static void fails(const char *name, const char *yaml, const char *error)
{
	CLEANUP(daemon_config_freep) struct daemon_config *config = NULL;
	struct err err = { "" };
	char want[sizeof(err.text)];

	assert_int_equal(daemon_settings_new(&config, &err), 0);
	snprintf(want, sizeof(want), PATH ":%s", error);
	if (daemon_settings_add(config, PATH, yaml, strlen(yaml), &err) != -EINVAL)
		fail_msg("%s: taken", name);
	if (strcmp(err.text, want) != 0)
		fail_msg("%s: \"%s\", not \"%s\"", name, err.text, want);
}

static void test_errors_say_file_line_key_and_what_was_expected(void **state)
{
	static const struct {
		const char *name, *yaml, *error;
	} cases[] = {
		{ "not YAML", "watch: [",
		  "1: not YAML: did not find expected node content, while parsing a flow node" },
		{ "a list at the top", "- exe: a\n", "1: expected a mapping with keys of: " KEYS },
		{ "unknown key", "interval: 1s\nintervall: 2s\n",
		  "2: intervall: unknown key; expected one of: " KEYS },
		{ "a key twice", "interval: 1s\ninterval: 2s\n", "2: interval: given twice" },
		{ "a list for a text", "interval: [1s]\n",
		  "1: interval: a list; expected a text or a number" },
		{ "no duration", "interval: fast\n",
		  "1: interval: \"fast\": expected a duration from 100ms to 1h" },
		{ "too short", "interval: 99ms\n",
		  "1: interval: \"99ms\": expected a duration from 100ms to 1h" },
		{ "too long", "interval: 61m\n",
		  "1: interval: \"61m\": expected a duration from 100ms to 1h" },
		{ "negative", "min_age: -1s\n",
		  "1: min_age: \"-1s\": expected a duration from 0s to 24h" },
		{ "more than a day", "min_age: 86401s\n",
		  "1: min_age: \"86401s\": expected a duration from 0s to 24h" },
		{ "no budget is off, not 0", "budget_pct: 0\n",
		  "1: budget_pct: \"0\": " PERCENT("100") },
		{ "more than a CPU", "budget_pct: 100.5\n",
		  "1: budget_pct: \"100.5\": " PERCENT("100") },
		{ "no number", "budget_pct: nan\n", "1: budget_pct: \"nan\": " PERCENT("100") },
		{ "hexadecimal", "budget_pct: 0x1\n", "1: budget_pct: \"0x1\": " PERCENT("100") },
		{ "something behind", "budget_pct: 1%%\n",
		  "1: budget_pct: \"1%%\": " PERCENT("100") },
		{ "nothing", "budget_pct:\n", "1: budget_pct: \"\": " PERCENT("100") },
		{ "more than all", "host_budget_pct: 25501\n",
		  "1: host_budget_pct: \"25501\": " PERCENT("25500") },
		{ "none at all", "max_targets: 0\n",
		  "1: max_targets: \"0\": expected a number from 1 to 255" },
		{ "too many", "max_targets: 256\n",
		  "1: max_targets: \"256\": expected a number from 1 to 255" },
		{ "far too many", "max_targets: 99999999999999999999999\n",
		  "1: max_targets: \"99999999999999999999999\": expected a number from 1 to 255" },
		{ "no whole number", "max_targets: 1.5\n",
		  "1: max_targets: \"1.5\": expected a number from 1 to 255" },
		{ "no list", "probes: gc\n", "1: probes: expected a list" },
		{ "no probes", "probes: []\n", "1: probes: none; expected at least one" },
		{ "unknown group", "probes:\n- gc\n- heap\n", "3: probes[1]: \"heap\": " GROUPS },
		{ "a group twice", "probes: [gc, gc]\n", "1: probes[1]: given twice" },
		{ "an empty list, as it is mostly meant", "watch:\n", "1: watch: expected a list" },
		{ "a text for an entry", "watch: [/srv/*]\n",
		  "1: watch[0]: expected a mapping with keys of: exe, module, container, pod, qos, "
		  "cgroup, user" },
		{ "unknown key of an entry", "ignore:\n- exe: a\n- exe: b\n  pid: 3\n",
		  "4: ignore[1].pid: unknown key; expected one of: exe, module, container, pod, qos, "
		  "cgroup, user" },
		{ "an entry for all", "ignore:\n- exe: a\n- {}\n",
		  "3: ignore[1]: empty; expected at least one of: exe, module, container, pod, qos, "
		  "cgroup, user" },
		{ "a list for a glob", "watch:\n- exe: a\n- exe: b\n- exe: [c]\n",
		  "4: watch[2].exe: a list; expected a text or a number" },
		{ "rules without a name", "rules:\n",
		  "1: rules: expected the path of a file, or default" },
		{ "rules in place", "rules: []\n",
		  "1: rules: a list; expected a text or a number" },
		{ "no target", "syslog: yes\n",
		  "1: syslog: \"yes\" is not local, unix:PATH, udp:HOST:PORT or tcp:HOST:PORT" },
		{ "no path", "syslog: \"unix:\"\n", "1: syslog: the socket's path is missing" },
		{ "no port", "syslog: tcp:logs\n", "1: syslog: \"logs\" is not HOST:PORT" },
		{ "no word, no path", "journald: yes\n",
		  "1: journald: \"yes\": expected on, off or the path of a socket" },
		{ "no URL of ours", "alertmanager: ftp://alerts\n",
		  "1: alertmanager: a URL here begins with http:// or https://" },
		{ "no port number", "alertmanager: http://alerts:99999\n",
		  "1: alertmanager: no URL: Port number was not a decimal number between 0 and "
		  "65535" },
		{ "a host's name", "metrics: localhost:9464\n",
		  "1: metrics: \"localhost:9464\" is no address to listen at, like 127.0.0.1:9464, "
		  "[::1]:9464 or unix:PATH" },
		{ "no boolean", "dry_run: 1\n",
		  "1: dry_run: \"1\": expected one of: true, yes, on, false, no, off" },
		{ "an alias", "syslog: &a local\nmetrics: *a\n",
		  "2: metrics: an alias (*name); expected it written out" },
		{ "a second document", "interval: 1s\n---\ninterval: 2s\n",
		  "3: a second document; expected one" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		fails(cases[i].name, cases[i].yaml, cases[i].error);
}

/* "watch:\n- exe: a\n…" with so many entries; from malloc. */
static char *entries(size_t count)
{
	char *yaml = NULL;
	size_t size;
	FILE *out = open_memstream(&yaml, &size);

	assert_non_null(out);
	fputs("watch:\n", out);
	while (count--)
		fputs("- exe: a\n", out);
	assert_int_equal(fclose(out), 0);
	return yaml;
}

static void test_bounds(void **state)
{
	CLEANUP(freep) char *full = entries(DAEMON_WATCH_MAX);
	CLEANUP(freep) char *over = entries(DAEMON_WATCH_MAX + 1);
	CLEANUP(daemon_config_freep) struct daemon_config *config = NULL;
	struct err err = { "" };
	char text[DAEMON_TEXT_MAX + 64];

	(void)state;
	assert_int_equal(daemon_settings_new(&config, &err), 0);
	assert_int_equal(daemon_settings_add(config, "/a", full, strlen(full), &err), 0);
	assert_int_equal(config->watch_count, DAEMON_WATCH_MAX);
	assert_int_equal(daemon_settings_add(config, "/b", "watch: [{exe: b}]", 17, &err), -EINVAL);
	assert_string_equal(err.text, "/b:1: watch: 65 entries with those of the files before; "
				      "expected at most 64");
	fails("too many entries", over, "1: watch: 65 entries; expected at most 64");
	snprintf(text, sizeof(text), "rules: %0*d\n", DAEMON_TEXT_MAX + 1, 0);
	fails("too long a text", text, "1: rules: 257 bytes; expected at most 256");
	snprintf(text, sizeof(text), "watch: [{exe: %0*d}]\n", DAEMON_TEXT_MAX + 1, 0);
	fails("too long a glob", text, "1: watch[0].exe: 257 bytes; expected at most 256");
	snprintf(text, sizeof(text), "metrics: unix:/%0*d\n", 108, 0);
	fails("too long for a socket", text,
	      "1: metrics: path of more than 107 bytes: /"
	      "0000000000000000000000000000000000000000000000000000"
	      "00000000000000000000000000000000000000000000000000000000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors_say_file_line_key_and_what_was_expected),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests_name("daemon_config_errors", tests, NULL, NULL);
}
