/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Goroutines of a made-up target, born and ended by a script, and censuses of them through the real
 * roll (model/roll.h). See detect_script.h for the script.
 */
#ifndef TESTS_POPULATION_H
#define TESTS_POPULATION_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "model/roll.h"

enum { POPULATION_MAX = 20000 };

struct inhabitant {
	u64 id, site, born_ns, end_ns;
	u16 wait;
};

struct population {
	struct roll *roll;
	unsigned int seed;
	u64 last_id, last_census_ns;
	size_t count;
	struct inhabitant at[POPULATION_MAX]; /* ascending by id */
};

static void population_wait(void *arg, u16 wait, char *buf, size_t size)
{
	static const char *const reasons[] = { "select", "chan receive", "IO wait", "chan send" };

	(void)arg;
	snprintf(buf, size, "%s", reasons[wait % ARRAY_SIZE(reasons)]);
}

/* Nobody lives, and nothing was seen. */
static void population_begin(struct population *p)
{
	roll_free(p->roll);
	memset(p, 0, sizeof(*p));
	p->roll = roll_new(population_wait, NULL);
	assert_non_null(p->roll);
}

static void population_end(struct population *p)
{
	roll_free(p->roll);
	p->roll = NULL;
}

static void population_bury(struct population *p, u64 now_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->count; i++) {
		if (p->at[i].end_ns > now_ns)
			p->at[kept++] = p->at[i];
	}
	p->count = kept;
}

/* n of them, born within the second before now. mean_s: they live for a time with that mean,
 * exponential; or for exactly so long; 0: for ever. */
static void population_spawn(struct population *p, u64 now_ns, u64 site, size_t n, double mean_s,
			     bool exactly, u16 wait)
{
	if (p->count + n > POPULATION_MAX)
		population_bury(p, now_ns);
	for (size_t i = 0; i < n; i++) {
		double u = (1 + (double)rand_r(&p->seed)) / (2 + (double)RAND_MAX);
		double live_s = exactly ? mean_s : -log(u) * mean_s;
		u64 born_ns = now_ns - NS_PER_S + NS_PER_S * (i + 1) / n;

		assert_true(p->count < POPULATION_MAX);
		p->at[p->count++] = (struct inhabitant) {
			.id = ++p->last_id,
			.site = site,
			.born_ns = born_ns,
			.end_ns = mean_s > 0 ? born_ns + (u64)(live_s * 1e9) : ~0ULL,
			.wait = wait,
		};
	}
}

/* The n oldest of a site end. */
static void population_kill(struct population *p, u64 site, size_t n)
{
	for (size_t i = 0; i < p->count && n; i++) {
		if (p->at[i].site == site && p->at[i].end_ns) {
			p->at[i].end_ns = 0;
			n--;
		}
	}
	assert_int_equal(n, 0);
}

/* As the agent does: births are known from one census to the next, of those before the first one
 * only that they had been. */
static void population_census(struct population *p, u64 now_ns, struct event_census *ret)
{
	struct roll_row *rows = calloc(p->count + 1, sizeof(*rows));

	assert_non_null(rows);
	population_bury(p, now_ns);
	for (size_t i = 0; i < p->count; i++) {
		const struct inhabitant *g = &p->at[i];

		rows[i] = (struct roll_row) {
			.id = g->id,
			.gopc = g->site,
			.startpc = g->site + 1,
			.wait = g->wait,
			.birth = { .earliest_ns = p->last_census_ns,
				   .latest_ns = now_ns,
				   .likely_ns = g->born_ns },
		};
	}
	assert_int_equal(roll_call(p->roll, now_ns, rows, p->count, ret), 0);
	p->last_census_ns = now_ns;
	free(rows);
}

#endif
