/* SPDX-License-Identifier: BSD-2-Clause */
/* Windows and the summary: differences of cumulative samples, over the time that really passed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "base/macros.h"
#include "base/units.h"
#include "model/model.h"

static const struct model_config config = {
	.pid = 42,
	.attach_ns = 10 * NS_PER_S,
	.has_map_write = true,
	.has_goroutine = true,
	.cost_known = true,
};

/* Feeds a sample and ticks. */
static struct window tick(struct model *model, u64 now_ns, const struct event_sample *sample)
{
	struct event event = { .kind = EVENT_SAMPLE, .time_ns = now_ns, .sample = *sample };
	struct window window;

	assert_int_equal(model_feed(model, &event), 0);
	model_tick(model, now_ns, &window);
	return window;
}

static void test_rates_divide_by_real_time(void **state)
{
	CLEANUP(model_freep) struct model *model = model_new(&config, NULL);
	struct event_sample sample = {
		.hits = { [WIRE_FN_MAPASSIGN] = 100,
			  [WIRE_FN_MAPASSIGN_FAST32PTR] = 50,
			  [WIRE_FN_MAPDELETE_FASTSTR] = 30,
			  [WIRE_FN_MAPCLEAR] = 2,
			  [WIRE_FN_MARK_TERMINATION] = 3,
			  [WIRE_FN_GOPANIC] = 1 },
		.raw_hits = 186,
		.moved = 600,
		.grows = 6,
		.grows_unrecorded = 5,
		.regrown = 7,
		.foreign = 8,
		.probe_ns = 15e6,
		.goroutine_baseline = -1,
	};
	struct window w;

	(void)state;
	w = tick(model, 11500 * NS_PER_MS, &sample); /* the tick came half a second late */
	assert_true(w.pid == 42 && w.end_ns == 11500 * NS_PER_MS && w.seconds == 1.5);
	assert_true(w.map.writes == 150 && w.map.writes_per_s == 100);
	assert_true(w.map.deletes == 30 && w.map.deletes_per_s == 20);
	assert_true(w.map.clears == 2 && w.map.grows == 6 && w.map.grows_per_s == 4);
	assert_true(w.map.grows_unrecorded == 5 && w.cost.regrown == 7 && w.cost.foreign == 8);
	assert_true(w.map.moved == 600 && w.map.moved_per_s == 400);
	assert_true(w.gc.cycles == 3 && w.faults == 1 && w.goroutine.live == -1);
	assert_true(w.cost.hits == 186 && fabs(w.cost.target_cpu_pct - 1) < 1e-9);
	assert_true(w.cost.known && w.has_map_write && !w.has_gc);
	assert_int_equal(w.map.accuracy, ACCURACY_EXACT);

	w = tick(model, 11500 * NS_PER_MS,
		 &sample); /* two ticks at once: nothing, no division by 0 */
	assert_true(w.map.grows_unrecorded == 0 && w.cost.regrown == 0 && w.cost.foreign == 0);
	assert_true(w.seconds == 0 && w.map.writes == 0 && w.map.writes_per_s == 0);
}

static void test_live_goroutines(void **state)
{
	CLEANUP(model_freep) struct model *model = model_new(&config, NULL);
	struct event_go_site rows[] = {
		{ .gopc = 1, .created = 70, .exited = 20 },
		{ .gopc = 2, .created = 9, .exited = 4, .system = true },
		{ .gopc = 3, .created = 0, .exited = 5 }, /* created before attach */
	};
	struct event_sample sample = {
		.hits = { [WIRE_FN_GO_CREATE] = 79, [WIRE_FN_GO_EXIT] = 29 },
		.goroutine_baseline = 100,
		.goroutine_baseline_error = 3,
		.go_sites = rows,
		.go_site_count = 3,
	};
	struct window w = tick(model, 11 * NS_PER_S, &sample);

	(void)state;
	assert_true(w.goroutine.created == 70 && w.goroutine.exited == 25);
	assert_true(w.goroutine.live == 145 && w.goroutine.created_per_s == 70);
	assert_true(w.goroutine.live_error == 3);
	assert_int_equal(w.goroutine.accuracy, ACCURACY_EXACT);

	/* The table overflowed: 21 more have no site; they count, and the figure says so. */
	sample.hits[WIRE_FN_GO_CREATE] = 100;
	sample.lost_table = 21;
	w = tick(model, 12 * NS_PER_S, &sample);
	assert_true(w.goroutine.created == 21 && w.goroutine.live == 166);
	assert_int_equal(w.goroutine.accuracy, ACCURACY_LOWER_BOUND);

	/* No new loss in this window, but one in the whole. */
	w = tick(model, 13 * NS_PER_S, &sample);
	assert_int_equal(w.goroutine.accuracy, ACCURACY_EXACT);
	model_summary(model, 13 * NS_PER_S, &w);
	assert_int_equal(w.goroutine.accuracy, ACCURACY_LOWER_BOUND);
	assert_true(w.goroutine.created == 91 && w.lost.table == 21);
}

static void test_losses_make_lower_bounds(void **state)
{
	static const struct {
		const char *name;
		struct event_sample sample;
		enum accuracy map, goroutine;
	} cases[] = {
		{ "none", { .moved = 0 }, ACCURACY_EXACT, ACCURACY_EXACT },
		{ "records: counters have them all",
		  { .lost_ring = 1 },
		  ACCURACY_EXACT,
		  ACCURACY_EXACT },
		{ "a read: entries moved, or a site",
		  { .lost_read = 1 },
		  ACCURACY_LOWER_BOUND,
		  ACCURACY_LOWER_BOUND },
		{ "a row of sites", { .lost_table = 1 }, ACCURACY_EXACT, ACCURACY_LOWER_BOUND },
		{ "a probe's hit",
		  { .lost_missed = 1 },
		  ACCURACY_LOWER_BOUND,
		  ACCURACY_LOWER_BOUND },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(model_freep) struct model *model = model_new(&config, NULL);
		struct window w = tick(model, 11 * NS_PER_S, &cases[i].sample);

		if (w.map.accuracy != cases[i].map || w.goroutine.accuracy != cases[i].goroutine)
			fail_msg("%s: %s, %s", cases[i].name, accuracy_name(w.map.accuracy),
				 accuracy_name(w.goroutine.accuracy));
	}
}

/* Whether a group had gaps decides, not what it counted. */
static void test_gaps_make_samples(void **state)
{
	static const struct {
		const char *name;
		struct event_group map_write;
		enum accuracy accuracy;
		double duty, error_per_s;
	} cases[] = {
		{ "none", { .gap_ns = 0 }, ACCURACY_EXACT, 1, 0 },
		{ "half of the time, four windows",
		  { .gap_ns = 500000000, .windows = 4, .sd_per_s = 100 },
		  ACCURACY_SAMPLED,
		  0.5,
		  0.5 * 100 / 2 },
		{ "a correction that may be off by a tenth",
		  { .gap_ns = 900000000, .windows = 1, .bias_error = 0.1 },
		  ACCURACY_SAMPLED,
		  0.1,
		  0.9 * 0.1 * 1000 },
		{ "calls that may have been left behind, few",
		  { .gap_ns = 900000000, .windows = 1, .calls = 1000, .unseen = 300 },
		  ACCURACY_SAMPLED,
		  0.1,
		  300 },
		{ "many",
		  { .gap_ns = 900000000, .windows = 1, .calls = 1000, .unseen = 700 },
		  ACCURACY_LOWER_BOUND,
		  0.1,
		  700 },
		{ "too dense",
		  { .gap_ns = 990000000, .windows = 2, .bounded = true },
		  ACCURACY_LOWER_BOUND,
		  0.01,
		  0 },
		{ "it could not be attached again",
		  { .gap_ns = 1000000000, .failed = true },
		  ACCURACY_LOWER_BOUND,
		  0,
		  0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(model_freep) struct model *model = model_new(&config, NULL);
		struct event_sample sample = {
			.hits = { [WIRE_FN_MAPASSIGN] = 1000 },
			.groups = { [WIRE_GROUP_MAP_WRITE] = cases[i].map_write },
		};
		struct window w = tick(model, 11 * NS_PER_S, &sample);

		if (w.map.accuracy != cases[i].accuracy ||
		    fabs(w.cost.duty[WIRE_GROUP_MAP_WRITE] - cases[i].duty) > 1e-9 ||
		    fabs(w.map.writes_error_per_s - cases[i].error_per_s) > 1e-9)
			fail_msg("%s: %s, duty %g, error %g", cases[i].name,
				 accuracy_name(w.map.accuracy), w.cost.duty[WIRE_GROUP_MAP_WRITE],
				 w.map.writes_error_per_s);
		assert_int_equal(w.goroutine.accuracy, ACCURACY_EXACT);
		assert_int_equal(w.map.grows_accuracy, ACCURACY_EXACT);
	}
}

/* A window says how it was obtained itself; the whole keeps the worst. */
static void test_accuracy_is_of_the_window(void **state)
{
	CLEANUP(model_freep) struct model *model = model_new(&config, NULL);
	struct event_sample sample = { .hits = { [WIRE_FN_MAPASSIGN] = 1000 } };
	struct event_group *g = &sample.groups[WIRE_GROUP_MAP_WRITE];
	struct window w;

	(void)state;
	assert_int_equal(tick(model, 11 * NS_PER_S, &sample).map.accuracy, ACCURACY_EXACT);
	*g = (struct event_group) { .gap_ns = 700000000, .windows = 3, .sd_per_s = 10 };
	assert_int_equal(tick(model, 12 * NS_PER_S, &sample).map.accuracy, ACCURACY_SAMPLED);
	assert_int_equal(tick(model, 13 * NS_PER_S, &sample).map.accuracy, ACCURACY_EXACT);
	model_summary(model, 13 * NS_PER_S, &w);
	assert_int_equal(w.map.accuracy, ACCURACY_SAMPLED);
	assert_true(fabs(w.cost.duty[WIRE_GROUP_MAP_WRITE] - (1 - 0.7 / 3)) < 1e-9);
}

/* Estimates of created and exited differ by more than what lives. */
static void test_live_goroutines_are_read_where_sampled(void **state)
{
	CLEANUP(model_freep) struct model *model = model_new(&config, NULL);
	struct event_sample sample = {
		.hits = { [WIRE_FN_GO_CREATE] = 10 },
		.goroutine_baseline = 100,
		.goroutine_baseline_error = 5,
	};
	struct window w = tick(model, 11 * NS_PER_S, &sample);

	(void)state;
	assert_true(w.goroutine.live == 110 && model_goroutine_growth(model) == 10);
	sample.hits[WIRE_FN_GO_CREATE] = 5010;
	sample.hits[WIRE_FN_GO_EXIT] = 4000;
	sample.groups[WIRE_GROUP_GOROUTINE].gap_ns = 900000000;
	sample.goroutine_live_read = true;
	sample.goroutine_live = 113;
	w = tick(model, 12 * NS_PER_S, &sample);
	assert_true(w.goroutine.live == 113 && w.goroutine.live_error == 0);
	assert_int_equal(model_goroutine_growth(model), 13);
	assert_true(w.goroutine.created == 5000 && w.goroutine.exited == 4000);
	assert_int_equal(w.goroutine.accuracy, ACCURACY_SAMPLED);
}

/* Probes are attached again and count from zero: nothing goes backward, nothing is lost. */
static void test_counter_reset(void **state)
{
	CLEANUP(model_freep) struct model *model = model_new(&config, NULL);
	struct event_go_site row = { .gopc = 1, .created = 1000, .exited = 10 };
	struct event_sample sample = {
		.hits = { [WIRE_FN_MAPASSIGN] = 5000,
			  [WIRE_FN_GO_CREATE] = 1000,
			  [WIRE_FN_GO_EXIT] = 10 },
		.goroutine_baseline = 7,
		.go_sites = &row,
		.go_site_count = 1,
		.probe_ns = 1e6,
	};
	struct window w;

	(void)state;
	tick(model, 11 * NS_PER_S, &sample);
	sample = (struct event_sample) {
		.hits = { [WIRE_FN_MAPASSIGN] = 30, [WIRE_FN_GO_CREATE] = 4 },
		.goroutine_baseline = 997, /* counted again when the probes came back */
		.go_sites = &row,
		.go_site_count = 1,
		.probe_ns = 1e3,
	};
	row = (struct event_go_site) { .gopc = 1, .created = 4 };
	w = tick(model, 12 * NS_PER_S, &sample);
	assert_true(w.map.writes == 30 && w.goroutine.created == 4 && w.goroutine.exited == 0);
	assert_true(w.goroutine.live == 1001 && w.cost.target_cpu_pct < 1);
	model_summary(model, 12 * NS_PER_S, &w);
	assert_true(w.map.writes == 5030 && w.goroutine.created == 1004 && w.seconds == 2);
}

/* A throw ends the process: its record came, the sample with its hit never will. */
static void test_last_fault_counts(void **state)
{
	CLEANUP(model_freep) struct model *model = model_new(&config, NULL);
	struct event event = { .kind = EVENT_FAULT, .time_ns = 11 * NS_PER_S };
	struct window w;

	(void)state;
	event.fault.fn = WIRE_FN_FATAL;
	assert_int_equal(model_feed(model, &event), 0);
	model_summary(model, 12 * NS_PER_S, &w);
	assert_true(w.faults == 1);
}

struct sums {
	u64 writes, moved, created, pauses, pause_ns, forced;
};

static void add_window(struct sums *sums, const struct window *w)
{
	sums->writes += w->map.writes;
	sums->moved += w->map.moved;
	sums->created += w->goroutine.created;
	sums->pauses += w->gc.pauses;
	sums->pause_ns += w->gc.pause.total_ns;
	sums->forced += w->gc.forced;
}

/* One GC cycle whose last stop and end are apart by a tick, if the caller ticks in between. */
static void feed(struct model *model, enum event_kind kind, u64 time_ns, u64 duration_ns,
		 u32 reason)
{
	struct event event = { .kind = kind, .time_ns = time_ns };

	if (kind == EVENT_STOP) {
		event.stop.requested_ns = time_ns - duration_ns;
		event.stop.reason = reason;
	} else if (kind == EVENT_GC_END) {
		event.gc_end.have = 1ULL << WIRE_GC_PAUSE_NS | 1ULL << WIRE_GC_USER_FORCED;
		event.gc_end.word[WIRE_GC_PAUSE_NS] = duration_ns;
		event.gc_end.word[WIRE_GC_USER_FORCED] = 1;
	}
	assert_int_equal(model_feed(model, &event), 0);
}

/* Random histories: the windows always add up to the summary, corrections of pauses included. */
static void test_windows_add_up_to_the_summary(void **state)
{
	unsigned int seed = (unsigned int)time(NULL);

	(void)state;
	print_message("seed %u\n", seed);
	srand(seed);
	for (int round = 0; round < 200; round++) {
		CLEANUP(model_freep) struct model *model = model_new(&config, NULL);
		struct event_sample sample = { .goroutine_baseline = 1 };
		struct sums got = { 0 };
		u64 now_ns = config.attach_ns, truth_ns = 0;
		struct window w;

		for (int i = 0; i < 50; i++) {
			u64 pause_ns = 1 + (u64)rand() % 1000;

			now_ns += 2 * NS_PER_MS + (u64)rand() % NS_PER_S;
			sample.hits[WIRE_FN_MAPASSIGN] += (u64)rand() % 1000;
			sample.hits[WIRE_FN_GO_CREATE] += (u64)rand() % 10;
			sample.moved += (u64)rand() % 1000;
			feed(model, EVENT_GC_START, now_ns, 0, 0);
			feed(model, EVENT_STOP, now_ns + 1, (u64)rand() % 2000, 2);
			if (rand() % 2) {
				w = tick(model, now_ns + 2, &sample);
				add_window(&got, &w);
			}
			feed(model, EVENT_GC_END, now_ns + 3, pause_ns, 0);
			truth_ns += pause_ns;
		}
		/* What corrections took back after it was said is made up for by the pauses to
		 * come. */
		feed(model, EVENT_GC_START, now_ns + 4, 0, 0);
		feed(model, EVENT_GC_END, now_ns + 5, NS_PER_S, 0);
		truth_ns += NS_PER_S;
		w = tick(model, now_ns + 6, &sample);
		add_window(&got, &w);
		model_summary(model, now_ns + 6, &w);
		assert_true(got.writes == w.map.writes && got.moved == w.map.moved);
		assert_true(got.created == w.goroutine.created);
		assert_true(got.pauses == w.gc.pauses && got.forced == w.gc.forced);
		assert_true(w.gc.pause.total_ns == truth_ns);
		assert_true(got.pause_ns == truth_ns);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates_divide_by_real_time),
		cmocka_unit_test(test_live_goroutines),
		cmocka_unit_test(test_losses_make_lower_bounds),
		cmocka_unit_test(test_gaps_make_samples),
		cmocka_unit_test(test_accuracy_is_of_the_window),
		cmocka_unit_test(test_live_goroutines_are_read_where_sampled),
		cmocka_unit_test(test_counter_reset),
		cmocka_unit_test(test_last_fault_counts),
		cmocka_unit_test(test_windows_add_up_to_the_summary),
	};

	return cmocka_run_group_tests_name("windows", tests, NULL, NULL);
}
