/* SPDX-License-Identifier: BSD-2-Clause */
/* DBSCAN on a line against the algorithm as it was published, which asks every point of every other
 * one; and cases that one can see. */
#include <setjmp.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "model/dbscan.h"

enum { MAX_POINTS = 120, ROUNDS = 4000, UNSEEN = ~0u };

static bool is_near(const struct dbscan_point *p, size_t i, size_t j, double eps)
{
	double apart = p[i].x > p[j].x ? p[i].x - p[j].x : p[j].x - p[i].x;

	return apart <= eps;
}

static bool is_core(const struct dbscan_point *p, size_t n, size_t i, double eps, u64 min_weight)
{
	u64 weight = 0;

	for (size_t j = 0; j < n; j++)
		weight += is_near(p, i, j, eps) ? p[j].weight : 0;
	return weight >= min_weight;
}

/* All cores that are to be reached from core to core. */
static void flood(const struct dbscan_point *p, size_t n, size_t from, double eps, u64 min_weight,
		  u32 cluster, u32 *label)
{
	label[from] = cluster;
	for (size_t i = 0; i < n; i++) {
		if (label[i] == UNSEEN && is_near(p, from, i, eps) &&
		    is_core(p, n, i, eps, min_weight))
			flood(p, n, i, eps, min_weight, cluster, label);
	}
}

/* The clusters that a point which is no core may belong to, by asking every core. */
static bool may_belong(const struct dbscan_point *p, size_t n, size_t i, u32 cluster, double eps,
		       const u32 *core_label)
{
	for (size_t j = 0; j < n; j++) {
		if (core_label[j] == cluster && is_near(p, i, j, eps))
			return true;
	}
	return false;
}

static u32 reference(const struct dbscan_point *p, size_t n, double eps, u64 min_weight, u32 *label)
{
	u32 clusters = 0;

	for (size_t i = 0; i < n; i++)
		label[i] = UNSEEN;
	for (size_t i = 0; i < n; i++) {
		if (label[i] == UNSEEN && is_core(p, n, i, eps, min_weight))
			flood(p, n, i, eps, min_weight, ++clusters, label);
	}
	return clusters;
}

static void check(const struct dbscan_point *p, size_t n, double eps, u64 min_weight, u32 clusters)
{
	u32 core[MAX_POINTS];

	assert_int_equal(clusters, reference(p, n, eps, min_weight, core));
	for (size_t i = 0; i < n; i++) {
		bool reachable = false;

		if (core[i] != UNSEEN) {
			assert_int_equal(p[i].cluster, core[i]);
			continue;
		}
		for (u32 c = 1; c <= clusters; c++)
			reachable = reachable || may_belong(p, n, i, c, eps, core);
		assert_int_equal(p[i].cluster != DBSCAN_NOISE, reachable);
		if (reachable)
			assert_true(may_belong(p, n, i, p[i].cluster, eps, core));
	}
}

static int by_x(const void *a, const void *b)
{
	const struct dbscan_point *x = a, *y = b;

	return (x->x > y->x) - (x->x < y->x);
}

/* Whole numbers: many points are exactly eps apart, and many in one place. */
static size_t make_points(struct dbscan_point *p, unsigned int *seed)
{
	size_t n = (size_t)(rand_r(seed) % (MAX_POINTS + 1));
	int range = 1 + rand_r(seed) % 600, heavy = rand_r(seed) % 3;

	for (size_t i = 0; i < n; i++)
		p[i] = (struct dbscan_point) { .x = rand_r(seed) % range,
					       .weight = heavy ? 1 : 1 + (u64)rand_r(seed) % 5,
					       .cluster = 77 };
	qsort(p, n, sizeof(*p), by_x);
	return n;
}

static void test_against_reference(void **state)
{
	size_t clusters_seen = 0, noise_seen = 0, border_seen = 0;

	(void)state;
	for (unsigned int round = 1; round <= ROUNDS; round++) {
		struct dbscan_point p[MAX_POINTS];
		unsigned int seed = round;
		size_t n = make_points(p, &seed);
		double eps = rand_r(&seed) % 20;
		u64 min_weight = 1 + (u64)rand_r(&seed) % 10;
		u32 clusters = dbscan_line(p, n, eps, min_weight);

		check(p, n, eps, min_weight, clusters);
		clusters_seen += clusters;
		for (size_t i = 0; i < n; i++) {
			noise_seen += p[i].cluster == DBSCAN_NOISE;
			border_seen +=
				p[i].cluster != DBSCAN_NOISE && !is_core(p, n, i, eps, min_weight);
		}
	}
	/* The rounds did meet all there is. */
	assert_true(clusters_seen > ROUNDS && noise_seen > ROUNDS && border_seen > ROUNDS);
}

static void test_cases(void **state)
{
	static const struct {
		const char *name;
		double x[12];
		size_t n;
		u32 clusters, label[12];
	} cases[] = {
		/* eps 15, 3 points */
		{ "nothing", { 0 }, 0, 0, { 0 } },
		{ "too few", { 1, 2 }, 2, 0, { 0, 0 } },
		{ "three in one place", { 5, 5, 5 }, 3, 1, { 1, 1, 1 } },
		{ "exactly eps apart is near", { 0, 15, 30 }, 3, 1, { 1, 1, 1 } },
		{ "a chain is one cluster, however long",
		  { 0, 10, 20, 30, 40, 50, 60, 70, 80, 90 },
		  10,
		  1,
		  { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 } },
		{ "two, and noise between",
		  { 0, 1, 2, 40, 80, 81, 82 },
		  7,
		  2,
		  { 1, 1, 1, 0, 2, 2, 2 } },
		{ "between two clusters the nearer core takes it",
		  { 0, 0, 0, 3, 17, 30, 34, 34, 34 },
		  9,
		  2,
		  { 1, 1, 1, 1, 2, 2, 2, 2, 2 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct dbscan_point p[12];
		u64 least = i == ARRAY_SIZE(cases) - 1 ? 4 : 3;

		for (size_t j = 0; j < cases[i].n; j++)
			p[j] = (struct dbscan_point) { .x = cases[i].x[j], .weight = 1 };
		if (dbscan_line(p, cases[i].n, 15, least) != cases[i].clusters)
			fail_msg("%s: not %u clusters", cases[i].name, cases[i].clusters);
		for (size_t j = 0; j < cases[i].n; j++)
			if (p[j].cluster != cases[i].label[j])
				fail_msg("%s: point %zu is in %u, not %u", cases[i].name, j,
					 p[j].cluster, cases[i].label[j]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_reference),
		cmocka_unit_test(test_cases),
	};

	return cmocka_run_group_tests_name("dbscan", tests, NULL, NULL);
}
