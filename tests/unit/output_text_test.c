/* SPDX-License-Identifier: BSD-2-Clause */
/* What a terminal gets: the figures where people look for them, and nothing that could harm it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "output/text_style.h"
#include "output_sample.h"

/* What print writes, with a text_output over memory. */
struct printed {
	char *text;
	size_t len;
	struct text_output output;
};

static struct printed *print_to_memory(bool colour)
{
	struct printed *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->output = (struct text_output) { .out = open_memstream(&p->text, &p->len),
					   .colour = colour,
					   .header_every = 2 };
	assert_non_null(p->output.out);
	return p;
}

static const char *printed_text(struct printed *p)
{
	fflush(p->output.out);
	return p->text;
}

static void printed_free(struct printed *p)
{
	fclose(p->output.out);
	free(p->text);
	free(p);
}

#define WINDOW_HEADER                                                                              \
	"TIME UTC     PID WRITES/s   DELS/s  GROWS/s  MOVED/s   GC STOP-P99 STOP-MAX      HEAP "   \
	"  GOROUT    NEW/s  COST%  LOST\n"
#define BLIND_LINE                                                                                 \
	"00:00:00       1        -        -        -        -    -        -        -         - "   \
	"       -        -      -     0\n"

static void windows_line_up_below_headings(void **state)
{
	struct printed *p = print_to_memory(false);
	struct window window = sample_window(), blind = blind_window();

	(void)state;
	text_window(&p->output, &window, &(struct timebase) { 0 });
	text_window(&p->output, &blind, &(struct timebase) { 0 });
	text_window(&p->output, &blind, &(struct timebase) { 0 });
	assert_string_equal(printed_text(p), WINDOW_HEADER
			    "00:00:05    4242   ~1.3 M      ~12        3    7.0 k    2   1.2 ms   "
			    "1.2 ms   4.0 MiB "
			    "      17      0.1   0.75     0\n" BLIND_LINE WINDOW_HEADER BLIND_LINE);
	printed_free(p);
}

static void accuracy_shows_in_the_line(void **state)
{
	struct printed *p = print_to_memory(false);
	struct window window = sample_window();

	(void)state;
	p->output.header_every = 0;
	window.map.accuracy = ACCURACY_LOWER_BOUND;
	window.lost.ring = 3;
	window.lost.missed = 4;
	text_window(&p->output, &window, &sample_timebase);
	assert_non_null(strstr(printed_text(p), " >1.3 M "));
	assert_null(strstr(printed_text(p), "WRITES"));	      /* no heading was asked for */
	assert_non_null(strstr(printed_text(p), "     7\n")); /* losses add up */
	printed_free(p);
}

static void an_alert_tells_everything(void **state)
{
	struct printed *p = print_to_memory(false);
	struct alert alert = sample_alert();

	(void)state;
	text_alert(&p->output, &alert, &sample_timebase);
	assert_string_equal(
		printed_text(p),
		"00:00:05 UTC ALERT warning rehash-storm pid 4242: growing maps move 1.2 M "
		"entries/s: " EVIL_OUT "\n"
		"  value              1.2 M entries/s (threshold 1.0 M entries/s)\n"
		"  since              00:00:03 UTC (2.0 s)\n"
		"  subject            map[string]" EVIL_OUT "\n"
		"  stop latency       12.3 ms\n"
		"  map type           " EVIL_OUT "\n"
		"  stack              main.(*Cache).Put cache.go:42\n"
		"                     " EVIL_OUT "\n"
		"  what to do         make(map[string]int, 100000)\n");
	printed_free(p);
}

static void colour_only_on_request(void **state)
{
	struct printed *plain = print_to_memory(false), *coloured = print_to_memory(true);
	struct alert alert = sample_alert();

	(void)state;
	alert.severity = SEVERITY_CRITICAL;
	text_alert(&plain->output, &alert, &sample_timebase);
	text_alert(&coloured->output, &alert, &sample_timebase);
	assert_null(strchr(printed_text(plain), '\x1b'));
	assert_int_equal(
		strncmp(printed_text(coloured), "\x1b[1;31m00:00:05 UTC ALERT critical", 34), 0);
	printed_free(plain);
	printed_free(coloured);
}

static void an_alert_tells_where_it_runs(void **state)
{
	struct printed *p = print_to_memory(false);
	struct alert alert = sample_alert();

	(void)state;
	alert.placement = sample_placement();
	text_alert(&p->output, &alert, &sample_timebase);
	assert_non_null(strstr(printed_text(p), "\n  container          " SAMPLE_ID
						"\n  pod                " SAMPLE_POD
						"\n  quality of service Burstable\n"));
	printed_free(p);
}

static void a_resolved_alert_says_so(void **state)
{
	struct printed *p = print_to_memory(false);
	struct alert alert = sample_alert();

	(void)state;
	alert.state = ALERT_RESOLVED;
	alert.dry_run = true;
	text_alert(&p->output, &alert, &sample_timebase);
	assert_non_null(strstr(printed_text(p), " RESOLVED warning rehash-storm "));
	assert_non_null(strstr(printed_text(p), "\n  dry run            reported here only"));
	printed_free(p);
}

static void labels_stand_below_the_subject(void **state)
{
	struct printed *p = print_to_memory(false);
	struct alert alert = sample_alert();

	(void)state;
	alert.labels = &sample_labels;
	text_alert(&p->output, &alert, &sample_timebase);
	assert_non_null(strstr(printed_text(p),
			       "\n  subject            map[string]" EVIL_OUT "\n"
			       "  labels             team=\"shop \\\"a\\\"]\\\\\"\n"
			       "                     rule=\"x\"\n"
			       "  stop latency "));
	printed_free(p);
}

static void a_cycle_fits_on_a_line(void **state)
{
	struct printed *p = print_to_memory(false);
	struct gc_cycle cycle = sample_cycle();

	(void)state;
	text_gc(&p->output, 4242, &cycle, &sample_timebase);
	assert_string_equal(
		printed_text(p),
		"00:00:05    4242 gc 7 (forced): mark 1.2 ms; gc sweep termination 12.0 us to "
		"stop + 34.0 us stopped; gc mark termination 99.0 us; heap 4.0 MiB -> 5.0 MiB "
		"-> 16.0 EiB\n");
	printed_free(p);
}

static void a_growth_names_map_and_caller(void **state)
{
	struct printed *p = print_to_memory(false);
	struct event event = sample_growth();

	(void)state;
	text_map_grow(&p->output, &event, &sample_names, &sample_timebase);
	assert_string_equal(
		printed_text(p),
		"00:00:05    4242 map 0xc000123000 map[string]" EVIL_OUT
		": double, 1.8 k entries, 2.0 k -> 4.1 k slots, during GC, by main.f1 " EVIL_OUT
		"\n");
	printed_free(p);
}

static void attached_lists_sites_and_omissions(void **state)
{
	struct printed *p = print_to_memory(false);
	struct attached_info info = sample_attached();

	(void)state;
	text_attached(&p->output, &info);
	assert_string_equal(
		printed_text(p),
		"pid 4242  /srv/" EVIL_OUT "\n"
		"  go1.22.12, module example.com/shop, classic maps, stripped\n"
		"  GROUP      FUNCTION                                          "
		"ENTRY+OFFSET         "
		"CLASS        PER HIT  WHY HERE\n"
		"  map-write  runtime.mapassign_fast64                          "
		"0x40fa00+10          "
		"emulated      480 ns  push after the stack check\n"
		"  gc         " EVIL_OUT
		"                0x43b2a0+0           single-step        -\n"
		"  omitted    runtime.mapdelete_fast32                          not linked into this program\n"
		"  unknown    goroutines alive                                  " EVIL_OUT "\n");
	printed_free(p);
}

static void attached_in_brief_counts_probes(void **state)
{
	struct printed *p = print_to_memory(false);
	struct attached_info info = sample_attached();

	(void)state;
	text_attached_brief(&p->output, &info);
	assert_string_equal(
		printed_text(p),
		"pid 4242  /srv/" EVIL_OUT "\n"
		"  go1.22.12, module example.com/shop, classic maps, stripped\n"
		"  map-write   1 probe,  emulated, 480 ns a hit\n"
		"  gc          1 probe,  single-step, - a hit\n"
		"  omitted    runtime.mapdelete_fast32                          not linked into this program\n"
		"  unknown    goroutines alive                                  " EVIL_OUT "\n");
	printed_free(p);
}

static void a_summary_holds_the_totals(void **state)
{
	struct printed *p = print_to_memory(false);
	struct summary summary = sample_summary();

	(void)state;
	text_summary(&p->output, &summary);
	assert_string_equal(
		printed_text(p),
		"pid 4242, observed for 12.5 s\n"
		"  map writes                    1300000   1.3 M/s, sampled +/- 2.0 %\n"
		"  map deletes                        12   12/s, sampled +/- 0.0 %\n"
		"  map growths                         3   3/s, exact\n"
		"  entries moved                    7000   7.0 k/s, exact\n"
		"  gc cycles                           2   1 of them forced\n"
		"  gc pauses                           4   p50 45.0 us, p99 1.2 ms, max 1.2 ms, "
		"2.0 ms "
		"altogether\n"
		"  heap at the end               4.0 MiB   goal 8.0 MiB\n"
		"  goroutines at the end              17\n"
		"  goroutines created               1000   0.1/s, exact\n"
		"  goroutines exited                 990\n"
		"  panics and throws                   0\n"
		"  alerts                              2\n"
		"  probe hits                     123456   0.75 % of one CPU, from the measured "
		"cost "
		"of a hit\n"
		"  map-write attached              4.00%   of the time, to keep the budget\n"
		"  lost                          nothing\n"
		"map operations by call site\n"
		"         1300000  write   main.(*Cache).Put cache.go:42  map[string]" EVIL_OUT "\n"
		"              12  delete  " EVIL_OUT "  map[int]int\n"
		"goroutines by creation site\n"
		"            1000 created, 990 exited  main.leak main.go:7  runs " EVIL_OUT "\n");
	printed_free(p);
}

static void losses_are_told_by_cause(void **state)
{
	struct printed *p = print_to_memory(false);
	struct summary summary = sample_summary();
	const char *text;

	(void)state;
	summary.total.lost = (struct window_lost) { .ring = 5, .missed = 9 };
	summary.total.cost.known = false;
	summary.budget_failure = "a byte changed: \x1b[2J";
	text_summary(&p->output, &summary);
	text = printed_text(p);
	assert_non_null(strstr(text, "a group stayed off"));
	assert_non_null(strstr(text, "a byte changed: \\x1b[2J\n"));
	assert_non_null(strstr(text, "  5   records, because the ring buffer was full\n"));
	assert_non_null(strstr(text, "  9   hits that the kernel did not deliver\n"));
	assert_null(strstr(text, "nothing"));
	assert_null(strstr(text, "faulted"));
	assert_non_null(strstr(text, "cost unknown"));
	printed_free(p);
}

static void a_process_list_fits_the_terminal(void **state)
{
	static const struct listed_process rows[] = {
		{ .pid = 7,
		  .comm = "shop",
		  .exe = "/srv/shop",
		  .container = "",
		  .engine = "",
		  .pod_uid = "",
		  .qos = "",
		  .age_ns = 90 * NS_PER_S,
		  .understood = true,
		  .go = "go1.22.12",
		  .module = "example.com/a/rather/long/module/path" },
		{ .pid = 12345,
		  .comm = EVIL,
		  .exe = "/x",
		  .container = "0123456789abcdef",
		  .engine = "docker",
		  .kubernetes = true,
		  .pod_uid = "",
		  .qos = "Guaranteed",
		  .age_ns = 5 * NS_PER_S,
		  .obstacle = "no function table: " EVIL },
	};
	struct printed *p = print_to_memory(false);

	(void)state;
	assert_int_equal(listed_text(p->output.out, rows, ARRAY_SIZE(rows), 1), 0);
	assert_string_equal(
		printed_text(p),
		"  PID  COMMAND                             GO         MODULE            "
		"SYMBOLS  CONTAINER                           AGE    ATTACH\n"
		"    7  shop                                go1.22.12  example.com/a/ra  full  "
		"   -                                   1m30s  yes\n"
		"12345  " EVIL_OUT
		"  ?          ?                 ?        0123456789ab docker k8s Guaranteed  5.0 s  "
		"no: no function table: " EVIL_OUT "\n");
	printed_free(p);
}

static void values_have_their_unit(void **state)
{
	static const struct {
		double value;
		const char *unit, *want;
	} rows[] = {
		{ 812e6, "ns", "812 ms" },
		{ 812e6, "ns/min", "812 ms/min" },
		{ 31.25, "%", "31.2 %" },
		{ 31.25, "pct", "31.2 %" },
		{ 1.2e6, "entries", "1.2 M entries" },
		{ 3, NULL, "3" },
	};
	char buf[TEXT_VALUE_BYTES];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(text_value(buf, rows[i].value, rows[i].unit), rows[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows_line_up_below_headings),
		cmocka_unit_test(accuracy_shows_in_the_line),
		cmocka_unit_test(an_alert_tells_everything),
		cmocka_unit_test(colour_only_on_request),
		cmocka_unit_test(an_alert_tells_where_it_runs),
		cmocka_unit_test(a_resolved_alert_says_so),
		cmocka_unit_test(labels_stand_below_the_subject),
		cmocka_unit_test(values_have_their_unit),
		cmocka_unit_test(a_cycle_fits_on_a_line),
		cmocka_unit_test(a_growth_names_map_and_caller),
		cmocka_unit_test(attached_lists_sites_and_omissions),
		cmocka_unit_test(attached_in_brief_counts_probes),
		cmocka_unit_test(a_summary_holds_the_totals),
		cmocka_unit_test(losses_are_told_by_cause),
		cmocka_unit_test(a_process_list_fits_the_terminal),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
