/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls by row: rounds by hand, then thousands of random ones against a naive list. */
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
#include "govern/shares.h"

#define FN    WIRE_FN_MAPASSIGN
#define OTHER WIRE_FN_GO_CREATE

static u64 seed;

/* xorshift64*, Vigna 2016 */
static u64 next_random(void)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return seed * 0x2545f4914f6cdd1dULL;
}

static struct share_key key_of(u64 fn, u64 site, u64 part)
{
	return (struct share_key) { .fn = fn, .a = 0x1000 + site, .b = site % 3, .part = part };
}

static void count(struct shares *shares, u64 fn, u64 site, u64 n)
{
	const struct share_key key = key_of(fn, site, 0);

	shares_count(shares, &key, n);
}

static u64 calls_of(const struct shares *shares, u64 fn, u64 site, u64 part)
{
	const struct share_key key = key_of(fn, site, part);

	return shares_calls(shares, &key);
}

/* Ends a round in which FN had so many calls. */
static void divide(struct shares *shares, double calls, bool sampled)
{
	const double all_calls[WIRE_FN_COUNT] = { [FN] = calls };
	const bool all_sampled[WIRE_FN_COUNT] = { [FN] = sampled };

	shares_divide(shares, all_calls, all_sampled);
}

static void test_exact_is_passed_on(void **state)
{
	CLEANUP(shares_freep) struct shares *shares = shares_new(10);

	(void)state;
	assert_true(shares_rows(shares) == 0);
	count(shares, FN, 1, 100);
	count(shares, FN, 2, 1);
	assert_true(calls_of(shares, FN, 1, 0) == 0); /* the round is not over */
	divide(shares, 1e9, false);		      /* whatever the estimate is */
	assert_true(calls_of(shares, FN, 1, 0) == 100 && calls_of(shares, FN, 2, 0) == 1);
	count(shares, FN, 1, 1ULL << 50);
	divide(shares, 0, false);
	assert_true(calls_of(shares, FN, 1, 0) == 1ULL << 50 && calls_of(shares, FN, 2, 0) == 1);
	divide(shares, 0, false); /* a round without a count: nothing new */
	assert_true(calls_of(shares, FN, 1, 0) == 1ULL << 50 && shares_rows(shares) == 2);
	assert_true(calls_of(shares, OTHER, 1, 0) == 0 && calls_of(shares, FN, 3, 0) == 0);
}

static void test_sampled_in_proportion(void **state)
{
	CLEANUP(shares_freep) struct shares *shares = shares_new(10);

	(void)state;
	count(shares, FN, 1, 30);
	count(shares, FN, 2, 10);
	count(shares, OTHER, 1, 7);
	divide(shares, 4000, true);
	assert_true(calls_of(shares, FN, 1, 0) == 3000 && calls_of(shares, FN, 2, 0) == 1000);
	assert_true(calls_of(shares, OTHER, 1, 0) == 7); /* which is exact */
	/* The next calls go by the next counts. */
	count(shares, FN, 1, 30);
	count(shares, FN, 2, 11);
	count(shares, FN, 3, 4);
	divide(shares, 4500, true);
	assert_true(calls_of(shares, FN, 1, 0) == 3000 && calls_of(shares, FN, 2, 0) == 1100);
	assert_true(calls_of(shares, FN, 3, 0) == 400);
	/* An estimate that fell hands out nothing, and takes nothing back. */
	count(shares, FN, 3, 104);
	divide(shares, 4400, true);
	assert_true(calls_of(shares, FN, 3, 0) == 400);
	count(shares, FN, 3, 105);
	divide(shares, 4600, true);
	assert_true(calls_of(shares, FN, 3, 0) == 500);
}

/* As a group that is taken off: what stood before is exact, and stays. */
static void test_exact_then_sampled(void **state)
{
	CLEANUP(shares_freep) struct shares *shares = shares_new(10);

	(void)state;
	count(shares, FN, 1, 1000);
	count(shares, FN, 2, 1000);
	divide(shares, 2000, false);
	count(shares, FN, 1, 1001);
	count(shares, FN, 2, 1003);
	divide(shares, 2400, true);
	assert_true(calls_of(shares, FN, 1, 0) == 1100 && calls_of(shares, FN, 2, 0) == 1300);
}

static void test_unseen_calls_wait(void **state)
{
	CLEANUP(shares_freep) struct shares *shares = shares_new(10);

	(void)state;
	divide(shares, 500, true); /* no row at all */
	count(shares, FN, 1, 10);
	count(shares, FN, 2, 10);
	divide(shares, 1000, true);
	assert_true(calls_of(shares, FN, 1, 0) == 500 && calls_of(shares, FN, 2, 0) == 500);
	for (int i = 1; i <= 5; i++) /* lean windows: calls, none of them by row */
		divide(shares, 1000 + 100 * i, true);
	assert_true(calls_of(shares, FN, 1, 0) == 500 && calls_of(shares, FN, 2, 0) == 500);
	count(shares, FN, 2, 11);
	divide(shares, 1600, true);
	assert_true(calls_of(shares, FN, 1, 0) == 500 && calls_of(shares, FN, 2, 0) == 1100);
}

static void add_calls(void *arg, const struct share_key *key, u64 calls)
{
	u64 *sums = arg;

	assert_true(key->fn < WIRE_FN_COUNT);
	sums[key->fn] += calls;
}

static void test_limit(void **state)
{
	CLEANUP(shares_freep) struct shares *shares = shares_new(5), *none = shares_new(0);
	u64 sums[WIRE_FN_COUNT] = { 0 };

	(void)state;
	for (int round = 1; round <= 3; round++) {
		for (u64 site = 0; site < 20; site++)
			count(shares, FN, site, (u64)round * (site + 1));
		divide(shares, 100 * round, true);
		assert_true(shares_rows(shares) == 5);
	}
	for (u64 site = 0; site < 5; site++)
		assert_true(calls_of(shares, FN, site, 0) == 20 * (site + 1));
	for (u64 site = 5; site < 20; site++)
		assert_true(calls_of(shares, FN, site, 0) == 0);
	shares_each(shares, add_calls, sums);
	assert_true(sums[FN] == 300); /* those that are kept have all of them */

	count(none, FN, 1, 1);
	divide(none, 100, true);
	assert_true(shares_rows(none) == 0 && calls_of(none, FN, 1, 0) == 0);
	shares_forget(none, 1);
	shares_free(NULL);
}

/* A function that a newer program or a corrupt row speaks of. */
static void test_unknown_function(void **state)
{
	static const u64 fns[] = { WIRE_FN_COUNT, 255, ~0ULL };
	CLEANUP(shares_freep) struct shares *shares = shares_new(5);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fns); i++)
		count(shares, fns[i], 1, 10);
	divide(shares, 100, true);
	assert_true(shares_rows(shares) == 0 && calls_of(shares, ~0ULL, 1, 0) == 0);
}

/* Calls of rows that had no room while all was exact are nobody else's, now or later. */
static void test_left_out_while_exact(void **state)
{
	CLEANUP(shares_freep) struct shares *shares = shares_new(1);

	(void)state;
	count(shares, FN, 1, 100);
	count(shares, FN, 2, 900);
	divide(shares, 1000, false);
	assert_true(calls_of(shares, FN, 1, 0) == 100 && calls_of(shares, FN, 2, 0) == 0);
	count(shares, FN, 1, 101);
	divide(shares, 1010, true);
	if (calls_of(shares, FN, 1, 0) != 110)
		fail_msg("ten more calls made 100 to %llu", calls_of(shares, FN, 1, 0));
}

static void test_counts_that_start_anew(void **state)
{
	CLEANUP(shares_freep) struct shares *shares = shares_new(10);

	(void)state;
	count(shares, FN, 1, 100);
	divide(shares, 0, false);
	count(shares, FN, 1, 30);
	divide(shares, 0, false);
	assert_true(calls_of(shares, FN, 1, 0) == 130);
	count(shares, FN, 1, 31); /* and go on */
	divide(shares, 0, false);
	assert_true(calls_of(shares, FN, 1, 0) == 131);
	count(shares, FN, 1, 40); /* twice in a round: both are of it */
	count(shares, FN, 1, 5);
	divide(shares, 0, false);
	assert_true(calls_of(shares, FN, 1, 0) == 145);
}

static void test_forget(void **state)
{
	CLEANUP(shares_freep) struct shares *shares = shares_new(5);
	const struct share_key keys[] = {
		key_of(FN, 1, 7), key_of(FN, 1, 8), key_of(FN, 2, 7),
		key_of(FN, 2, 9), key_of(FN, 1, 0),
	};
	u64 sums[WIRE_FN_COUNT] = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		shares_count(shares, &keys[i], 10 + i);
	divide(shares, 0, false);
	shares_forget(shares, 12);
	assert_true(shares_rows(shares) == 3);
	assert_true(shares_calls(shares, &keys[0]) == 0 && shares_calls(shares, &keys[1]) == 0);
	assert_true(shares_calls(shares, &keys[2]) == 12 && shares_calls(shares, &keys[3]) == 13);
	assert_true(shares_calls(shares, &keys[4]) == 14 + 10 + 11);

	/* Those that were kept start anew, above their old count at once or not; what never was a
	 * part goes on; one that was merged is a new row. */
	shares_count(shares, &keys[0], 3);
	shares_count(shares, &keys[2], 20);
	shares_count(shares, &keys[3], 1);
	shares_count(shares, &keys[4], 15);
	divide(shares, 0, false);
	assert_true(shares_calls(shares, &keys[0]) == 3 && shares_calls(shares, &keys[2]) == 32);
	assert_true(shares_calls(shares, &keys[3]) == 14);
	assert_true(shares_calls(shares, &keys[4]) == 14 + 10 + 11 + 1);

	/* Parts of a site without a row of others make one, though the table is full. */
	shares_count(shares, &(struct share_key) { .fn = FN, .a = 1, .part = 1 }, 1);
	divide(shares, 0, false);
	assert_true(shares_rows(shares) == 5);
	shares_forget(shares, ~0ULL);
	assert_true(shares_rows(shares) == 3); /* of three sites */
	shares_each(shares, add_calls, sums);
	assert_true(sums[FN] == 3 + 32 + 14 + 36 + 1);
	assert_true(calls_of(shares, FN, 2, 0) == 32 + 14);
}

/* What was counted before the kernel forgot, and not divided yet, is not lost. */
static void test_forget_within_a_round(void **state)
{
	CLEANUP(shares_freep) struct shares *shares = shares_new(5);
	const struct share_key few = key_of(FN, 1, 7), many = key_of(FN, 1, 8);

	(void)state;
	shares_count(shares, &few, 10);
	shares_count(shares, &many, 100);
	divide(shares, 110, true);
	shares_count(shares, &few, 15);
	shares_count(shares, &many, 105);
	shares_forget(shares, 50);
	divide(shares, 310, true);
	assert_true(calls_of(shares, FN, 1, 0) == 110 && shares_calls(shares, &many) == 200);
}

/*
 * The model: rows in a list, each with all that it was given. What a round hands out is taken from
 * the definition, not from the differences that the table keeps.
 */
enum { SITES = 12, PARTS = 4, LIST = 3 * SITES * PARTS };

struct row {
	struct share_key key;
	bool kept;
	u64 kernel, told; /* the kernel's count, and what the table was told last */
	double seen, calls;
};

struct list {
	struct row rows[LIST];
	size_t n, kept, limit;
	double calls[WIRE_FN_COUNT], handed[WIRE_FN_COUNT];
	bool sampled[WIRE_FN_COUNT];
};

static const u64 model_fns[] = { WIRE_FN_MAPASSIGN, WIRE_FN_MAPDELETE, WIRE_FN_GO_EXIT };

static void list_init(struct list *l, size_t limit)
{
	*l = (struct list) { .limit = limit };
	for (size_t f = 0; f < ARRAY_SIZE(model_fns); f++)
		for (u64 site = 0; site < SITES; site++)
			for (u64 part = 0; part < PARTS; part++)
				l->rows[l->n++].key = key_of(model_fns[f], site, part);
}

static bool keep(struct list *l, struct row *r)
{
	if (!r->kept && l->kept < l->limit) {
		r->kept = true;
		l->kept++;
	}
	return r->kept;
}

static void count_some(struct list *l, struct shares *shares)
{
	for (size_t i = next_random() % 3; i < l->n; i += 1 + next_random() % 8) {
		struct row *r = &l->rows[i];

		if (next_random() % 50 == 0) /* evicted; more than it had shows as growth only */
			r->kernel = r->told ? next_random() % r->told : 0;
		else
			r->kernel += next_random() % (1ULL << next_random() % 20);
		shares_count(shares, &r->key, r->kernel);
		if (!keep(l, r))
			continue;
		r->seen += (double)(r->kernel < r->told ? r->kernel : r->kernel - r->told);
		r->told = r->kernel;
	}
}

static double seen_of(const struct list *l, u64 fn)
{
	double sum = 0;

	for (size_t i = 0; i < l->n; i++)
		if (l->rows[i].key.fn == fn)
			sum += l->rows[i].seen;
	return sum;
}

static void divide_list(struct list *l, struct shares *shares)
{
	for (size_t f = 0; f < ARRAY_SIZE(model_fns); f++) {
		u64 fn = model_fns[f];
		double seen = seen_of(l, fn), rest;

		if (!l->sampled[fn])
			l->calls[fn] = l->handed[fn] + seen;
		else if (next_random() % 16 == 0)
			l->calls[fn] -= (double)(next_random() % 1000);
		else
			l->calls[fn] += (double)(next_random() % 10000000) / 10;
		rest = l->sampled[fn] ? MAX(l->calls[fn] - l->handed[fn], 0) : seen;
		if (seen <= 0)
			continue;
		for (size_t i = 0; i < l->n; i++)
			if (l->rows[i].key.fn == fn)
				l->rows[i].calls += rest * l->rows[i].seen / seen;
		l->handed[fn] += rest;
	}
	for (size_t i = 0; i < l->n; i++)
		l->rows[i].seen = 0;
	shares_divide(shares, l->calls, l->sampled);
}

static void forget(struct list *l, struct shares *shares)
{
	u64 least = next_random() % (1ULL << next_random() % 24);

	for (size_t i = 0; i < l->n; i++) {
		struct row *r = &l->rows[i], *others = r - r->key.part;

		if (!r->key.part)
			continue;
		r->kernel = r->told = 0;
		if (!r->kept || r->calls >= (double)least)
			continue;
		r->kept = false;
		l->kept--;
		assert_true(keep(l, others));
		others->calls += r->calls;
		r->calls = 0;
	}
	shares_forget(shares, least);
}

static void compare(const struct list *l, const struct shares *shares)
{
	u64 sums[WIRE_FN_COUNT] = { 0 };

	assert_true(shares_rows(shares) == l->kept && l->kept <= l->limit);
	for (size_t i = 0; i < l->n; i++) {
		const struct row *r = &l->rows[i];
		double got = (double)shares_calls(shares, &r->key);
		double tolerance = l->sampled[r->key.fn] ? 0.501 + 1e-9 * r->calls : 0;

		if (fabs(got - r->calls) > tolerance)
			fail_msg("row %zu: %f, want %f", i, got, r->calls);
	}
	shares_each(shares, add_calls, sums);
	for (size_t f = 0; f < ARRAY_SIZE(model_fns); f++) {
		u64 fn = model_fns[f];

		/* Each row is rounded by itself. */
		if (fabs((double)sums[fn] - l->handed[fn]) > 0.5 * LIST + 1e-9 * l->handed[fn])
			fail_msg("function %llu: %llu handed out, want %f", fn, sums[fn],
				 l->handed[fn]);
	}
}

static void run_model(size_t limit, bool turns)
{
	CLEANUP(shares_freep) struct shares *shares = shares_new(limit);
	struct list l;

	list_init(&l, limit);
	l.sampled[model_fns[1]] = l.sampled[model_fns[2]] = !turns;
	for (int round = 0; round < 300; round++) {
		/* Once there was a gap, it is sampled for good. */
		if (turns && next_random() % 64 == 0)
			l.sampled[model_fns[1 + next_random() % 2]] = true;
		if (next_random() % 8)
			count_some(&l, shares);
		divide_list(&l, shares);
		if (next_random() % 16 == 0)
			forget(&l, shares);
		compare(&l, shares);
	}
}

static void test_against_a_list(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++) {
		run_model(LIST, true);
		run_model(1 + next_random() % LIST, false); /* some have no room */
	}
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

/* The last second may have had no window that tells sites apart: nothing of it is left over. */
static void test_settle(void **state)
{
	CLEANUP(shares_freep) struct shares *shares = shares_new(10);
	const double calls[WIRE_FN_COUNT] = { [FN] = 1300, [OTHER] = 7 };
	const bool sampled[WIRE_FN_COUNT] = { [FN] = true, [OTHER] = true };

	(void)state;
	count(shares, FN, 1, 30);
	count(shares, FN, 2, 10);
	divide(shares, 1000, true);
	divide(shares, 1300, true); /* nothing seen: 300 wait */
	assert_true(calls_of(shares, FN, 1, 0) == 750 && calls_of(shares, FN, 2, 0) == 250);
	shares_settle(shares, calls, sampled);
	assert_true(calls_of(shares, FN, 1, 0) == 975 && calls_of(shares, FN, 2, 0) == 325);
	shares_settle(shares, calls, sampled); /* there is no more */
	assert_true(calls_of(shares, FN, 1, 0) == 975 && calls_of(shares, OTHER, 1, 0) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact_is_passed_on),
		cmocka_unit_test(test_sampled_in_proportion),
		cmocka_unit_test(test_exact_then_sampled),
		cmocka_unit_test(test_unseen_calls_wait),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_unknown_function),
		cmocka_unit_test(test_left_out_while_exact),
		cmocka_unit_test(test_counts_that_start_anew),
		cmocka_unit_test(test_forget),
		cmocka_unit_test(test_forget_within_a_round),
		cmocka_unit_test(test_settle),
		cmocka_unit_test(test_against_a_list),
	};

	return cmocka_run_group_tests_name("shares", tests, set_seed, NULL);
}
