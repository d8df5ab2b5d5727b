/* SPDX-License-Identifier: BSD-2-Clause */
/* What windows of known bursts are said to lack. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "base/macros.h"
#include "govern/put_off.h"

#define WINDOW_NS 5e6
#define HIT_NS	  700.0

static void assert_about(double is, double expected)
{
	if (fabs(is - expected) > 1e-6 * fabs(expected) + 1e-9)
		fail_msg("%g, not %g", is, expected);
}

static double add(struct put_off *p, const struct bursts *b, double hits)
{
	return put_off_add(p, b, hits, WINDOW_NS, HIT_NS);
}

/* Bursts at random times: what is cut is as long as what was seen of it, but no longer than others
 * are. */
static void test_cut_burst(void **state)
{
	const struct bursts whole = { .whole = 2, .whole_hits = 2000 };
	const struct bursts young = { .going = 1, .going_hits = 300, .going_ns = 300 * 720 };
	const struct bursts old = { .going = 1, .going_hits = 1500, .going_ns = 1500 * 720 };
	const struct bursts older = { .going = 1, .going_hits = 3500, .going_ns = 3500 * 720 };
	struct put_off p = { 0 };

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_about(add(&p, &whole, 2000), 0);
	assert_about(add(&p, &young, 300), 300);
	assert_about(add(&p, &old, 1500), 1000);
	assert_about(put_off_cut_share(&p), 0);
	/* It is not like them: nothing tells how long it is. */
	assert_about(add(&p, &older, 3500), 0);
	assert_true(put_off_cut_share(&p) > 0.1);
	assert_true(put_off_share(&p) > 0);
}

/* Of a burst whose calls take nine times as long as hits, probes held up one in nine. */
static void test_slow_calls_are_hardly_held_up(void **state)
{
	const struct bursts whole = { .whole = 4, .whole_hits = 4000 };
	const struct bursts slow = { .going = 1, .going_hits = 90, .going_ns = 90 * 10 * HIT_NS };
	struct put_off p = { 0 };

	(void)state;
	add(&p, &whole, 4000);
	assert_about(add(&p, &slow, 90), 10);
}

static void test_first_bursts_are_unknown(void **state)
{
	const struct bursts going = { .going = 1, .going_hits = 500, .going_ns = 500 * 720 };
	struct put_off p = { 0 };

	(void)state;
	assert_about(add(&p, &going, 500), 0);
	assert_about(put_off_cut_share(&p), 1);
}

/* Two windows, each with a whole burst, are enough: the first ones are like these, or are not. */
static void test_first_bursts_are_known_later(void **state)
{
	const struct bursts whole = { .whole = 1, .whole_hits = 400 };
	double hits[] = { 500, 4000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hits); i++) {
		const struct bursts going = { .going = 1,
					      .going_hits = hits[i],
					      .going_ns = hits[i] * 720 };
		struct put_off p = { 0 };

		add(&p, &going, hits[i]);
		add(&p, &whole, 400);
		assert_true(put_off_cut_share(&p) > 0.5);
		add(&p, &whole, 400);
		if (i)
			assert_true(put_off_cut_share(&p) > 0.5);
		else
			assert_about(put_off_cut_share(&p), 0);
	}
}

/* In all windows it is a loop; in some, it is a burst that is longer than a window. */
static void test_lasting(void **state)
{
	const struct bursts lasting = { .lasting_hits = 6000 }, none = { 0 };
	struct put_off loop = { 0 }, batch = { 0 };

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_about(add(&loop, &lasting, 6000), 0);
		add(&batch, i % 5 ? &none : &lasting, i % 5 ? 0 : 6000);
	}
	assert_about(put_off_cut_share(&loop), 0);
	assert_true(put_off_cut_share(&batch) > 0.7);
}

static struct bursts clocked(double cycle_ns, double per_ns)
{
	return (struct bursts) {
		.whole = 2,
		.whole_hits = 2 * cycle_ns * per_ns,
		.cycles = 1,
		.cycles_ns = cycle_ns,
		.cycles_hits = cycle_ns * per_ns,
	};
}

/* However many fit into a window, the rate is that of whole cycles. */
static void test_clocked(void **state)
{
	struct put_off p = { 0 };
	struct bursts b, none = { .going = 1, .going_hits = 4000, .going_ns = 4000 * 720 };

	(void)state;
	for (int i = 0; i < 30; i++) {
		b = clocked(1e6 * (1 + 0.2 * (i % 3)), 1e-3);
		if (i < 4)
			assert_about(add(&p, &b, 4000), 0);
		else
			add(&p, &b, 4000);
	}
	assert_about(add(&p, &b, 4000), 1000);
	assert_about(add(&p, &b, 5500), -500);
	/* A window without a whole cycle has the others' rate. */
	assert_about(add(&p, &none, 4000), 1000);
	assert_about(put_off_cut_share(&p), 0);
	/* And one without hits none: the target rests. */
	assert_about(add(&p, &(struct bursts) { 0 }, 0), 0);
	/* Another rate counts at once. */
	b = clocked(1e6, 2e-3);
	assert_about(add(&p, &b, 9000), 1000);
}

static void test_irregular_is_not_clocked(void **state)
{
	struct put_off p = { 0 };

	(void)state;
	for (int i = 0; i < 100; i++) {
		struct bursts b = clocked(i % 2 ? 0.5e6 : 2e6, 1e-3);

		assert_about(add(&p, &b, 4000), 0);
	}
}

static void test_seldom_is_not_clocked(void **state)
{
	const struct bursts one = { .whole = 1, .whole_hits = 1000 };
	struct put_off p = { 0 };

	(void)state;
	for (int i = 0; i < 100; i++) {
		struct bursts b = clocked(1e6, 1e-3);

		assert_about(add(&p, i % 2 ? &b : &one, i % 2 ? 2000 : 1000), 0);
	}
}

/* A clock that has stopped: what was seen is what there was. */
static void test_a_clock_at_rest(void **state)
{
	const struct bursts rests = { .whole = 1, .whole_hits = 1000, .idle_ns = 3e6 };
	struct bursts pair = clocked(1e6, 1e-3);
	struct put_off p = { 0 }, series = { 0 };

	(void)state;
	pair.idle_ns = 2e6;
	for (int i = 0; i < 30; i++) {
		struct bursts b = clocked(1e6, 1e-3);

		add(&p, &b, 4000);
		/* It never ran for long. */
		assert_about(add(&series, &pair, 2000), 0);
	}
	assert_about(add(&p, &rests, 1000), 0);
}

/* A window that holds one burst, or little more, is too short to tell the cycle. */
static void test_windows_are_short(void **state)
{
	const struct bursts one = { .whole = 1, .whole_hits = 2000 };
	const struct bursts three = {
		.whole = 3, .whole_hits = 3000, .cycles = 2, .cycles_ns = 2e6, .cycles_hits = 2000
	};
	const struct bursts lasting = { .lasting_hits = 6000 };
	struct put_off p = { 0 }, loop = { 0 };

	(void)state;
	assert_false(put_off_is_short(&p));
	for (int i = 0; i < 10; i++) {
		add(&p, &one, 2000);
		add(&loop, &lasting, 6000);
	}
	assert_true(put_off_is_short(&p));
	assert_false(put_off_is_short(&loop));
	for (int i = 0; i < 60; i++)
		add(&p, &three, 3000);
	assert_false(put_off_is_short(&p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_burst),
		cmocka_unit_test(test_slow_calls_are_hardly_held_up),
		cmocka_unit_test(test_first_bursts_are_unknown),
		cmocka_unit_test(test_first_bursts_are_known_later),
		cmocka_unit_test(test_lasting),
		cmocka_unit_test(test_clocked),
		cmocka_unit_test(test_irregular_is_not_clocked),
		cmocka_unit_test(test_seldom_is_not_clocked),
		cmocka_unit_test(test_a_clock_at_rest),
		cmocka_unit_test(test_windows_are_short),
	};

	return cmocka_run_group_tests_name("what is put off", tests, NULL, NULL);
}
