/* SPDX-License-Identifier: BSD-2-Clause */
/* The exposition: both formats hold together, and hostile names stay within their quotes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>

#include "output/metrics.h"
#include "output_sample.h"

enum { TARGETS = 2 };

static struct metrics_snapshot *snapshot_new(void)
{
	struct metrics_snapshot *s =
		calloc(1, sizeof(*s) + TARGETS * sizeof(struct metrics_target));

	assert_non_null(s);
	s->time_ns = 5 * NS_PER_S;
	s->timebase = sample_timebase;
	s->agent = (struct metrics_agent) {
		.version = "0.1.0",
		.start_ns = NS_PER_S,
		.cpu_ns = 1500000000,
		.rss_bytes = 15 << 20,
		.records = 99,
		.sinks = { { .name = "syslog",
			     .sent = 3,
			     .lost = 2,
			     .withheld = 1,
			     .waiting = 7,
			     .away = 1 } },
		.sink_count = 1,
	};
	s->target_count = TARGETS;
	for (size_t i = 0; i < TARGETS; i++) {
		struct metrics_target *t = &s->targets[i];

		*t = (struct metrics_target) {
			.exe = "shop",
			.module = "example.com/shop",
			.go = "go1.22.12",
			.container = "3f2a9b",
			.pod_uid = "0f1e",
			.qos = "Burstable",
			.attach_ns = 2 * NS_PER_S,
			.last = sample_window(),
			.total = sample_window(),
			.budget = 0.01,
		};
		t->last.pid = t->total.pid = 4242 + (u32)i;
		t->total.map.writes = 123456789012;
		t->total.gc.other_stop_ns = 1500000;
		t->total.cost.probe_ns = 12345678;
		t->total.lost.ring = 4;
		t->total.evicted = 5;
		t->rules[DETECT_REHASH_STORM] = (struct metrics_rule) {
			.fired = 3, .resolved = 2, .severity = SEVERITY_CRITICAL, .dry_run = true
		};
	}
	return s;
}

static char *rendered(enum exposition_format format, const struct metrics_snapshot *s)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(metrics_render(out, format, s), 0);
	fclose(out);
	assert_true(strlen(text) == len);
	return text;
}

static void assert_line(const char *text, const char *line)
{
	char *whole = NULL;

	assert_true(asprintf(&whole, "\n%s\n", line) > 0);
	if (!strstr(text, whole))
		fail_msg("no line: %s\nin: %s", line, text);
	free(whole);
}

#define T "{pid=\"4242\",exe=\"shop\",module=\"example.com/shop\""

static void figures_of_a_snapshot(void **state)
{
	static const char *const lines[] = {
		"# TYPE gosonde_build_info gauge",
		"gosonde_build_info{version=\"0.1.0\"} 1",
		"gosonde_targets 2",
		"gosonde_tick_time_seconds 1767225605",
		"gosonde_ring_records_total 99",
		"gosonde_sink_sent_total{sink=\"syslog\"} 3",
		"gosonde_sink_lost_total{sink=\"syslog\"} 2",
		"gosonde_sink_withheld_total{sink=\"syslog\"} 1",
		"gosonde_sink_waiting{sink=\"syslog\"} 7",
		"gosonde_sink_away{sink=\"syslog\"} 1",
		"process_cpu_seconds_total 1.5",
		"process_resident_memory_bytes 15728640",
		"process_start_time_seconds 1767225601",
		"gosonde_target_info" T ",go=\"go1.22.12\",container=\"3f2a9b\",pod_uid=\"0f1e\","
		"qos=\"Burstable\"} 1",
		"gosonde_target_attach_time_seconds" T "} 1767225602",
		"# TYPE gosonde_map_writes_total counter",
		"gosonde_map_writes_total" T "} 123456789012",
		"gosonde_map_deletes_total" T "} 12",
		"gosonde_map_clears_total" T "} 1",
		"gosonde_map_growths_total" T "} 3",
		"gosonde_map_moved_entries_total" T "} 7000",
		"gosonde_goroutines_created_total" T "} 1000",
		"gosonde_goroutines_exited_total" T "} 990",
		/* promtool refuses a gauge that is called _count */
		"# TYPE go_goroutine_count untyped",
		"go_goroutine_count" T "} 17",
		"go_memory_gc_cycles_total" T "} 2",
		"gosonde_gc_forced_cycles_total" T "} 1",
		"gosonde_other_stops_total" T "} 0",
		"gosonde_other_stop_seconds_total" T "} 0.0015",
		"gosonde_heap_live_bytes" T "} 4194304",
		"# TYPE go_memory_gc_goal_bytes gauge",
		"go_memory_gc_goal_bytes" T "} 8388608",
		"gosonde_faults_total" T "} 0",
		"gosonde_accuracy" T ",group=\"map-write\",accuracy=\"exact\"} 0",
		"gosonde_accuracy" T ",group=\"map-write\",accuracy=\"sampled\"} 1",
		"gosonde_accuracy" T ",group=\"map-write\",accuracy=\"lower-bound\"} 0",
		"gosonde_accuracy" T ",group=\"goroutine\",accuracy=\"exact\"} 1",
		"gosonde_probe_duty_ratio" T ",group=\"map-write\"} 0.04",
		"gosonde_probe_duty_ratio" T ",group=\"fault\"} 1",
		"gosonde_probe_seconds_total" T "} 0.012345678",
		"gosonde_budget_ratio" T "} 0.01",
		"gosonde_budget_failed" T "} 0",
		"gosonde_lost_total" T ",cause=\"ring\"} 4",
		"gosonde_lost_total" T ",cause=\"evicted\"} 5",
		"gosonde_alerts_total" T
		",rule=\"rehash-storm\",state=\"firing\",dry_run=\"true\"} 3",
		"gosonde_alerts_total" T
		",rule=\"rehash-storm\",state=\"resolved\",dry_run=\"true\"} 2",
		"gosonde_alerts_active" T
		",rule=\"rehash-storm\",severity=\"critical\",dry_run=\"true\"} 1",
		"gosonde_alerts_active" T ",rule=\"fault\",severity=\"info\",dry_run=\"false\"} 0",
	};
	CLEANUP(freep) struct metrics_snapshot *s = snapshot_new();
	CLEANUP(freep) char *text = rendered(EXPOSITION_TEXT, s);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		assert_line(text, lines[i]);
}

static void openmetrics_differs_in_what_it_must(void **state)
{
	static const char *const lines[] = {
		"# TYPE gosonde_build info",
		"gosonde_build_info{version=\"0.1.0\"} 1",
		"# TYPE gosonde_map_writes counter",
		"gosonde_map_writes_total" T "} 123456789012",
		"# TYPE gosonde_probe_seconds counter",
		"# UNIT gosonde_probe_seconds seconds",
		"# TYPE go_goroutine_count gauge",
		"# UNIT go_memory_gc_goal_bytes bytes",
		"# UNIT gosonde_probe_duty_ratio ratio",
	};
	CLEANUP(freep) struct metrics_snapshot *s = snapshot_new();
	CLEANUP(freep) char *open = rendered(EXPOSITION_OPENMETRICS, s);
	CLEANUP(freep) char *text = rendered(EXPOSITION_TEXT, s);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		assert_line(open, lines[i]);
	assert_string_equal(open + strlen(open) - strlen("\n# EOF\n"), "\n# EOF\n");
	assert_null(strstr(text, "# EOF"));
	assert_null(strstr(text, "# UNIT"));
}

/* A sample's name is its family's, but for a histogram's endings. */
static bool belongs(const char *sample, const char *family, const char *type)
{
	static const char *const endings[] = { "_bucket", "_sum", "_count" };
	size_t len = strlen(family);
	char *rest;

	if (strncmp(sample, family, len))
		return false;
	rest = strndup(sample + len, strcspn(sample + len, "{ "));
	assert_non_null(rest);
	if (strcmp(type, "histogram")) {
		bool same = !*rest;

		free(rest);
		return same;
	}
	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		if (!strcmp(rest, endings[i])) {
			free(rest);
			return true;
		}
	}
	free(rest);
	return false;
}

/* The grammar, read with no help of what wrote it: labels, then one number. */
static void check_sample(const char *line)
{
	const char *at = line + strspn(line, "abcdefghijklmnopqrstuvwxyz_0123456789");
	char *end;

	while (*at == '{' || *at == ',') {
		at++;
		at += strspn(at, "abcdefghijklmnopqrstuvwxyz_");
		assert_true(at[0] == '=' && at[1] == '"');
		for (at += 2; *at != '"'; at++) {
			assert_true((unsigned char)*at >= 0x20 && *at != 0x7f);
			if (*at == '\\')
				assert_true(*++at == '\\' || *at == '"');
		}
		at++;
		assert_true(*at == ',' || *at == '}');
	}
	at += *at == '}';
	assert_true(*at == ' ');
	(void)strtod(at + 1, &end);
	if (end == at + 1 || *end)
		fail_msg("no number at the end: %s", line);
}

static void check_text(char *text)
{
	char family[128] = "", type[32] = "", seen[8192] = "", *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char mark[160];

		if (sscanf(line, "# HELP %127s", family) == 1) {
			snprintf(mark, sizeof(mark), " %s ", family);
			if (strstr(seen, mark))
				fail_msg("a family twice: %s", family);
			strncat(seen, mark, sizeof(seen) - strlen(seen) - 1);
			continue;
		}
		if (sscanf(line, "# TYPE %*s %31s", type) == 1)
			continue;
		check_sample(line);
		if (!belongs(line, family, type))
			fail_msg("%s is no %s %s", line, type, family);
		assert_true(
			(strcmp(type, "counter") != 0) ==
			(strlen(family) < 6 || strcmp(family + strlen(family) - 6, "_total") != 0));
	}
}

static void every_line_follows_the_grammar(void **state)
{
	CLEANUP(freep) struct metrics_snapshot *s = snapshot_new();
	char *text;

	(void)state;
	snprintf(s->targets[0].exe, METRICS_NAME_BYTES, "%s", EVIL);
	snprintf(s->targets[0].module, METRICS_NAME_BYTES, "} 1\nevil_total{x=\"");
	text = rendered(EXPOSITION_TEXT, s);
	check_text(text);
	free(text);
}

static void hostile_names_stay_within_their_quotes(void **state)
{
	CLEANUP(freep) struct metrics_snapshot *s = snapshot_new();
	CLEANUP(freep) char *text = NULL;

	(void)state;
	snprintf(s->targets[0].exe, METRICS_NAME_BYTES, "%s", EVIL);
	text = rendered(EXPOSITION_OPENMETRICS, s);
	assert_line(text, "gosonde_map_writes_total{pid=\"4242\",exe=\""
			  "a\\\\x0ab\\\\x1b[2J\\\"]\\\\\\\\u{9b}\\\\u{202e}\\\\xff"
			  "\",module=\"example.com/shop\"} 123456789012");
	for (const char *at = text; *at; at++)
		assert_true(*at == '\n' || !iscntrl((unsigned char)*at));
}

static void long_names_are_cut(void **state)
{
	CLEANUP(freep) struct metrics_snapshot *s = snapshot_new();
	CLEANUP(freep) char *text = NULL;
	const char *value;
	size_t len;

	(void)state;
	memset(s->targets[0].module, '\x01', METRICS_NAME_BYTES - 1); /* grows fivefold */
	text = rendered(EXPOSITION_TEXT, s);
	value = strstr(text, "module=\"") + strlen("module=\"");
	len = strcspn(value, "\"");
	assert_true(len < METRIC_LABEL_VALUE_BYTES && len > METRIC_LABEL_VALUE_BYTES - 16);
	assert_memory_equal(value + len - 3, "...", 3);
}

/* Nothing watched, nothing known: no sample that would read like a measured 0. */
static void what_is_not_known_has_no_sample(void **state)
{
	static const char *const absent[] = {
		"gosonde_map_",	      "gosonde_goroutines_",	 "go_goroutine_count",
		"go_memory_gc_",      "gosonde_heap_live_bytes", "gosonde_faults_total",
		"gosonde_accuracy",   "gosonde_probe_",		 "gosonde_budget_",
		"gosonde_other_stop",
	};
	CLEANUP(freep) struct metrics_snapshot *s = snapshot_new();
	CLEANUP(freep) char *text = NULL;

	(void)state;
	s->target_count = 1;
	s->targets[0].last = s->targets[0].total = blind_window();
	s->targets[0].budget = 0;
	text = rendered(EXPOSITION_TEXT, s);
	for (size_t i = 0; i < ARRAY_SIZE(absent); i++) {
		char start[64];

		snprintf(start, sizeof(start), "\n%s", absent[i]);
		if (strstr(text, start))
			fail_msg("a sample of %s", absent[i]);
	}
	assert_non_null(strstr(text, "\ngosonde_lost_total{pid=\"1\","));
}

/* le, count at most, of 7 us, 30 us, 30 us, 2 ms, 2 ms, 400 ms and 3 s. */
static void pauses_sum_up(void **state)
{
	static const char *const lines[] = {
		"go_memory_gc_pause_duration_seconds_bucket" T ",le=\"1e-05\"} 1",
		"go_memory_gc_pause_duration_seconds_bucket" T ",le=\"2.5e-05\"} 1",
		"go_memory_gc_pause_duration_seconds_bucket" T ",le=\"5e-05\"} 3",
		"go_memory_gc_pause_duration_seconds_bucket" T ",le=\"0.001\"} 3",
		"go_memory_gc_pause_duration_seconds_bucket" T ",le=\"0.0025\"} 5",
		"go_memory_gc_pause_duration_seconds_bucket" T ",le=\"0.25\"} 5",
		"go_memory_gc_pause_duration_seconds_bucket" T ",le=\"0.5\"} 6",
		"go_memory_gc_pause_duration_seconds_bucket" T ",le=\"1.0\"} 6",
		"go_memory_gc_pause_duration_seconds_bucket" T ",le=\"+Inf\"} 7",
		"go_memory_gc_pause_duration_seconds_sum" T "} 3.404067",
		"go_memory_gc_pause_duration_seconds_count" T "} 7",
	};
	CLEANUP(hist_freep) struct hist *pauses = hist_new();
	CLEANUP(freep) struct metrics_snapshot *s = snapshot_new();
	CLEANUP(freep) char *text = NULL;

	(void)state;
	assert_non_null(pauses);
	hist_add(pauses, 7 * NS_PER_US, 1);
	hist_add(pauses, 30 * NS_PER_US, 2);
	hist_add(pauses, 2 * NS_PER_MS, 2);
	hist_add(pauses, 400 * NS_PER_MS, 1);
	hist_add(pauses, 3 * NS_PER_S, 1);
	s->targets[0].pauses = metrics_pauses_of(pauses);
	text = rendered(EXPOSITION_TEXT, s);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		assert_line(text, lines[i]);
}

static void format_is_what_the_client_prefers(void **state)
{
	static const struct {
		const char *accept;
		enum exposition_format format;
	} cases[] = {
		{ NULL, EXPOSITION_TEXT },
		{ "", EXPOSITION_TEXT },
		{ "*/*", EXPOSITION_TEXT },
		{ "text/html,application/xml;q=0.9,*/*;q=0.8", EXPOSITION_TEXT },
		/* Prometheus 2.42's own */
		{ "application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
		  "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		  EXPOSITION_OPENMETRICS },
		{ "APPLICATION/OpenMetrics-Text", EXPOSITION_OPENMETRICS },
		{ "application/openmetrics-text; q=0", EXPOSITION_TEXT },
		{ "application/openmetrics-text;q=0.3, text/plain;q=0.5", EXPOSITION_TEXT },
		{ "text/plain;q=0.5 , application/openmetrics-text;version=1.0.0;q=0.6",
		  EXPOSITION_OPENMETRICS },
		{ "application/openmetrics-textual", EXPOSITION_TEXT },
		{ ",,;q=;;q=,application/openmetrics-text;q=", EXPOSITION_TEXT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (exposition_negotiate(cases[i].accept) != cases[i].format)
			fail_msg("%s", cases[i].accept);
}

static void a_full_disk_is_told(void **state)
{
	CLEANUP(freep) struct metrics_snapshot *s = snapshot_new();
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(full);
	setvbuf(full, NULL, _IOFBF, 16);
	assert_int_equal(metrics_render(full, EXPOSITION_TEXT, s), -EIO);
	fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures_of_a_snapshot),
		cmocka_unit_test(openmetrics_differs_in_what_it_must),
		cmocka_unit_test(every_line_follows_the_grammar),
		cmocka_unit_test(hostile_names_stay_within_their_quotes),
		cmocka_unit_test(long_names_are_cut),
		cmocka_unit_test(what_is_not_known_has_no_sample),
		cmocka_unit_test(pauses_sum_up),
		cmocka_unit_test(format_is_what_the_client_prefers),
		cmocka_unit_test(a_full_disk_is_told),
	};

	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
