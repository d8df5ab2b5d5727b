/* SPDX-License-Identifier: BSD-2-Clause */
/* Bursts of windows that are known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/macros.h"
#include "base/units.h"
#include "govern/bursts.h"

#define OPEN_NS (1000 * NS_PER_MS)

enum { TID = 7, OTHER = 8 };

static u64 at(double ms)
{
	return OPEN_NS + (u64)(ms * (double)NS_PER_MS);
}

static bool runs(const void *arg, u32 tid)
{
	return arg && *(const u32 *)arg == tid;
}

static struct bursts seen(double now_ms, const struct wire_window *cpus, size_t count, u32 running)
{
	const struct bursts_config config = {
		.open_ns = OPEN_NS, .now_ns = at(now_ms), .runs = runs, .arg = &running
	};

	return bursts_of(&config, cpus, count);
}

/* begun: of a burst that began before the window and ended at 0.3 ms, then of 100 hits each. */
static struct wire_window window_of(const double *begun_ms, size_t count, double seen_ms)
{
	struct wire_window w = {
		.hits = (count + 1) * 100,
		.hit_ns = at(0.01),
		.seen_ns = at(seen_ms),
		.switches = 1,
		.tid = TID,
		.count = (u32)count,
	};
	double ended_ms = 0.3;

	for (size_t i = 0; i < count; i++) {
		w.begun[MIN(i, WIRE_BURSTS - 1)] = (struct wire_burst) {
			.begin_ns = at(begun_ms[i]),
			.hits = (u32)(i + 1) * 100,
			.gap_ns = (u32)(at(begun_ms[i]) - at(ended_ms)),
		};
		ended_ms = begun_ms[i] + 0.3;
	}
	return w;
}

static void assert_cycles(const struct bursts *b, double count, double ms, double hits)
{
	if (b->cycles != count || b->cycles_hits != hits ||
	    (u64)(b->cycles_ns + 0.5) != at(ms) - OPEN_NS)
		fail_msg("%g cycles of %g hits in %g ns, not %g of %g in %g ms", b->cycles,
			 b->cycles_hits, b->cycles_ns, count, hits, ms);
}

static void test_one_cpu(void **state)
{
	const double begun_ms[] = { 1, 2, 3.5 };
	struct wire_window w = window_of(begun_ms, ARRAY_SIZE(begun_ms), 3.8);
	struct bursts over = seen(4.5, &w, 1, 0), going = seen(3.82, &w, 1, 0);

	(void)state;
	assert_true(over.whole == 3 && over.whole_hits == 300 && over.going == 0);
	assert_cycles(&over, 2, 2.5, 200);
	assert_true(going.whole == 2 && going.whole_hits == 200);
	assert_true(going.going == 1 && going.going_hits == 100 && going.going_ns == 320e3);
	assert_cycles(&going, 1, 1, 100);
	/* A call that takes long: the burst goes on as long as its thread runs. */
	going = seen(4.5, &w, 1, TID);
	assert_true(going.going == 1 && going.going_ns == 1e6);
}

static void test_idle(void **state)
{
	const double first_ms[] = { 1, 2, 3.5 }, second_ms[] = { 5 };
	struct wire_window cpus[] = { window_of(first_ms, 3, 3.8), window_of(second_ms, 1, 5.3) };
	struct bursts b;

	(void)state;
	b = seen(10, cpus, 2, 0);
	assert_true(b.idle_ns == 4.7e6);
	cpus[0].hit_ns = at(1);
	cpus[1].hit_ns = at(2);
	b = seen(5.5, cpus, 2, 0);
	assert_true(b.idle_ns == 1e6);
	b = seen(7, NULL, 0, 0);
	assert_true(b.idle_ns == 7e6);
}

/* A window that opens in a burst, and one that opens long before it. */
static void test_first_hit(void **state)
{
	struct wire_window w = window_of(NULL, 0, 2);
	struct bursts b = seen(2.01, &w, 1, 0);

	(void)state;
	assert_true(b.lasting_hits == 100 && b.going == 0 && b.whole == 0);
	b = seen(4, &w, 1, 0);
	assert_true(b.lasting_hits == 0 && b.whole == 0);
	w.hit_ns = at(1);
	b = seen(2.01, &w, 1, 0);
	assert_true(b.lasting_hits == 0 && b.going == 1 && b.going_hits == 100);
	b = seen(4, &w, 1, 0);
	assert_true(b.whole == 1 && b.whole_hits == 100);
}

/* A thread that sleeps on one CPU and wakes on the other, and one that was there first. */
static void test_bursts_on_two_cpus(void **state)
{
	const double first_ms[] = { 1, 3 }, second_ms[] = { 2, 4 };
	struct wire_window cpus[] = { window_of(first_ms, 2, 3.3), window_of(second_ms, 2, 4.3) };
	struct bursts b;

	(void)state;
	cpus[0].tid = OTHER;
	cpus[1].hit_ns = at(0.305); /* it moved there in the middle of a burst */
	cpus[1].begun[0].gap_ns -= 50000;
	b = seen(5, cpus, 2, OTHER);
	/* OTHER looks for work: the bursts after its own are not its. */
	assert_true(b.whole == 4 && b.whole_hits == 400 && b.going == 0);
	assert_cycles(&b, 3, 3, 300);
}

/* Side by side, they tell nothing of each other. */
static void test_several_at_a_time(void **state)
{
	const double first_ms[] = { 1, 2, 3 }, second_ms[] = { 1.2, 2.2, 3.2 };
	struct wire_window cpus[] = { window_of(first_ms, 3, 3.3), window_of(second_ms, 3, 3.5) };
	struct bursts b;

	(void)state;
	cpus[1].tid = OTHER;
	b = seen(5, cpus, 2, 0);
	assert_true(b.whole == 6 && b.cycles == 0);
}

/* The kernel moved a thread that had to wait for its CPU: it is the same burst. */
static void test_a_thread_moves(void **state)
{
	const double first_ms[] = { 1, 2 };
	struct wire_window cpus[] = { window_of(first_ms, 2, 2.3), window_of(NULL, 0, 3) };
	struct bursts b;

	(void)state;
	cpus[1].hit_ns = at(2.6);
	b = seen(5, cpus, 2, 0);
	assert_true(b.whole == 2 && b.whole_hits == 300 && b.going == 0);
	assert_cycles(&b, 1, 1, 200);
	b = seen(3.02, cpus, 2, 0);
	assert_true(b.whole == 1 && b.whole_hits == 100);
	assert_true(b.going == 1 && b.going_hits == 200 && b.going_ns == 1020e3);
	cpus[1].switches++; /* it slept */
	b = seen(5, cpus, 2, 0);
	assert_true(b.whole == 3 && b.whole_hits == 300);
	assert_cycles(&b, 2, 1.6, 200);
}

/* One that runs all the time. */
static void test_a_busy_thread_moves(void **state)
{
	struct wire_window cpus[] = { window_of(NULL, 0, 1), window_of(NULL, 0, 3) };
	struct bursts b;

	(void)state;
	cpus[1].hit_ns = at(1.1);
	b = seen(3.02, cpus, 2, 0);
	assert_true(b.whole == 0 && b.going == 0 && b.lasting_hits == 200);
}

/* It makes calls while the probes are being set, and waits for that: it has not slept. */
static void test_attaching_holds_a_thread_up(void **state)
{
	const double begun_ms[] = { 0.02, 1 };
	struct wire_window w = window_of(begun_ms, 1, 3);
	struct bursts b;

	(void)state;
	w.hit_ns = OPEN_NS - 60000;
	w.begun[0].gap_ns = 60000;
	b = seen(3.02, &w, 1, 0);
	assert_true(b.whole == 0 && b.going == 0 && b.lasting_hits == 200);
	w = window_of(begun_ms, 2, 1.3);
	w.hit_ns = OPEN_NS - 60000;
	w.begun[0].gap_ns = 60000;
	b = seen(3, &w, 1, 0);
	assert_true(b.whole == 1 && b.whole_hits == 100 && b.lasting_hits == 0);
	assert_cycles(&b, 0, 0, 0);
}

/* The first ones and the last are kept: the cycles between are known, the last ones' hits are not.
 */
static void test_more_than_fit(void **state)
{
	double begun_ms[WIRE_BURSTS + 3];
	struct wire_window w;
	struct bursts b;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(begun_ms); i++)
		begun_ms[i] = (double)i + 1;
	w = window_of(begun_ms, ARRAY_SIZE(begun_ms), 11.3);
	b = seen(12, &w, 1, 0);
	assert_true(b.whole == WIRE_BURSTS + 3 && b.whole_hits == 100 * (WIRE_BURSTS + 3));
	assert_cycles(&b, WIRE_BURSTS + 2, WIRE_BURSTS + 2, 100 * (WIRE_BURSTS + 2));
	b = seen(11.32, &w, 1, 0);
	assert_true(b.whole == WIRE_BURSTS + 2 && b.going == 1);
	assert_cycles(&b, WIRE_BURSTS - 3, WIRE_BURSTS - 3, 100 * (WIRE_BURSTS - 3));
}

/* A program that was preempted while it wrote. */
static void test_disorder_tells_nothing(void **state)
{
	const double begun_ms[] = { 1, 2 };
	struct wire_window w = window_of(begun_ms, 2, 2.3), bad;
	struct bursts b;

	(void)state;
	bad = w;
	bad.begun[1].hits = 90;
	b = seen(5, &bad, 1, 0);
	assert_true(b.whole == 0 && b.cycles == 0);
	bad = w;
	bad.begun[0].begin_ns = at(3);
	b = seen(5, &bad, 1, 0);
	assert_true(b.whole == 0 && b.cycles == 0);
	bad = w;
	bad.hits = 150;
	b = seen(5, &bad, 1, 0);
	assert_true(b.whole == 0 && b.cycles == 0);
	bad = w;
	bad.hits = 0;
	b = seen(5, &bad, 1, 0);
	assert_true(b.whole == 0 && b.cycles == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_cpu),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_first_hit),
		cmocka_unit_test(test_bursts_on_two_cpus),
		cmocka_unit_test(test_several_at_a_time),
		cmocka_unit_test(test_a_thread_moves),
		cmocka_unit_test(test_a_busy_thread_moves),
		cmocka_unit_test(test_attaching_holds_a_thread_up),
		cmocka_unit_test(test_more_than_fit),
		cmocka_unit_test(test_disorder_tells_nothing),
	};

	return cmocka_run_group_tests_name("bursts of a window", tests, NULL, NULL);
}
