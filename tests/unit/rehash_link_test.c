/* SPDX-License-Identifier: BSD-2-Clause */
/* Growths against long pauses: tails of the binomial, tallies against a naive count, and how often
 * chance is taken for a cause. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/macros.h"
#include "base/units.h"
#include "model/chance.h"
#include "model/rehash_link.h"

static u64 seed;

/* xorshift64*, Vigna 2016 */
static u64 next_random(void)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return seed * 0x2545f4914f6cdd1dULL;
}

static u64 below(u64 n)
{
	return next_random() % n;
}

static int set_seed(void **state)
{
	(void)state;
	seed = (u64)time(NULL) | 1;
	print_message("seed %llu\n", seed);
	return 0;
}

/* Computed in rational numbers (Python's fractions). */
static void test_tails(void **state)
{
	static const struct {
		struct trials a, b;
		u64 k;
		double want;
	} rows[] = {
		{ { 14, 0.03 }, { 0, 0 }, 12, 4.5719975518199997e-17 },
		{ { 14, 0.5 }, { 0, 0.5 }, 12, 0.0064697265625 },
		{ { 3, 0.01 }, { 0, 0.9 }, 3, 9.9999999999999995e-07 },
		{ { 0, 0.3 }, { 0, 0.3 }, 0, 1 },
		{ { 5, 0.25 }, { 7, 0.75 }, 9, 0.086290419101715088 },
		{ { 40, 0.9 }, { 60, 0.1 }, 45, 0.19939668640609182 },
		{ { 100, 0.02 }, { 3, 0.999 }, 10, 0.0040526708985281637 },
		{ { 10, 0 }, { 10, 1 }, 10, 1 },
		{ { 10, 0 }, { 10, 1 }, 11, 0 },
		{ { 10, 1 }, { 3, 0.5 }, 12, 0.5 },
		{ { 300, 0.4 }, { 200, 0.001 }, 150, 0.00031753607054301543 },
		{ { 1, 0.5 }, { 0, 0.5 }, 2, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		double got = chance_of_at_least(rows[i].a, rows[i].b, rows[i].k);
		double swapped = chance_of_at_least(rows[i].b, rows[i].a, rows[i].k);

		if (fabs(got - rows[i].want) > 1e-11 * rows[i].want ||
		    fabs(swapped - rows[i].want) > 1e-11 * rows[i].want)
			fail_msg("row %zu: got %.17g and %.17g, want %.17g", i, got, swapped,
				 rows[i].want);
	}
}

enum { GROWTHS = 120, PAUSES = 60 };

/* A minute of random growths and pauses, by the definitions. */
struct naive {
	u64 growth[GROWTHS], pause[PAUSES]; /* ascending */
	bool is_long[PAUSES];
	unsigned int kind[PAUSES];
};

static int compare_u64(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return (x > y) - (x < y);
}

static void naive_make(struct naive *n, u64 span_ns)
{
	for (size_t i = 0; i < GROWTHS; i++)
		n->growth[i] = NS_PER_S + below(span_ns);
	for (size_t i = 0; i < PAUSES; i++) {
		/* Every other one near a growth. */
		n->pause[i] = i % 2 ? n->growth[below(GROWTHS)] + below(2 * REHASH_LAG_NS)
				    : NS_PER_S + below(span_ns);
		n->is_long[i] = below(2);
		n->kind[i] = (unsigned int)below(REHASH_KINDS);
	}
	qsort(n->growth, GROWTHS, sizeof(u64), compare_u64);
	qsort(n->pause, PAUSES, sizeof(u64), compare_u64);
}

/* The index of the stretch that a time lies in, counted from 1; 0: none. */
static u64 naive_stretch(const struct naive *n, u64 time_ns)
{
	u64 stretch = 0;
	bool within = false;

	for (size_t i = 0; i < GROWTHS && n->growth[i] <= time_ns; i++) {
		stretch += i == 0 || n->growth[i] > n->growth[i - 1] + REHASH_LAG_NS;
		within = time_ns <= n->growth[i] + REHASH_LAG_NS;
	}
	return within ? stretch : 0;
}

static u64 naive_covered_ns(const struct naive *n)
{
	u64 covered = REHASH_LAG_NS;

	for (size_t i = 1; i < GROWTHS; i++)
		covered += MIN(n->growth[i] - n->growth[i - 1], REHASH_LAG_NS);
	return covered;
}

static double naive_expected(const struct naive *n, double observed_ns, u64 *ret_longs,
			     u64 *ret_after)
{
	double in_time = MIN((double)naive_covered_ns(n) / observed_ns, 1), expected = 0;
	bool counted[GROWTHS + 1] = { false };

	*ret_longs = *ret_after = 0;
	for (unsigned int kind = 0; kind < REHASH_KINDS; kind++) {
		double shorts = 0, after = 0;
		u64 longs = 0;

		for (size_t i = 0; i < PAUSES; i++) {
			u64 stretch = naive_stretch(n, n->pause[i]);

			if (n->kind[i] != kind)
				continue;
			if (!n->is_long[i]) {
				shorts++;
				after += stretch > 0;
			} else if (!stretch) {
				longs++;
			}
		}
		*ret_longs += longs;
		/* A stretch counts once, for the kind of its first long pause. */
		for (size_t i = 0; i < PAUSES; i++) {
			u64 stretch = naive_stretch(n, n->pause[i]);
			bool first = n->is_long[i] && stretch;

			for (size_t j = 0; j < i && first; j++)
				first = !n->is_long[j] || naive_stretch(n, n->pause[j]) != stretch;
			if (first && n->kind[i] == kind && !counted[stretch]) {
				counted[stretch] = true;
				longs++;
				*ret_longs += 1;
				*ret_after += 1;
			}
		}
		expected += (double)longs * MAX(in_time, (after + 8 * in_time) / (shorts + 8));
	}
	return expected;
}

static void feed(struct rehash_link *link, const struct naive *n)
{
	size_t growth = 0;

	for (size_t i = 0; i < PAUSES; i++) {
		struct rehash rehash;
		bool after;

		/* A pause is told of at its end, when later growths have come. */
		for (; growth < GROWTHS && n->growth[growth] <= n->pause[i] + NS_PER_MS; growth++)
			rehash_link_growth(link, &(struct rehash) { .time_ns = n->growth[growth] });
		after = rehash_link_pause(link, n->pause[i], n->kind[i], n->is_long[i], &rehash);
		assert_int_equal(after, naive_stretch(n, n->pause[i]) > 0);
	}
	for (; growth < GROWTHS; growth++)
		rehash_link_growth(link, &(struct rehash) { .time_ns = n->growth[growth] });
}

static void test_against_naive(void **state)
{
	static struct naive n;

	(void)state;
	for (int round = 0; round < 500; round++) {
		u64 span_ns = NS_PER_S / 5 + below(5 * NS_PER_S), longs, after;
		u64 end_ns = NS_PER_S + span_ns;
		struct rehash_link link = { 0 };
		struct rehash_odds odds;
		double expected;

		naive_make(&n, span_ns);
		feed(&link, &n);
		odds = rehash_link_odds(&link, NS_PER_S, end_ns);
		expected = naive_expected(&n, (double)span_ns, &longs, &after);
		assert_int_equal(odds.longs, longs);
		assert_int_equal(odds.after, after);
		assert_true(fabs(odds.expected - expected) < 1e-9 * (1 + expected));
		/* A window's end changes nothing but where it is kept. */
		rehash_link_window(&link, NS_PER_S, end_ns, true);
		odds = rehash_link_odds(&link, end_ns, end_ns);
		assert_int_equal(odds.longs, longs);
		assert_true(fabs(odds.expected - expected) < 1e-9 * (1 + expected));
	}
}

static void test_forgets(void **state)
{
	struct rehash_link link = { 0 };
	struct rehash rehash = { .time_ns = NS_PER_S, .type = 3, .moved = 5000 }, ret;
	const u64 later_ns = 320 * NS_PER_S;

	(void)state;
	rehash_link_growth(&link, &rehash);
	assert_true(rehash_link_pause(&link, NS_PER_S + REHASH_LAG_NS, 1, true, &ret));
	assert_int_equal(ret.type, 3);
	assert_false(rehash_link_pause(&link, NS_PER_S + REHASH_LAG_NS + 1, 1, true, &ret));
	assert_false(rehash_link_pause(&link, NS_PER_S - 1, 1, true, &ret));
	rehash_link_window(&link, 0, 2 * NS_PER_S, true);
	assert_int_equal(rehash_link_odds(&link, 2 * NS_PER_S, 290 * NS_PER_S).longs, 3);
	assert_int_equal(rehash_link_odds(&link, 2 * NS_PER_S, later_ns).longs, 0);
	/* What was not seen whole is not counted. */
	assert_false(rehash_link_pause(&link, later_ns, 0, true, &ret));
	rehash_link_window(&link, later_ns - 1, later_ns, false);
	assert_int_equal(rehash_link_odds(&link, later_ns, later_ns).longs, 0);
}

/* The largest growth of the last lag is named, not one of long before in the same storm. */
static void test_names_the_largest(void **state)
{
	struct rehash_link link = { 0 };
	struct rehash ret;

	(void)state;
	for (u64 i = 0; i < 10; i++) {
		struct rehash rehash = { .time_ns = NS_PER_S + i * 2 * NS_PER_MS,
					 .type = i,
					 .moved = i == 2   ? 1000000
						  : i == 8 ? 5000
							   : 1500 };

		rehash_link_growth(&link, &rehash);
		if (i == 3) {
			assert_true(rehash_link_pause(&link, rehash.time_ns, 0, true, &ret));
			assert_int_equal(ret.type, 2);
		}
	}
	assert_true(rehash_link_pause(&link, NS_PER_S + 19 * NS_PER_MS, 0, true, &ret));
	assert_int_equal(ret.type, 8);
}

/* Five minutes of independent growths and pauses, again and again: named in one of a hundred. */
static void test_false_causes(void **state)
{
	enum { ROUNDS = 2000 };
	int named = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct rehash_link link = { 0 };
		struct rehash_odds odds;
		u64 growths_per_s = 1 + below(100);

		for (u64 second = 1; second <= 120; second++) {
			u64 start_ns = second * NS_PER_S;

			for (u64 i = 0; i < growths_per_s; i++)
				rehash_link_growth(
					&link,
					&(struct rehash) {
						.time_ns = start_ns + i * NS_PER_S / growths_per_s +
							   below(NS_PER_S / growths_per_s) });
			for (int i = 0; i < 4; i++)
				(void)rehash_link_pause(
					&link, start_ns + below(NS_PER_S), (unsigned int)i % 2,
					i == 0 && second % 4 == 0, &(struct rehash) { 0 });
			rehash_link_window(&link, start_ns, start_ns + NS_PER_S, true);
		}
		odds = rehash_link_odds(&link, 121 * NS_PER_S, 121 * NS_PER_S);
		assert_true(odds.longs >= 10);
		named += rehash_odds_beat_chance(&odds);
	}
	/* 20 are due at most; more than 48 come once in 10^7 runs. */
	if (named > 48)
		fail_msg("%d of %d named for nothing", named, ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tails),	     cmocka_unit_test(test_against_naive),
		cmocka_unit_test(test_forgets),	     cmocka_unit_test(test_names_the_largest),
		cmocka_unit_test(test_false_causes),
	};

	return cmocka_run_group_tests_name("rehash link", tests, set_seed, NULL);
}
