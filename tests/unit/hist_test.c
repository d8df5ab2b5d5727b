/* SPDX-License-Identifier: BSD-2-Clause */
/* Estimators against the exact answer on random data: histogram, sliding sum, median and deviation,
 * Theil–Sen. */
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
#include "model/hist.h"
#include "base/robust.h"
#include "model/sliding.h"
#include "model/trend.h"

static u64 seed;

/* xorshift64*, Vigna 2016 */
static u64 next_random(void)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return seed * 0x2545f4914f6cdd1dULL;
}

static double uniform(void)
{
	return (double)(next_random() >> 11) / (double)(1ULL << 53);
}

static int compare_u64(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return (x > y) - (x < y);
}

static u64 exact_quantile(u64 *sorted, size_t n, double q)
{
	size_t rank = (size_t)ceil(q * (double)n);

	return sorted[rank ? rank - 1 : 0];
}

static void assert_close(u64 got, u64 want, double q)
{
	u64 off = got > want ? got - want : want - got;

	if ((double)off > (double)want / 32)
		fail_msg("q=%g: got %llu, exact %llu", q, got, want);
}

/* Those farther than 1/64 from the value are on their side; what is between may be on either. */
static void check_count_at_most(const struct hist *hist, const u64 *sorted, size_t n, u64 value)
{
	u64 got = hist_count_at_most(hist, value), least = 0, most = 0;

	for (size_t i = 0; i < n; i++) {
		least += sorted[i] <= value - value / 64;
		most += sorted[i] <= value || sorted[i] - value <= sorted[i] / 64;
	}
	if (got < least || got > most)
		fail_msg("at most %llu: %llu, want %llu to %llu", value, got, least, most);
}

static void check_sums(const struct hist *hist, const u64 *sorted, size_t n)
{
	unsigned __int128 sum = 0;
	u64 last = 0;

	for (size_t i = 0; i < n; i++)
		sum += sorted[i];
	assert_true(hist_sum(hist) == (u64)MIN(sum, (unsigned __int128)~0ULL));
	for (int i = 0; i < 20; i++)
		check_count_at_most(hist, sorted, n, next_random() >> next_random() % 64);
	for (int shift = 63; shift >= 0; shift--) {
		u64 count = hist_count_at_most(hist, ~0ULL >> shift);

		assert_true(count >= last);
		last = count;
	}
	assert_true(last == n && hist_count_at_most(hist, sorted[n - 1]) == n);
}

static void check_quantiles(const struct hist *hist, u64 *values, size_t n)
{
	static const double qs[] = { 0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1 };

	qsort(values, n, sizeof(*values), compare_u64);
	assert_true(hist_count(hist) == n);
	assert_true(hist_max(hist) == values[n - 1]);
	check_sums(hist, values, n);
	for (size_t i = 0; i < ARRAY_SIZE(qs); i++)
		assert_close(hist_quantile(hist, qs[i]), exact_quantile(values, n, qs[i]), qs[i]);
}

/* All magnitudes of a u64, so that every octave's arithmetic is met. */
static void test_hist_against_exact(void **state)
{
	enum { N = 5000 };
	static u64 values[N];

	(void)state;
	for (int round = 0; round < 50; round++) {
		CLEANUP(hist_freep) struct hist *a = hist_new(), *b = hist_new();
		size_t n = 1 + next_random() % N;
		unsigned int spread = 1 + (unsigned int)(next_random() % 64);

		assert_non_null(a);
		assert_non_null(b);
		for (size_t i = 0; i < n; i++) {
			values[i] = next_random() >> (64 - spread) >> next_random() % spread;
			hist_add(i % 3 ? a : b, values[i], 1);
		}
		hist_merge(a, b);
		check_quantiles(a, values, n);
		hist_clear(a);
		assert_true(hist_count(a) == 0 && hist_quantile(a, 0.5) == 0 && hist_sum(a) == 0);
	}
}

static void test_hist_edges(void **state)
{
	static const u64 edges[] = { 0, 1, 31, 32, 33, 63, 64, 65, ~0ULL >> 1, ~0ULL - 1, ~0ULL };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(edges); i++) {
		CLEANUP(hist_freep) struct hist *hist = hist_new();

		hist_add(hist, edges[i], 7);
		assert_true(hist_quantile(hist, 0.5) == edges[i]); /* one value alone is exact */
		assert_true(hist_count(hist) == 7);
	}
}

/* A naive sum over a list of all additions. */
static void test_sliding_against_list(void **state)
{
	enum { N = 2000 };
	static struct {
		u64 second, n;
	} added[N];

	(void)state;
	for (int round = 0; round < 20; round++) {
		struct sliding s = { 0 };
		u64 now_ns = next_random() % (100 * NS_PER_S), newest = 0;

		for (size_t i = 0; i < N; i++) {
			u64 back_ns = next_random() % 4 ? 0 : next_random() % (3 * NS_PER_S),
			    want = 0;
			u64 at_ns;

			now_ns += next_random() % 50 ? next_random() % NS_PER_S
						     : next_random() % (40 * NS_PER_S);
			at_ns = now_ns - MIN(now_ns, back_ns);
			added[i].second = at_ns / NS_PER_S;
			added[i].n = next_random() % 1000;
			newest = MAX(newest, added[i].second);
			sliding_add(&s, at_ns, added[i].n);
			for (size_t j = 0; j <= i; j++) {
				u64 now = MAX(now_ns / NS_PER_S, newest);

				if (added[j].second + SLIDING_SECONDS > now)
					want += added[j].n;
			}
			if (sliding_sum(&s, now_ns) != want)
				fail_msg("step %zu: %llu, want %llu", i, sliding_sum(&s, now_ns),
					 want);
		}
	}
}

static int compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double brute_theil_sen(const double *t, const double *v, size_t n, double *ret_tau)
{
	double slope[TREND_POINTS * TREND_POINTS], sign = 0;
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t j = i + 1; j < n; j++)
			slope[k++] = (v[j] - v[i]) / (t[j] - t[i]);
	}
	for (size_t i = 0; i < k; i++)
		sign += slope[i] > 0 ? 1 : slope[i] < 0 ? -1 : 0;
	*ret_tau = sign / (double)k;
	qsort(slope, k, sizeof(*slope), compare_double);
	return k % 2 ? slope[k / 2] : (slope[k / 2 - 1] + slope[k / 2]) / 2;
}

static void test_trend_against_brute_force(void **state)
{
	(void)state;
	for (int round = 0; round < 300; round++) {
		size_t n = TREND_MIN_POINTS + next_random() % (TREND_POINTS - TREND_MIN_POINTS);
		double t[TREND_POINTS], v[TREND_POINTS], want, tau;
		u64 time_ns = 5 * NS_PER_S;
		struct trend_fit fit;
		struct trend trend;

		trend_init(&trend, 500 * NS_PER_S);
		for (size_t i = 0; i < n; i++) {
			time_ns += 16 * NS_PER_S - next_random() % NS_PER_S / 4;
			t[i] = (double)time_ns / 1e9;
			v[i] = uniform() * 1000 + (double)i * (uniform() < 0.5 ? 10 : 0);
			trend_add(&trend, time_ns, v[i]);
		}
		/* The oldest may be past the horizon or too close to the last: compare what stayed.
		 */
		n = trend.count;
		for (size_t i = 0; i < n; i++) {
			t[i] = (double)trend.point[i].time_ns / 1e9;
			v[i] = trend.point[i].value;
		}
		want = brute_theil_sen(t, v, n, &tau);
		assert_true(trend_fit(&trend, &fit));
		assert_true(fabs(fit.tau - tau) < 1e-9);
		if (fabs(fit.slope_per_s - want) > 1e-6 * (1 + fabs(want)))
			fail_msg("%zu points: %g, want %g", n, fit.slope_per_s, want);
	}
}

static void feed_line(struct trend *trend, u64 from_s, u64 to_s, double start, double slope)
{
	for (u64 s = from_s; s < to_s; s++)
		trend_add(trend, s * NS_PER_S, start + slope * (double)(s - from_s));
}

static void test_trend_is_robust_and_bounded(void **state)
{
	struct trend_fit fit;
	struct trend trend;

	(void)state;
	trend_init(&trend, 60 * NS_PER_S);
	feed_line(&trend, 0, 4, 0, 1);
	assert_false(trend_fit(&trend, &fit)); /* four points say nothing */
	feed_line(&trend, 4, 1000, 4, 1);
	assert_true(trend.count <= TREND_POINTS && trend.count > TREND_POINTS - 3);
	trend.point[10].value += 1e6; /* two wild outliers */
	trend.point[20].value -= 1e6;
	assert_true(trend_fit(&trend, &fit));
	assert_true(fabs(fit.slope_per_s - 1) < 1e-9 && fit.tau > 0.8 && fit.tau < 1);
	assert_true(fit.since_ns >= 936 * NS_PER_S);

	/* A step in flat data is no slope. */
	trend_init(&trend, 60 * NS_PER_S);
	feed_line(&trend, 0, 10, 0, 0);
	feed_line(&trend, 10, 60, 5000, 0);
	assert_true(trend_fit(&trend, &fit));
	assert_true(fit.slope_per_s == 0);

	/* A clock that went backward starts anew. */
	trend_add(&trend, NS_PER_S, 7);
	assert_true(trend.count == 1);
}

static int set_seed(void **state)
{
	const char *text = getenv("TEST_SEED");

	(void)state;
	seed = text ? strtoull(text, NULL, 0) : (u64)time(NULL) * 2654435761ULL;
	seed |= 1;
	print_message("TEST_SEED=%llu\n", seed);
	return 0;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* By sorting, as the definitions say. */
static double exact_median(const double *values, size_t n)
{
	double sorted[200];

	memcpy(sorted, values, n * sizeof(*values));
	qsort(sorted, n, sizeof(*sorted), compare_doubles);
	return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
}

static void test_robust_against_definition(void **state)
{
	(void)state;
	for (int run = 0; run < 500; run++) {
		double values[200], off[200], scratch[200], middle;
		size_t n = 1 + next_random() % 200;
		struct robust got;

		for (size_t i = 0; i < n; i++)
			values[i] = run % 3 ? exp(10 * uniform()) : (double)(next_random() % 4);
		memcpy(scratch, values, sizeof(values));
		got = robust_of(scratch, n);
		middle = exact_median(values, n);
		for (size_t i = 0; i < n; i++)
			off[i] = fabs(values[i] - middle);
		assert_true(got.n == n && got.median == middle);
		assert_true(got.deviation == exact_median(off, n));
	}
	assert_int_equal(robust_of(NULL, 0).n, 0);
}

/* A third of the values may be anything. */
static void test_robust_score(void **state)
{
	double values[] = { 10, 11, 9, 10, 12, 8, 1e9, 1e12, 1e15 }, same[] = { 5, 5, 5, 5, 7 };
	struct robust r = robust_of(values, ARRAY_SIZE(values)), constant = robust_of(same, 5);

	(void)state;
	assert_true(r.median == 11 && r.deviation == 2);
	assert_true(fabs(robust_score(&r, 11 + 2 * 1.4826 * 3) - 3) < 1e-9);
	assert_true(robust_score(&r, 5) < 0);
	assert_true(isinf(robust_score(&constant, 5.1)) && robust_score(&constant, 5) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hist_against_exact),
		cmocka_unit_test(test_hist_edges),
		cmocka_unit_test(test_sliding_against_list),
		cmocka_unit_test(test_robust_against_definition),
		cmocka_unit_test(test_robust_score),
		cmocka_unit_test(test_trend_against_brute_force),
		cmocka_unit_test(test_trend_is_robust_and_bounded),
	};

	return cmocka_run_group_tests_name("estimators", tests, set_seed, NULL);
}
