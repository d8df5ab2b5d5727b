/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON Lines against the command line's contract, read back by a parser. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>

#include "output_sample.h"

/* One line that a renderer wrote: checked for its form, then parsed. */
struct lines {
	char *text;
	size_t len;
	FILE *out;
};

static struct lines lines_open(void)
{
	struct lines l = { 0 };

	return l;
}

static json_t *read_back(struct lines *l)
{
	json_error_t why;
	json_t *obj;

	assert_int_equal(fclose(l->out), 0);
	assert_true(l->len > 1);
	/* one line, ASCII, without a control byte: harmless wherever it is shown */
	for (size_t i = 0; i + 1 < l->len; i++)
		assert_true(l->text[i] >= 0x20 && l->text[i] < 0x7f);
	assert_int_equal(l->text[l->len - 1], '\n');
	obj = json_loadb(l->text, l->len, JSON_REJECT_DUPLICATES, &why);
	if (!obj)
		fail_msg("%s: %s", why.text, l->text);
	return obj;
}

static void lines_done(struct lines *l, json_t *obj)
{
	json_decref(obj);
	free(l->text);
}

#define RENDER(lines, call)                                                                        \
	({                                                                                         \
		(lines).out = open_memstream(&(lines).text, &(lines).len);                         \
		assert_non_null((lines).out);                                                      \
		assert_int_equal((call), 0);                                                       \
		read_back(&(lines));                                                               \
	})

/* The value at "a.b.c" or "a.0.b"; fails the test if there is none. */
static json_t *at(json_t *obj, const char *path)
{
	char copy[128], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *key = strtok_r(copy, ".", &save); key; key = strtok_r(NULL, ".", &save)) {
		obj = json_is_array(obj) ? json_array_get(obj, strtoul(key, NULL, 10))
					 : json_object_get(obj, key);
		if (!obj)
			fail_msg("no \"%s\" of \"%s\"", key, path);
	}
	return obj;
}

static const char *text_at(json_t *obj, const char *path)
{
	const char *text = json_string_value(at(obj, path));

	if (!text)
		fail_msg("\"%s\" is no text", path);
	return text;
}

static void assert_integer(json_t *obj, const char *path, json_int_t want)
{
	assert_true(json_is_integer(at(obj, path)));
	assert_true(json_integer_value(at(obj, path)) == want);
}

static void assert_real(json_t *obj, const char *path, double want)
{
	assert_true(json_is_real(at(obj, path)));
	assert_true(fabs(json_real_value(at(obj, path)) - want) <= 1e-12 * fabs(want));
}

/* Contract: `type` first, then the time and the PID. */
static void assert_origin(const struct lines *l, const char *type)
{
	char want[128];

	snprintf(want, sizeof(want), "{\"type\":\"%s\",\"time\":\"2026-01-01T00:00:05.", type);
	assert_int_equal(strncmp(l->text, want, strlen(want)), 0);
	assert_non_null(strstr(l->text, "Z\",\"pid\":4242,"));
}

static void attached(void **state)
{
	struct lines l = lines_open();
	struct attached_info info = sample_attached();
	json_t *obj = RENDER(l, json_attached(l.out, &info, &sample_timebase));

	(void)state;
	assert_origin(&l, "attached");
	assert_string_equal(text_at(obj, "exe"), "/srv/" EVIL_UTF8);
	assert_string_equal(text_at(obj, "module"), "example.com/shop");
	assert_string_equal(text_at(obj, "go"), "go1.22.12");
	assert_true(json_is_true(at(obj, "stripped")) && json_is_false(at(obj, "pie")));
	assert_string_equal(text_at(obj, "maps"), "classic");
	assert_string_equal(text_at(obj, "probes.0.group"), "map-write");
	assert_string_equal(text_at(obj, "probes.0.function"), "runtime.mapassign_fast64");
	assert_string_equal(text_at(obj, "probes.0.address"), "0x40fa00");
	assert_string_equal(text_at(obj, "probes.0.site"), "0x40fa0a");
	assert_integer(obj, "probes.0.offset", 10);
	assert_string_equal(text_at(obj, "probes.0.class"), "emulated");
	assert_integer(obj, "probes.0.ns", 480);
	assert_true(json_is_null(at(obj, "probes.1.ns"))); /* not calibrated: not zero */
	assert_string_equal(text_at(obj, "probes.1.function"), EVIL_UTF8);
	assert_string_equal(text_at(obj, "omitted.0.function"), "runtime.mapdelete_fast32");
	assert_string_equal(text_at(obj, "omitted.0.reason"), "not linked into this program");
	assert_string_equal(text_at(obj, "missing.0.what"), "goroutines alive");
	assert_string_equal(text_at(obj, "missing.0.reason"), EVIL_UTF8);
	assert_null(json_object_get(obj, "offsets")); /* of inspect only */
	lines_done(&l, obj);
}

static void inspected(void **state)
{
	struct lines l = lines_open();
	struct attached_info info = sample_attached();
	json_t *obj;

	(void)state;
	info.offsets = sample_offsets;
	info.offset_count = ARRAY_SIZE(sample_offsets);
	info.variables = sample_variables;
	info.variable_count = ARRAY_SIZE(sample_variables);
	obj = RENDER(l, json_attached(l.out, &info, &sample_timebase));
	assert_string_equal(text_at(obj, "offsets.0.field"), "runtime.g.goid");
	assert_integer(obj, "offsets.0.offset", 152);
	assert_string_equal(text_at(obj, "offsets.0.how"), "table");
	assert_string_equal(text_at(obj, "variables.0.name"), "runtime.work");
	assert_string_equal(text_at(obj, "variables.0.address"), "0x58e320");
	assert_string_equal(text_at(obj, "variables.0.how"), "symbol");
	lines_done(&l, obj);
}

static void assert_window_figures(json_t *obj)
{
	assert_integer(obj, "map.writes", 1300000);
	assert_integer(obj, "map.deletes", 12);
	assert_integer(obj, "map.grows", 3);
	assert_real(obj, "map.writes_per_s", 1300000.5);
	assert_real(obj, "map.deletes_per_s", 12);
	assert_real(obj, "map.grows_per_s", 3);
	assert_real(obj, "map.moved_per_s", 7000);
	assert_string_equal(text_at(obj, "map.accuracy"), "sampled");
	assert_integer(obj, "gc.cycles", 2);
	assert_integer(obj, "gc.pauses", 4);
	assert_integer(obj, "gc.pause_ns.p50", 45000);
	assert_integer(obj, "gc.pause_ns.p99", 1200000);
	assert_integer(obj, "gc.pause_ns.max", 1250000);
	assert_integer(obj, "gc.pause_ns.total", 2000000);
	assert_integer(obj, "gc.heap_live_bytes", 4 << 20);
	assert_integer(obj, "gc.heap_goal_bytes", 8 << 20);
	assert_integer(obj, "goroutine.live", 17);
	assert_integer(obj, "goroutine.created", 1000);
	assert_integer(obj, "goroutine.exited", 990);
	assert_real(obj, "goroutine.created_per_s", 0.1);
	assert_string_equal(text_at(obj, "goroutine.accuracy"), "exact");
	assert_integer(obj, "cost.hits", 123456);
	assert_real(obj, "cost.target_cpu_pct", 0.75);
	assert_real(obj, "cost.duty.map-write", 0.04);
	assert_real(obj, "cost.duty.goroutine", 1.0);
	assert_real(obj, "map.writes_error_per_s", 26000.01);
	assert_string_equal(text_at(obj, "map.accuracy"), "sampled");
	assert_string_equal(text_at(obj, "map.grows_accuracy"), "exact");
	assert_integer(obj, "lost.ring", 0);
	assert_integer(obj, "lost.read", 0);
	assert_integer(obj, "lost.table", 0);
	assert_integer(obj, "lost.missed", 0);
}

static void window(void **state)
{
	struct lines l = lines_open();
	struct window w = sample_window();
	json_t *obj = RENDER(l, json_window(l.out, &w, &sample_timebase));

	(void)state;
	assert_origin(&l, "window");
	assert_string_equal(text_at(obj, "time"), "2026-01-01T00:00:05.123456789Z");
	assert_real(obj, "seconds", 1.0);
	assert_window_figures(obj);
	assert_non_null(strstr(l.text, ":0.1,")); /* not 0.10000000000000001 */
	assert_null(json_object_get(obj, "observed_s"));
	lines_done(&l, obj);
}

static void what_is_not_watched_is_null(void **state)
{
	static const char *const paths[] = {
		"map.writes",	     "map.grows",	    "map.writes_per_s",	  "map.accuracy",
		"gc.cycles",	     "gc.pause_ns.p99",	    "gc.heap_live_bytes", "goroutine.live",
		"goroutine.created", "cost.target_cpu_pct",
	};
	struct lines l = lines_open();
	struct window w = blind_window();
	json_t *obj;

	(void)state;
	w.map.writes_per_s = NAN;
	obj = RENDER(l, json_window(l.out, &w, &sample_timebase));
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		assert_true(json_is_null(at(obj, paths[i])));
	assert_true(json_object_size(at(obj, "cost.duty")) == 0);
	lines_done(&l, obj);
}

static void summary(void **state)
{
	struct lines l = lines_open();
	struct summary s = sample_summary();
	json_t *obj = RENDER(l, json_summary(l.out, &s, &sample_timebase));

	(void)state;
	assert_origin(&l, "summary");
	assert_window_figures(obj);
	assert_real(obj, "observed_s.map-write", 0.5);
	assert_real(obj, "observed_s.goroutine", 12.5);
	assert_integer(obj, "alerts", 2);
	assert_string_equal(text_at(obj, "map_sites.0.operation"), "write");
	assert_string_equal(text_at(obj, "map_sites.1.operation"), "delete");
	assert_string_equal(text_at(obj, "map_sites.1.site"), EVIL_UTF8);
	assert_integer(obj, "goroutine_sites.0.exited", 990);
	lines_done(&l, obj);
}

static void gc(void **state)
{
	struct lines l = lines_open();
	struct gc_cycle cycle = sample_cycle();
	json_t *obj = RENDER(l, json_gc(l.out, 4242, &cycle, &sample_timebase));

	(void)state;
	assert_origin(&l, "gc");
	assert_integer(obj, "number", 7);
	assert_true(json_is_true(at(obj, "forced")));
	assert_integer(obj, "mark_ns", 1200000);
	assert_string_equal(text_at(obj, "pauses.0.reason"), "gc sweep termination");
	assert_integer(obj, "pauses.0.stopping_ns", 12000);
	assert_integer(obj, "pauses.0.stopped_ns", 34000);
	assert_null(json_object_get(at(obj, "pauses.0"), "split"));
	/* a version that does not tell when the world had stopped: the whole, and that it is */
	assert_integer(obj, "pauses.1.stopping_ns", 0);
	assert_integer(obj, "pauses.1.stopped_ns", 99000);
	assert_string_equal(text_at(obj, "pauses.1.split"), "unknown");
	assert_integer(obj, "heap_start_bytes", 4 << 20);
	assert_integer(obj, "heap_end_bytes", 5 << 20);
	assert_integer(obj, "heap_live_bytes", INT64_MAX); /* not a negative number */
	assert_true(json_is_null(at(obj, "heap_goal_bytes")));
	assert_true(json_is_null(at(obj, "gctrace"))); /* words are missing */
	lines_done(&l, obj);
}

static void map_grow(void **state)
{
	static const struct {
		enum wire_grow_kind kind;
		const char *name;
	} kinds[] = {
		{ WIRE_GROW_DOUBLE, "double" },
		{ WIRE_GROW_SAME_SIZE, "same-size" },
		{ WIRE_GROW_SMALL_TO_TABLE, "small-to-table" },
		{ WIRE_GROW_TABLE, "table-grow" },
		{ WIRE_GROW_SPLIT, "table-split" },
	};
	struct event event = sample_growth();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct lines l = lines_open();
		json_t *obj;

		event.map_grow.grow = kinds[i].kind;
		obj = RENDER(l, json_map_grow(l.out, &event, &sample_names, &sample_timebase));
		assert_origin(&l, "map_grow");
		assert_string_equal(text_at(obj, "map"), "0xc000123000");
		assert_string_equal(text_at(obj, "map_type"), "map[string]" EVIL_UTF8);
		assert_string_equal(text_at(obj, "kind"), kinds[i].name);
		assert_integer(obj, "entries", 1793);
		assert_integer(obj, "slots_before", 2048);
		assert_integer(obj, "slots_after", 4096);
		assert_true(json_is_true(at(obj, "during_gc")));
		assert_string_equal(text_at(obj, "stack.0"), "main.f1 " EVIL_UTF8);
		assert_int_equal(json_array_size(at(obj, "stack")), 2);
		lines_done(&l, obj);
	}
	event.kind = EVENT_STOP;
	assert_int_equal(json_map_grow(stdout, &event, &sample_names, &sample_timebase), -EINVAL);
}

static void alert(void **state)
{
	struct lines l = lines_open();
	struct alert a = sample_alert();
	json_t *obj = RENDER(l, json_alert(l.out, &a, &sample_timebase));

	(void)state;
	assert_origin(&l, "alert");
	assert_string_equal(text_at(obj, "rule"), "rehash-storm");
	assert_string_equal(text_at(obj, "state"), "firing");
	assert_string_equal(text_at(obj, "severity"), "warning");
	assert_real(obj, "value", 1234567.5);
	assert_real(obj, "threshold", 1000000);
	assert_true(json_is_false(at(obj, "dry_run")));
	assert_string_equal(text_at(obj, "summary"),
			    "growing maps move 1.2 M entries/s: " EVIL_UTF8);
	assert_string_equal(text_at(obj, "subject"), "map[string]" EVIL_UTF8);
	assert_string_equal(text_at(obj, "since"), "2026-01-01T00:00:03.000000000Z");
	assert_real(obj, "evidence.stop_latency_ns", 12345678);
	assert_string_equal(text_at(obj, "evidence.map_type"), EVIL_UTF8);
	assert_string_equal(text_at(obj, "evidence.stack.1"), EVIL_UTF8);
	assert_null(json_object_get(obj, "labels"));
	lines_done(&l, obj);
}

static void labels_are_an_object(void **state)
{
	struct lines l = lines_open();
	struct alert a = sample_alert();
	json_t *obj;

	(void)state;
	a.labels = &sample_labels;
	obj = RENDER(l, json_alert(l.out, &a, &sample_timebase));
	assert_string_equal(text_at(obj, "labels.team"), "shop \"a\"]\\");
	assert_string_equal(text_at(obj, "labels.rule"), "x");
	assert_string_equal(text_at(obj, "rule"), "rehash-storm");
	lines_done(&l, obj);
}

static void process(void **state)
{
	const struct listed_process p = { .pid = 4242,
					  .comm = EVIL,
					  .exe = "/x",
					  .container = "",
					  .engine = "",
					  .pod_uid = "",
					  .qos = "",
					  .obstacle = "no function table" };
	struct lines l = lines_open();
	json_t *obj = RENDER(l, listed_json(l.out, &p));

	(void)state;
	assert_string_equal(text_at(obj, "type"), "process");
	assert_string_equal(text_at(obj, "comm"), EVIL_UTF8);
	assert_true(json_is_null(at(obj, "go")) && json_is_null(at(obj, "container")));
	assert_true(json_is_null(at(obj, "pod_uid")) && json_is_null(at(obj, "qos")));
	assert_true(json_is_false(at(obj, "attachable")));
	assert_string_equal(text_at(obj, "reason"), "no function table");
	lines_done(&l, obj);
}

static void where_it_runs(void **state)
{
	struct lines l = lines_open();
	struct alert a = sample_alert();
	json_t *obj;

	(void)state;
	obj = RENDER(l, json_alert(l.out, &a, &sample_timebase));
	assert_true(json_is_null(at(obj, "container")) && json_is_null(at(obj, "pod_uid")) &&
		    json_is_null(at(obj, "qos")));
	lines_done(&l, obj);
	l = lines_open();
	a.placement = sample_placement();
	obj = RENDER(l, json_alert(l.out, &a, &sample_timebase));
	assert_string_equal(text_at(obj, "container"), SAMPLE_ID);
	assert_string_equal(text_at(obj, "pod_uid"), SAMPLE_POD);
	assert_string_equal(text_at(obj, "qos"), "Burstable");
	lines_done(&l, obj);
}

static void very_long_names_stay_whole(void **state)
{
	struct attached_info info = sample_attached();
	struct lines l = lines_open();
	size_t len = 1 << 20;
	char *name = malloc(len + 1);
	json_t *obj;

	(void)state;
	assert_non_null(name);
	memset(name, '\xff', len); /* each becomes three bytes */
	name[len] = '\0';
	info.exe = name;
	obj = RENDER(l, json_attached(l.out, &info, &sample_timebase));
	assert_true(json_string_length(at(obj, "exe")) == 3 * len);
	lines_done(&l, obj);
	free(name);
}

static void a_full_device_is_reported(void **state)
{
	FILE *full = fopen("/dev/full", "w");
	struct window w = sample_window();

	(void)state;
	assert_non_null(full);
	setvbuf(full, NULL, _IONBF, 0);
	assert_int_equal(json_window(full, &w, &sample_timebase), -EIO);
	fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attached),
		cmocka_unit_test(inspected),
		cmocka_unit_test(window),
		cmocka_unit_test(what_is_not_watched_is_null),
		cmocka_unit_test(summary),
		cmocka_unit_test(gc),
		cmocka_unit_test(map_grow),
		cmocka_unit_test(alert),
		cmocka_unit_test(labels_are_an_object),
		cmocka_unit_test(where_it_runs),
		cmocka_unit_test(process),
		cmocka_unit_test(very_long_names_stay_whole),
		cmocka_unit_test(a_full_device_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
