/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Estimates against simulated targets, whose calls are known: what a target does with the time that
 * probes take is a row of a table, and so is how close the estimate has to come.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "base/macros.h"
#include "base/units.h"
#include "govern/estimate.h"
#include "estimate_sim.h"

/* A fixed seed, so that a tail of chance fails no build; TEST_SEED looks at others. */
#define SEED 20240229

static u64 seed;

static double calls_of(const struct estimate_view *v)
{
	double sum = 0;

	for (size_t fn = FIRST; fn <= LAST; fn++)
		sum += v->calls[fn];
	return sum;
}

static struct estimate_view look(const struct sim *s, struct estimate *e)
{
	struct reading now = reading_of(s);
	struct estimate_view v;

	estimate_now(e, &now, &v);
	return v;
}

/* Of calls, as model/totals.c has it of rates: what windows scatter, and what they share. */
static double standard_error(const struct estimate_view *v)
{
	return hypot(v->sd_per_s * (double)v->gap_ns / 1e9 / sqrt((double)MAX(v->windows, 1ULL)),
		     v->bias_error * calls_of(v));
}

static void assert_sane(const struct estimate_view *v, const struct estimate *e)
{
	struct loss_share loss = estimate_loss(e);

	for (size_t i = 0; i < ESTIMATES; i++)
		assert_true(isfinite(v->calls[i]) && v->calls[i] >= 0);
	assert_true(isfinite(v->sd_per_s) && v->sd_per_s >= 0);
	assert_true(isfinite(v->bias_error) && v->bias_error >= 0);
	assert_true(loss.share >= 0 && loss.share <= 1 && isfinite(loss.error) && loss.error >= 0);
}

/* Rows of a table that don't come out fail the test when all were looked at. */
static int failures;

static void complain(const char *fmt, ...) PRINTF_LIKE(1, 2);
static void complain(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprint_error(fmt, args);
	va_end(args);
	failures++;
}

struct row {
	const char *name;
	struct target target;
	double tolerance; /* of all calls */
	double loss_low, loss_high;
};

enum { RUNS = 10, WINDOWS = 400 };

static void check_view(const struct row *row, const struct estimate_view *v)
{
	if (v->bounded)
		complain("%s: said to be bounded\n", row->name);
	/* What is seen in the same windows is estimated the same way. */
	assert_true(fabs(v->calls[FN_MOST] / v->calls[FN_REST] - 3) < 0.01);
	assert_true(fabs(v->calls[MOVED] / calls_of(v) - MOVED_PER_CALL) < 0.01);
}

static void check_row(const struct row *row)
{
	double worst = 0, share_low = 1, share_high = 0;

	for (int k = 0; k < RUNS; k++) {
		struct sim s = sim_of(&row->target);
		struct estimate_view v;
		struct estimate e;
		double error, share;

		play(&s, &e, WINDOWS);
		v = look(&s, &e);
		assert_sane(&v, &e);
		check_view(row, &v);
		error = calls_of(&v) / s.calls - 1;
		share = estimate_loss(&e).share;
		worst = fabs(error) > fabs(worst) ? error : worst;
		share_low = MIN(share_low, share);
		share_high = MAX(share_high, share);
	}
	if (!(fabs(worst) <= row->tolerance))
		complain("%s: off by %.2f %%, at most %.2f %%\n", row->name, 100 * worst,
			 100 * row->tolerance);
	if (share_low < row->loss_low || share_high > row->loss_high)
		complain("%s: loss shares %.2f to %.2f, want %.2f to %.2f\n", row->name, share_low,
			 share_high, row->loss_low, row->loss_high);
}

static void check_rows(const struct row *rows, size_t n)
{
	failures = 0;
	for (size_t i = 0; i < n; i++)
		check_row(&rows[i]);
	assert_int_equal(failures, 0);
}

/* What is never made up for: until the loss is known, half of it is left out. That is 3 windows
 * of 400, or 1 % of a loss that comes to 65 %. */
static void test_busy_targets(void **state)
{
	static const struct row rows[] = {
		/* The clock's noise is as large as the cost: but the loss is small. */
		{ "free, 20 k/s", ONE(FREE, 20e3), 0.01, 0, 1 },
		/* The two costs seem to differ by chance for some windows. */
		{ "free, 100 k/s", ONE(FREE, 100e3), 0.02, 0, 1 },
		{ "free, 300 k/s", ONE(FREE, 300e3), 0.02, 0.8, 1 },
		{ "free, 1 M/s", ONE(FREE, 1e6), 0.02, 0.9, 1 },
		/* Others on CPU tell nothing of the writer, and make the clock noisier. */
		{ "burners, 20 k/s", BURNERS(20e3, 3), 0.015, 0, 1 },
		{ "burners, 100 k/s", BURNERS(100e3, 3), 0.03, 0, 1 },
		{ "burners, 300 k/s", BURNERS(300e3, 3), 0.03, 0.7, 1 },
		{ "burners, 1 M/s", BURNERS(1e6, 3), 0.03, 0.9, 1 },
		/* Each of two loses what its own hits take. */
		{ "two, 20 k/s each", MANY(FREE, 20e3, 2), 0.01, 0, 1 },
		{ "two, 100 k/s each", MANY(FREE, 100e3, 2), 0.02, 0, 1 },
		{ "two, 300 k/s each", MANY(FREE, 300e3, 2), 0.02, 0.8, 1 },
		{ "two, 1 M/s each", MANY(FREE, 1e6, 2), 0.02, 0.9, 1 },
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows));
}

static void test_targets_with_time_to_spare(void **state)
{
	static const struct row rows[] = {
		/* A window of 5 ms holds five bursts, give or take one, so the two costs at times
		 * seem to tell of a loss where there is none. */
		{ "sleep, 20 k/s", ONE(SLEEP, 20e3), 0.03, 0, 1 },
		{ "sleep, 100 k/s", ONE(SLEEP, 100e3), 0.03, 0, 1 },
		/* Probes make bursts longer: the last falls out of the window in part. */
		{ "sleep, 300 k/s", ONE(SLEEP, 300e3), 0.01, 0, 1 },
		{ "sleep, 1 M/s", ONE(SLEEP, 1e6), 0.02, 0, 0.3 },
		{ "3 k each 3 ms", BATCHES(1e6, 3), 0.01, 0, 0.3 },
		{ "2 k each 7 ms", BATCHES(300e3, 7), 0.05, 0, 0.3 },
		/* Seems to lose all, or r·τ, until the two costs tell: they never do at 20 k/s. */
		{ "spin, 20 k/s", ONE(SPIN, 20e3), 0.02, 0, 1 },
		{ "spin, 50 k/s", ONE(SPIN, 50e3), 0.04, 0, 1 },
		{ "spin, 100 k/s", ONE(SPIN, 100e3), 0.04, 0, 1 },
		{ "spin, 300 k/s", ONE(SPIN, 300e3), 0.03, 0, 0.3 },
		{ "spin, 1 M/s", ONE(SPIN, 1e6), 0.03, 0, 0.15 },
		{ "two spin, 300 k/s each", MANY(SPIN, 300e3, 2), 0.03, 0, 0.3 },
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows));
}

/*
 * CPU time in windows rises, and yet all of a probe's time is lost: the CPU clock's figure is no
 * upper bound. What a hit costs 100 ns less for does tell.
 */
static void test_targets_that_lose_off_cpu(void **state)
{
	static const struct row rows[] = {
		/* Calls, then a wait of fixed length, as for a database: 1/m = 1/r + τ. */
		{ "think, 100 k/s", ONE(THINK, 100e3), 0.035, 0, 1 },
		/* By CPU time half of it has time to spare; too few windows tell better. */
		{ "think, 300 k/s", ONE(THINK, 300e3), 0.09, 0, 1 },
		{ "think, 1 M/s", ONE(THINK, 1e6), 0.25, 0, 1 },
		/* Half a CPU, in slices, as under a quota: a window's hits come in half its time,
		 * hence 1/m = 1/r + 2τ. */
		/* A limit of the method: in its share of a CPU it loses twice. */
		{ "half a CPU, 150 k/s", ON_OFF(300e3, 2, 4), 0.1, 0, 1 },
		{ "half a CPU, 500 k/s", ON_OFF(1e6, 2, 4), 0.25, 0, 1 },
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows));
}

static void check_bounded(const char *name, const struct target *target, bool no_cpu_clock)
{
	struct sim s = sim_of(target);
	struct estimate_view v;
	struct estimate e;

	s.no_cpu_clock = no_cpu_clock;
	play(&s, &e, 0);
	for (int i = 0; i < 100; i++) {
		double ns = uniform(5e6, 20e6);

		run(&s, gap_ns(), 0);
		window(&s, &e, ns, i % 2, false);
		v = look(&s, &e);
		assert_sane(&v, &e);
		if (calls_of(&v) > s.calls)
			complain("%s: %g calls after %d windows, there were %g\n", name,
				 calls_of(&v), i + 1, s.calls);
		if (i >= 3 && !v.bounded)
			complain("%s: not said to be bounded after %d windows\n", name, i + 1);
		if (failures)
			return;
	}
}

/* r·τ = 65: what is left of the loop in a window rests on τ alone. */
static void test_dense_loop_is_bounded(void **state)
{
	static const struct target loop = ONE(FREE, 100e6), two = MANY(FREE, 100e6, 2),
				   burners = BURNERS(100e6, 3), less = ONE(FREE, 2e6);

	(void)state;
	failures = 0;
	check_bounded("100 M/s", &loop, false);
	check_bounded("100 M/s each", &two, false);
	check_bounded("100 M/s and burners", &burners, false);
	check_bounded("2 M/s", &less, false);
	assert_int_equal(failures, 0);
}

/* What a window sees of such a burst is its begin or its end: no window tells how long it is. */
static void test_bursts_longer_than_windows_are_bounded(void **state)
{
	static const struct target targets[] = { BATCHES(1e6, 40), BATCHES(1e6, 100),
						 BATCHES(500e3, 200) };
	size_t bounded = 0;

	(void)state;
	for (size_t i = 0; i < RUNS * ARRAY_SIZE(targets); i++) {
		struct sim s = sim_of(&targets[i % ARRAY_SIZE(targets)]);
		struct estimate_view v;
		struct estimate e;

		play(&s, &e, 200);
		v = look(&s, &e);
		assert_sane(&v, &e);
		bounded += v.bounded;
		if (!v.bounded && fabs(calls_of(&v) - s.calls) > 3 * standard_error(&v))
			fail_msg("each %g ms: of %g calls %g, and not said to be bounded, nor so "
				 "wrong",
				 s.target->tick_ms, s.calls, calls_of(&v));
		assert_true(calls_of(&v) < s.calls);
	}
	assert_true(bounded > RUNS * ARRAY_SIZE(targets) * 3 / 4);
}

/* Without it nothing is known but by two costs: the figures must say how wrong they may be. */
static void test_no_cpu_clock(void **state)
{
	static const struct target dense = ONE(FREE, 100e6), free = ONE(FREE, 1e6),
				   sleeper = ONE(SLEEP, 100e3);
	const struct target *targets[] = { &free, &sleeper };

	(void)state;
	failures = 0;
	check_bounded("100 M/s without a CPU clock", &dense, true);
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		struct sim s = sim_of(targets[i]);
		struct estimate_view v;
		struct estimate e;

		s.no_cpu_clock = true;
		play(&s, &e, 200);
		v = look(&s, &e);
		assert_sane(&v, &e);
		if (!v.bounded && fabs(calls_of(&v) - s.calls) > 3 * standard_error(&v))
			complain("%g/s without a CPU clock: off by %.2f %%, standard error %.2f "
				 "%%\n",
				 targets[i]->per_s, 100 * (calls_of(&v) / s.calls - 1),
				 100 * standard_error(&v) / s.calls);
	}
	assert_int_equal(failures, 0);
}

static void test_standing_is_exact(void **state)
{
	static const struct target targets[] = {
		MANY(FREE, 1e6, 2),
		ONE(SLEEP, 1e3),
		ONE(FREE, 100e6),
		ONE(SPIN, 0),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		struct sim s = sim_of(&targets[i]);
		struct estimate e;

		s.hits_at_start = next_random() >> 13; /* sums stay below 2^53 */
		start(&s, &e);
		for (int k = 0; k < 1000; k++) {
			struct reading now;
			struct estimate_view v;

			stand(&s, &e, k % 10 ? uniform(0, 250e6) : 0, true);
			run(&s, uniform(0, 100e6), k % 3 ? s.full_ns : 0);
			now = reading_of(&s);
			estimate_now(&e, &now, &v);
			assert_sane(&v, &e);
			for (size_t fn = 0; fn < ESTIMATES; fn++)
				assert_true(v.calls[fn] == (double)now.hits[fn]);
			assert_true(!v.sampled && !v.bounded && v.gap_ns == 0 && v.windows == 0);
		}
	}
}

/* After the last gap calls grow as the counters do. */
static void test_standing_again_is_exact(void **state)
{
	static const struct target target = ONE(FREE, 300e3);
	struct sim s = sim_of(&target);
	struct estimate_view before, v;
	struct reading now;
	struct estimate e;

	(void)state;
	start(&s, &e);
	for (int i = 0; i < 10; i++)
		stand(&s, &e, 250e6, i < 9);
	for (int i = 0; i < 50; i++) {
		run(&s, gap_ns(), 0);
		window(&s, &e, 10e6, i % 2, i == 49);
	}
	now = e.seen;
	estimate_now(&e, &now, &before);
	assert_true(before.sampled && before.windows == 50 && before.gap_ns == s.gap_ns);
	assert_true(fabs(calls_of(&before) / s.calls - 1) < 0.05); /* of 50 windows only */
	for (int i = 0; i < 100; i++) {
		struct reading from = now;

		stand(&s, &e, 250e6, true);
		run(&s, uniform(0, 250e6), s.full_ns);
		now = reading_of(&s);
		estimate_now(&e, &now, &v);
		for (size_t fn = 0; fn < ESTIMATES; fn++)
			assert_true(fabs(v.calls[fn] - before.calls[fn] -
					 (double)(now.hits[fn] - from.hits[fn])) < 1e-3);
		assert_true(v.sampled && v.windows == 50 && v.gap_ns == s.gap_ns);
		before = v;
	}
}

static void assert_forward(const struct estimate_view *from, const struct estimate_view *to)
{
	for (size_t i = 0; i < ESTIMATES; i++)
		assert_true(to->calls[i] >= from->calls[i]);
}

/* Looks at moments of all kinds, on targets that stop and start: seen is looked at, blind is not
 * but at the end, when they say the same. */
static void test_looks_change_nothing(void **state)
{
	static const struct target targets[] = {
		ON_OFF(1e6, 300, 1000), MANY(SLEEP, 100e3, 2), ONE(SPIN, 300e3),
		ON_OFF(50e3, 37, 100),	ONE(FREE, 100e6),
	};

	(void)state;
	for (size_t i = 0; i < 10 * ARRAY_SIZE(targets); i++) {
		struct sim s = sim_of(&targets[i % ARRAY_SIZE(targets)]);
		struct estimate_view v, last = { .gap_ns = 0 };
		struct estimate e, blind;
		bool standing = true;

		start(&s, &e);
		blind = e;
		for (int k = 0; k < 300; k++) {
			bool stays = next_random() % 4 == 0;
			struct exposure x = { .open = e.seen };

			for (int looks = 0; !standing && looks < 3; looks++) {
				run(&s, uniform(0, 80e6), 0);
				v = look(&s, &e);
				assert_sane(&v, &e);
				assert_forward(&last, &v);
				assert_true(v.sampled);
				assert_true(v.gap_ns == s.gap_ns + (s64)(reading_of(&s).time_ns -
									 e.seen.time_ns));
				last = v;
			}
			if (!standing)
				x.open = reading_of(&s);
			s.gap_ns += (s64)(x.open.time_ns - e.seen.time_ns);
			/* In a window that has not been told of. */
			run(&s, uniform(0, 10e6), s.full_ns);
			v = look(&s, &e);
			assert_forward(&last, &v);
			last = v;
			x = expose(&s, &x.open, uniform(0, 10e6), !standing && k % 2);
			x.stays = standing = stays;
			estimate_exposed(&e, &x);
			estimate_exposed(&blind, &x);
		}
		/* What was shown too early is caught up with. */
		while (!standing || s.hits < 1e5 || e.calls[MOVED] < e.shown[MOVED] ||
		       e.calls[FN_MOST] < e.shown[FN_MOST] || e.calls[FN_REST] < e.shown[FN_REST]) {
			struct exposure x = expose(&s, &e.seen, 200e6, false);

			x.stays = standing = true;
			estimate_exposed(&e, &x);
			estimate_exposed(&blind, &x);
		}
		v = look(&s, &e);
		last = look(&s, &blind);
		for (size_t fn = 0; fn < ESTIMATES; fn++)
			assert_true(v.calls[fn] == last.calls[fn]);
	}
}

/* Who looks has read the counters, then waits for the lock while a window ends: its reading is the
 * older one. */
static void test_look_with_an_older_reading(void **state)
{
	static const struct target target = ONE(FREE, 300e3);
	struct sim s = sim_of(&target);
	struct estimate_view v;
	struct reading older;
	struct estimate e;

	(void)state;
	for (int stays = 0; stays < 2; stays++) {
		start(&s, &e);
		run(&s, 249e6, s.full_ns);
		older = reading_of(&s);
		stand(&s, &e, 250e6, stays);
		estimate_now(&e, &older, &v);
		if (!(calls_of(&v) <= (double)hits_of(&e.seen)))
			fail_msg("%s: %g calls, %llu were counted", stays ? "stays" : "goes",
				 calls_of(&v), hits_of(&e.seen));
	}
}

/* The mean of many runs: each alone scatters as its windows do. */
static void check_means(const struct row *rows, size_t n)
{
	enum { MANY_RUNS = 60, MANY_WINDOWS = 2000 };

	failures = 0;
	for (size_t i = 0; i < n; i++) {
		double sum = 0;

		for (int k = 0; k < MANY_RUNS; k++) {
			struct sim s = sim_of(&rows[i].target);
			struct estimate_view v;
			struct estimate e;

			play(&s, &e, MANY_WINDOWS);
			v = look(&s, &e);
			sum += calls_of(&v) / s.calls - 1;
		}
		if (fabs(sum / MANY_RUNS) > rows[i].tolerance)
			complain("%s: off by %.2f %% in the mean of %d runs\n", rows[i].name,
				 100 * sum / MANY_RUNS, MANY_RUNS);
	}
	assert_int_equal(failures, 0);
}

/* Windows see moments of a load that comes and goes, whose period may be their own. Its rate is so
 * low that dead time is no matter. */
static void test_jitter_makes_unbiased(void **state)
{
	static const struct row rows[] = {
		/* The windows' own period: the phase moves by up to a quarter each time, so that
		 * 2000 windows are worth some 450. One run is off by 5 %, their mean by 0.7 %. */
		{ "100 of 200 ms", ON_OFF(20e3, 100, 200), 0.03, 0, 1 },
		{ "20 of 200 ms", ON_OFF(20e3, 20, 200), 0.06, 0, 1 },
		{ "180 of 200 ms", ON_OFF(20e3, 180, 200), 0.02, 0, 1 },
		/* Twice, and something like it, and far longer. */
		{ "50 of 100 ms", ON_OFF(20e3, 50, 100), 0.02, 0, 1 },
		{ "100 of 160 ms", ON_OFF(20e3, 100, 160), 0.02, 0, 1 },
		{ "1 of 3 s", ON_OFF(20e3, 1000, 3000), 0.03, 0, 1 },
	};

	(void)state;
	check_means(rows, ARRAY_SIZE(rows));
}

/* Busy at times, at 300 k/s: there were 19.5 % more calls than windows see then. */
static void test_dead_time_of_a_load_that_comes_and_goes(void **state)
{
	static const struct row rows[] = {
		{ "100 of 160 ms", ON_OFF(300e3, 100, 160), 0.08, 0, 1 },
		{ "100 of 200 ms", ON_OFF(300e3, 100, 200), 0.08, 0, 1 },
		{ "1 of 3 s", ON_OFF(300e3, 1000, 3000), 0.08, 0, 1 },
	};

	(void)state;
	check_means(rows, ARRAY_SIZE(rows));
}

/* What comes by a clock for some ms looks in windows as if it always did. */
static void test_series_are_no_clock(void **state)
{
	static const struct row rows[] = {
		{ "300 in each of 3 of 20 ms", SERIES(300e3, 3, 20), 0.02, 0, 1 },
		{ "300 in each of 10 of 20 ms", SERIES(300e3, 10, 20), 0.02, 0, 1 },
		{ "300 in each of 19 of 20 ms", SERIES(300e3, 19, 20), 0.02, 0, 1 },
		{ "700 in each of 2 of 100 ms", SERIES(700e3, 2, 100), 0.02, 0, 1 },
		{ "300 in each of 50 of 100 ms", SERIES(300e3, 50, 100), 0.02, 0, 1 },
		{ "300 in each of 90 of 100 ms", SERIES(300e3, 90, 100), 0.02, 0, 1 },
	};

	(void)state;
	check_means(rows, ARRAY_SIZE(rows));
}

/* A window holds no gap longer than itself: were they taken for a clock, it would be a fast one. */
static void test_bursts_at_random_are_no_clock(void **state)
{
	static const struct row rows[] = {
		{ "300 each ms", RANDOM_BATCHES(300e3, 1), 0.02, 0, 1 },
		{ "900 each 3 ms", RANDOM_BATCHES(300e3, 3), 0.02, 0, 1 },
		{ "2400 each 8 ms", RANDOM_BATCHES(300e3, 8), 0.02, 0, 1 },
		{ "2100 each 3 ms", RANDOM_BATCHES(700e3, 3), 0.02, 0, 1 },
	};

	(void)state;
	check_means(rows, ARRAY_SIZE(rows));
}

/* With costs of hits that are not as calibrated: by 3 %, and their difference by 15 %. */
static struct sim miscalibrated_sim_of(const struct target *target)
{
	struct sim s = sim_of(target);

	s.full_ns = TAU_FULL_NS * (1 + 0.03 * normal());
	s.lean_ns = s.full_ns - (TAU_FULL_NS - TAU_LEAN_NS) * (1 + 0.15 * normal());
	return s;
}

/* tolerance: of the standard error; one that is larger says nothing. */
static void check_errors(const struct row *rows, size_t n)
{
	enum { MANY_RUNS = 100, SOME_WINDOWS = 200 };

	failures = 0;
	for (size_t i = 0; i < n; i++) {
		double sum = 0, worst = 0;
		int covered = 0;

		for (int k = 0; k < MANY_RUNS; k++) {
			struct sim s = miscalibrated_sim_of(&rows[i].target);
			struct estimate_view v;
			struct estimate e;
			double error;

			play(&s, &e, SOME_WINDOWS);
			v = look(&s, &e);
			error = fabs(calls_of(&v) - s.calls);
			covered += error <= 3 * standard_error(&v);
			sum += standard_error(&v) / s.calls;
			worst = MAX(worst, error / s.calls);
		}
		if (covered < MANY_RUNS * 8 / 10)
			complain("%s: %d of %d runs within 3 standard errors of %.2f %%, the worst "
				 "off by %.2f %%\n",
				 rows[i].name, covered, MANY_RUNS, 100 * sum / MANY_RUNS,
				 100 * worst);
		if (sum / MANY_RUNS > rows[i].tolerance)
			complain("%s: a standard error of %.2f %%, more than %.2f %%\n",
				 rows[i].name, 100 * sum / MANY_RUNS, 100 * rows[i].tolerance);
	}
	assert_int_equal(failures, 0);
}

static void test_standard_error_covers(void **state)
{
	static const struct row rows[] = {
		{ "free, 20 k/s", ONE(FREE, 20e3), 0.02, 0, 1 },
		{ "free, 300 k/s", ONE(FREE, 300e3), 0.07, 0, 1 },
		/* The difference of two costs, known within 30 %, of a loss of 65 %. */
		{ "free, 1 M/s", ONE(FREE, 1e6), 0.2, 0, 1 },
		{ "burners, 100 k/s", BURNERS(100e3, 3), 0.03, 0, 1 },
		{ "burners, 1 M/s", BURNERS(1e6, 3), 0.2, 0, 1 },
		{ "two, 300 k/s each", MANY(FREE, 300e3, 2), 0.07, 0, 1 },
		{ "sleep, 20 k/s", ONE(SLEEP, 20e3), 0.03, 0, 1 },
		{ "sleep, 100 k/s", ONE(SLEEP, 100e3), 0.03, 0, 1 },
		{ "spin, 300 k/s", ONE(SPIN, 300e3), 0.07, 0, 1 },
		{ "spin, 1 M/s", ONE(SPIN, 1e6), 0.2, 0, 1 },
		/* Windows that see all or nothing: 1 / sqrt(200). */
		{ "100 of 160 ms", ON_OFF(20e3, 100, 160), 0.1, 0, 1 },
		{ "1 of 3 s", ON_OFF(20e3, 1000, 3000), 0.2, 0, 1 },
	};

	(void)state;
	check_errors(rows, ARRAY_SIZE(rows));
}

/* Where the errors are of another kind than windows that scatter and costs that are not known. */
static void test_standard_error_covers_what_is_no_scatter(void **state)
{
	static const struct row rows[] = {
		/* Windows cut bursts that probes made longer: 2 % are missing here, 12 % where a
		   sleeper wakes late. */
		{ "sleep, 1 M/s", ONE(SLEEP, 1e6), 0.12, 0, 0.3 },
		/* The CPU clock says that all is lost, which is wrong, and the two costs can't
		   tell. */
		{ "spin, 20 k/s", ONE(SPIN, 20e3), 0.02, 0, 1 },
		{ "spin, 50 k/s", ONE(SPIN, 50e3), 0.03, 0, 1 },
		/* The windows' own period: one window is much like the one before. */
		{ "100 of 200 ms", ON_OFF(20e3, 100, 200), 0.2, 0, 1 },
	};

	(void)state;
	check_errors(rows, ARRAY_SIZE(rows));
}

static int set_seed(void **state)
{
	(void)state;
	random_state = seed;
	return 0;
}

/* A program whose hits are 10 % dearer than they are told to be, and which says so. */
static void test_standard_error_has_that_of_the_cost(void **state)
{
	static const struct target target = ONE(FREE, 300e3);
	double errors[2];

	for (int i = 0; i < 2; i++) {
		struct estimate_view v;
		struct estimate e;
		struct sim s;

		set_seed(state);
		s = sim_of(&target);
		s.full_ns *= 1.1;
		s.lean_ns *= 1.1;
		s.cost_error = i ? 0.1 : 0;
		play(&s, &e, 200);
		v = look(&s, &e);
		errors[i] = v.bias_error;
		if (i)
			assert_true(fabs(calls_of(&v) - s.calls) <= 2 * standard_error(&v));
	}
	assert_true(errors[1] > errors[0]);
}

/* 4 ms after a gap. cycle_hits: of one of 2 ms; 0: it saw none as a whole. */
static void add_window(struct estimate *e, double hits, double cycle_hits, bool lean)
{
	struct exposure x = { .lean = lean, .cpus = 1, .pause_ns = 400 * NS_PER_MS };

	x.open = e->seen;
	x.open.time_ns += 500 * NS_PER_MS;
	x.close = x.open;
	x.close.time_ns += 4 * NS_PER_MS;
	x.close.hits[FN_MOST] += (u64)hits;
	x.cost_ns = hits * (lean ? TAU_LEAN_NS : TAU_FULL_NS);
	x.bursts = (struct bursts) { .whole = 1, .whole_hits = hits };
	if (cycle_hits > 0) {
		x.bursts.whole = 2;
		x.bursts.cycles = 1;
		x.bursts.cycles_ns = 2 * NS_PER_MS;
		x.bursts.cycles_hits = cycle_hits;
	}
	estimate_exposed(e, &x);
}

/* What windows seemed to tell of the loss while each held one burst or two, by chance, is forgotten
 * once whole cycles tell the rate. */
static void test_cycles_tell_loss_anew(void **state)
{
	struct reading first = { .time_ns = 1 };
	struct exposure x = { .open = first, .close = first };
	struct estimate e;

	(void)state;
	estimate_start(&e, FIRST, LAST, &first);
	x.close.time_ns += 5 * NS_PER_MS;
	estimate_exposed(&e, &x);
	for (int i = 0; i < 40; i++)
		add_window(&e, i % 2 ? 2900 : 2500, 0, i % 2);
	assert_true(estimate_loss(&e).share > 0.3);
	for (int i = 0; i < 40; i++) {
		bool before = e.put_off.clocked;
		struct estimate_view v;

		add_window(&e, i % 2 ? 2900 : 2500, 2000, i % 2);
		estimate_now(&e, &e.seen, &v);
		/* One window tells nothing of how they scatter. */
		assert_true(before || v.sd_per_s > 0);
	}
	assert_true(estimate_loss(&e).share < 0.02);
	assert_true(fabs(e.per_ns[FN_MOST] - 1e-3) < 1e-5);
}

static void test_no_hits(void **state)
{
	static const struct target idle = ONE(SLEEP, 0), burning = BURNERS(0, 2);
	const struct target *targets[] = { &idle, &burning };

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(targets); i++) {
		struct sim s = sim_of(targets[i / 2]);
		struct estimate_view v;
		struct estimate e;

		s.no_cpu_clock = i % 2;
		s.hits_at_start = 1000;
		play(&s, &e, 100);
		v = look(&s, &e);
		assert_sane(&v, &e);
		assert_true(v.calls[FN_MOST] == 1000 && v.calls[FN_REST] == 1000);
		assert_true(v.calls[MOVED] == 0 && v.sd_per_s == 0 && v.bias_error == 0);
		assert_true(v.sampled && !v.bounded && v.windows == 100);
	}
}

/* No time between two readings, and a CPU clock that can't be read at times: no more is asked than
 * that what follows is as good as ever. */
static void test_odd_readings(void **state)
{
	static const struct target target = ONE(FREE, 300e3);

	(void)state;
	for (int i = 0; i < 50; i++) {
		struct sim s = sim_of(&target);
		struct estimate_view v;
		struct estimate e;

		play(&s, &e, 0);
		for (int k = 0; k < 400; k++) {
			struct exposure x = { .open = e.seen, .lean = k % 2 };
			double ns = uniform(5e6, 20e6);

			if (next_random() % 8 == 0) { /* an empty window, after no gap */
				x.close = x.open;
				estimate_exposed(&e, &x);
			}
			s.no_cpu_clock = next_random() % 8 == 0;
			run(&s, gap_ns(), 0);
			if (next_random() % 8 == 0) { /* an empty one amid a gap */
				x.open = x.close = reading_of(&s);
				estimate_exposed(&e, &x);
				run(&s, gap_ns(), 0);
			}
			s.no_cpu_clock = next_random() % 8 == 0;
			window(&s, &e, ns, k % 2, false);
			v = look(&s, &e);
			assert_sane(&v, &e);
		}
		if (fabs(calls_of(&v) / s.calls - 1) > 0.04)
			fail_msg("off by %.2f %%", 100 * (calls_of(&v) / s.calls - 1));
	}
}

/* A hit in no time: no rate follows from it, nor anything that is no number. */
static void test_hits_in_no_time(void **state)
{
	static const struct target target = ONE(FREE, 300e3);
	struct sim s = sim_of(&target);
	struct exposure x = { .cpus = 1 };
	struct estimate_view v;
	struct estimate e;

	(void)state;
	play(&s, &e, 20);
	run(&s, 200e6, 0);
	x.open = x.close = reading_of(&s);
	x.close.hits[FN_MOST]++;
	x.cost_ns = TAU_FULL_NS;
	estimate_exposed(&e, &x);
	s.hits_at_start++;
	v = look(&s, &e);
	assert_sane(&v, &e);
	run(&s, 200e6, 0);
	window(&s, &e, 10e6, false, true);
	v = look(&s, &e);
	assert_sane(&v, &e);
}

/* Beyond 2^53, where a double no longer holds every number. */
static void test_huge_counters(void **state)
{
	static const u64 huge[] = { 1ULL << 53, 1ULL << 62, 1ULL << 63 };
	static const struct target target = ONE(FREE, 1e6);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(huge); i++) {
		struct sim s = sim_of(&target);
		struct estimate_view v, last;
		struct estimate e;
		double start_calls;

		s.time_at_start_ns = s.cpu_at_start_ns = s.hits_at_start = huge[i];
		start(&s, &e);
		last = look(&s, &e);
		start_calls = calls_of(&last);
		assert_true(start_calls == 2 * (double)huge[i]);
		for (int k = 0; k < 400; k++) {
			run(&s, gap_ns(), 0);
			window(&s, &e, 10e6, k % 2, k % 100 == 0);
			v = look(&s, &e);
			assert_sane(&v, &e);
			assert_forward(&last, &v);
			last = v;
		}
		/* To the last of the digits that there are. */
		if (fabs(calls_of(&v) - start_calls - s.calls) >
		    0.03 * s.calls + 1e-13 * start_calls)
			fail_msg("from %llu: %g, want %g", huge[i], calls_of(&v) - start_calls,
				 s.calls);
		assert_true(!v.bounded && v.windows > 0);
	}
}

static int choose_seed(void **state)
{
	const char *text = getenv("TEST_SEED");

	(void)state;
	seed = (text ? strtoull(text, NULL, 0) : SEED) | 1;
	print_message("TEST_SEED=%llu\n", seed);
	return 0;
}

/* The pipeline reads counters, and is held up; a hand reads them later, and looks first. */
static void test_an_older_reading_has_not_risen(void **state)
{
	(void)state;
	assert_true(reading_rise(7, 3) == 4);
	assert_true(reading_rise(3, 7) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_busy_targets, set_seed),
		cmocka_unit_test_setup(test_targets_with_time_to_spare, set_seed),
		cmocka_unit_test_setup(test_targets_that_lose_off_cpu, set_seed),
		cmocka_unit_test_setup(test_dense_loop_is_bounded, set_seed),
		cmocka_unit_test_setup(test_bursts_longer_than_windows_are_bounded, set_seed),
		cmocka_unit_test_setup(test_no_cpu_clock, set_seed),
		cmocka_unit_test_setup(test_standing_is_exact, set_seed),
		cmocka_unit_test_setup(test_standing_again_is_exact, set_seed),
		cmocka_unit_test_setup(test_looks_change_nothing, set_seed),
		cmocka_unit_test_setup(test_look_with_an_older_reading, set_seed),
		cmocka_unit_test_setup(test_jitter_makes_unbiased, set_seed),
		cmocka_unit_test_setup(test_dead_time_of_a_load_that_comes_and_goes, set_seed),
		cmocka_unit_test_setup(test_series_are_no_clock, set_seed),
		cmocka_unit_test_setup(test_bursts_at_random_are_no_clock, set_seed),
		cmocka_unit_test_setup(test_standard_error_covers, set_seed),
		cmocka_unit_test_setup(test_standard_error_covers_what_is_no_scatter, set_seed),
		cmocka_unit_test_setup(test_standard_error_has_that_of_the_cost, set_seed),
		cmocka_unit_test(test_cycles_tell_loss_anew),
		cmocka_unit_test(test_an_older_reading_has_not_risen),
		cmocka_unit_test_setup(test_no_hits, set_seed),
		cmocka_unit_test_setup(test_odd_readings, set_seed),
		cmocka_unit_test_setup(test_hits_in_no_time, set_seed),
		cmocka_unit_test_setup(test_huge_counters, set_seed),
	};

	return cmocka_run_group_tests_name("estimates", tests, choose_seed, NULL);
}
