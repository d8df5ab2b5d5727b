/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel has not told yet of CPU times that are known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macros.h"
#include "base/units.h"
#include "govern/untold.h"

#define OPEN_NS	 (1000 * NS_PER_MS)
#define CLOSE_NS (1005 * NS_PER_MS)

enum { TID = 7, OTHER = 8 };

/* A thread that woke ran_ns ago, beside a clock of which any phase is as likely. */
static double untold_by_phases(double ran_ns, double tick_ns)
{
	const int phases = 10000;
	double sum = 0;

	for (int i = 0; i < phases; i++) {
		double since_tick_ns = tick_ns * (i + 0.5) / phases;

		sum += MIN(ran_ns, since_tick_ns);
	}
	return sum / phases;
}

static void test_cpu_time_since_the_last_tick(void **state)
{
	const double tick_ns = 4e6, ran_ns[] = { 1e3, 3e5, 3.9e6, 4e6, 3e7 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ran_ns); i++) {
		double one = untold_by_phases(ran_ns[i], tick_ns);

		assert_float_equal(untold_of_woken_ns(1, ran_ns[i], tick_ns), one, 10);
		assert_float_equal(untold_of_woken_ns(3, 3 * ran_ns[i], tick_ns), 3 * one, 30);
	}
	assert_float_equal(untold_of_woken_ns(0, 0, tick_ns), 0, 0);
}

/* The scheduler's clock has another zero. */
static struct wire_window seen(u32 tid, u64 switches, u64 at_ns, u64 untold_ns)
{
	return (struct wire_window) {
		.hits = 100,
		.seen_ns = at_ns,
		.switches = switches,
		.tid = tid,
		.told_until_ns = at_ns - untold_ns - 900 * NS_PER_MS,
	};
}

static double untold(const struct wire_window *open, const struct wire_window *close, size_t cpus)
{
	struct running at_open[4];
	size_t n = running_of(open, cpus, OPEN_NS, at_open);

	return untold_of_running_ns(at_open, n, close, cpus, CLOSE_NS);
}

static void test_a_thread_that_runs(void **state)
{
	struct wire_window open = seen(TID, 3, OPEN_NS - 4000, 3 * NS_PER_MS);
	struct wire_window close = seen(TID, 3, CLOSE_NS - 4000, NS_PER_MS / 2);

	(void)state;
	assert_float_equal(untold(&open, &close, 1), -2.5e6, 1);
	assert_float_equal(untold(&close, &open, 0), 0, 0);
	open.told_until_ns += 3 * NS_PER_MS;
	assert_float_equal(untold(&open, &close, 1), 0.5e6, 1);
}

static void test_two_threads(void **state)
{
	const struct wire_window open[] = { seen(TID, 3, OPEN_NS - 4000, 0),
					    seen(OTHER, 5, OPEN_NS - 9000, NS_PER_MS) };
	struct wire_window close[] = { seen(OTHER, 5, CLOSE_NS - 4000, 3 * NS_PER_MS),
				       seen(TID, 3, CLOSE_NS - 4000, NS_PER_MS) };

	(void)state;
	assert_float_equal(untold(open, close, 2), 3e6, 1);
	/* It is on another CPU now, whose clock is another one. */
	close[1].hit_ns = OPEN_NS + NS_PER_MS;
	close[1].told_until_ns += 5000 * NS_PER_MS;
	assert_float_equal(untold(open, close, 2), 2e6, 1);
}

/* Nothing is known of one that was switched out, or has woken since. */
static void test_others_are_left_alone(void **state)
{
	const struct wire_window open = seen(TID, 3, OPEN_NS - 4000, 3 * NS_PER_MS);
	const struct wire_window long_ago = seen(TID, 3, OPEN_NS - NS_PER_MS, 0);
	const struct wire_window close = seen(TID, 3, CLOSE_NS - 4000, NS_PER_MS / 2);
	const struct wire_window slept = seen(TID, 4, CLOSE_NS - 4000, NS_PER_MS / 2);
	const struct wire_window other = seen(OTHER, 3, CLOSE_NS - 4000, NS_PER_MS / 2);
	struct wire_window unhit = open;

	(void)state;
	unhit.hits = 0;
	assert_float_equal(untold(&open, &slept, 1), 0, 0);
	assert_float_equal(untold(&open, &other, 1), 0, 0);
	assert_float_equal(untold(&long_ago, &close, 1), 0, 0);
	assert_float_equal(untold(&unhit, &close, 1), 0, 0);
}

/* A reading since then tells what it was told by then; one that is hit seldom is not waited for. */
static void test_running_is_older(void **state)
{
	struct wire_window w[2] = { seen(TID, 3, OPEN_NS - 4000, 0),
				    seen(OTHER, 3, OPEN_NS + 1000, 0) };

	(void)state;
	w[0].hit_ns = w[1].hit_ns = OPEN_NS - 400000; /* a hit each 4 us */
	assert_true(running_is_older(w, 2, OPEN_NS));
	assert_false(running_is_older(w, 2, OPEN_NS - 5000));
	assert_false(running_is_older(w + 1, 1, OPEN_NS));
	w[0].hits = 50; /* each 8 us */
	assert_false(running_is_older(w, 2, OPEN_NS));
	w[0].hits = 100;
	w[0].seen_ns -= NS_PER_MS; /* it sleeps */
	w[0].hit_ns -= NS_PER_MS;
	assert_false(running_is_older(w, 2, OPEN_NS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cpu_time_since_the_last_tick),
		cmocka_unit_test(test_a_thread_that_runs),
		cmocka_unit_test(test_two_threads),
		cmocka_unit_test(test_others_are_left_alone),
		cmocka_unit_test(test_running_is_older),
	};

	return cmocka_run_group_tests_name("untold CPU time", tests, NULL, NULL);
}
