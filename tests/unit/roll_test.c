/* SPDX-License-Identifier: BSD-2-Clause */
/* The roll, called over random goroutines that come and go, against counting them one by one; and
 * what the model makes of it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "model/census_sites.h"
#include "model/roll.h"

enum { PEOPLE = 3000, SITES = 6, CALLS = 60, ROUNDS = 12, MANY_SITES = 100 };

static void write_wait(void *arg, u16 wait, char *buf, size_t size)
{
	(void)arg;
	snprintf(buf, size, "wait %u", wait);
}

/* One goroutine, and what is known of it. */
struct person {
	u64 id, site, born_ns, there_by_ns;
	u16 wait;
	bool alive, seen; /* seen: at the last call */
	u64 age_then_ns;  /* that it had for certain at the last call */
};

struct world {
	unsigned int seed;
	u64 now_ns, last_id;
	size_t count;
	struct person at[PEOPLE];
};

static void come(struct world *w)
{
	size_t n = (size_t)(rand_r(&w->seed) % 80);

	for (size_t i = 0; i < n && w->count < PEOPLE; i++) {
		/* Some were there when a collection ended that was before the call. */
		w->at[w->count++] = (struct person) {
			.id = w->last_id += 1 + (u64)rand_r(&w->seed) % 3,
			.site = 0x1000 * (1 + (u64)rand_r(&w->seed) % SITES),
			.born_ns = w->now_ns - (u64)rand_r(&w->seed) % (5 * NS_PER_S),
			.there_by_ns = w->now_ns - (u64)rand_r(&w->seed) % NS_PER_S,
			.wait = (u16)(rand_r(&w->seed) % 4),
			.alive = true,
		};
	}
}

static void go(struct world *w)
{
	for (size_t i = 0; i < w->count; i++)
		w->at[i].alive = w->at[i].alive && rand_r(&w->seed) % 40;
}

/* What is known of a birth may get worse: a collection that told is forgotten. */
static size_t make_rows(struct world *w, struct roll_row *rows)
{
	size_t n = 0;

	for (size_t i = 0; i < w->count; i++) {
		const struct person *p = &w->at[i];

		if (!p->alive)
			continue;
		rows[n++] = (struct roll_row) {
			.id = p->id,
			.gopc = p->site,
			.startpc = p->site + 8,
			.wait = p->wait,
			.birth = { .latest_ns = p->seen && rand_r(&w->seed) % 2 ? w->now_ns
										: p->there_by_ns,
				   .likely_ns = p->born_ns },
		};
	}
	return n;
}

static void check_ages(const struct event_census_site *site, double mean_ns)
{
	double sum = 0;
	u64 count = 0;

	for (size_t i = 0; i < site->age_count; i++) {
		count += site->ages[i].count;
		sum += (double)site->ages[i].age_ns * (double)site->ages[i].count;
		assert_true(site->ages[i].count > 0);
		assert_true(!i || site->ages[i].age_ns > site->ages[i - 1].age_ns);
	}
	assert_int_equal(count, site->live);
	assert_true(site->age_count <= ROLL_AGES_MAX);
	/* Means of integers, rounded down. */
	assert_true(sum / (double)count <= mean_ns + 1 && sum / (double)count >= mean_ns - 1000);
	assert_true(site->mean_ns <= mean_ns + 1 && site->mean_ns >= mean_ns - 1);
}

static void check_site(const struct world *w, const struct event_census *census,
		       const struct event_census_site *site)
{
	u64 live = 0, oldest = 0, waits = 0, stayed[EVENT_STAYS] = { 0 },
	    ended[EVENT_STAYS] = { 0 };
	double sum = 0;

	for (size_t i = 0; i < w->count; i++) {
		const struct person *p = &w->at[i];

		if (p->site != site->gopc)
			continue;
		for (size_t s = 0; s < EVENT_STAYS; s++) {
			stayed[s] += p->alive && w->now_ns - p->there_by_ns > census->stay_ns[s];
			ended[s] += !p->alive && p->seen && p->age_then_ns > census->stay_ns[s];
		}
		if (!p->alive)
			continue;
		live++;
		sum += (double)(w->now_ns - p->born_ns);
		oldest = MAX(oldest, w->now_ns - p->born_ns);
	}
	assert_int_equal(site->live, live);
	assert_int_equal(site->oldest_ns, oldest);
	assert_memory_equal(site->stayed, stayed, sizeof(stayed));
	assert_memory_equal(site->ended, ended, sizeof(ended));
	check_ages(site, sum / (double)live);
	for (size_t i = 0; i < EVENT_WAITS; i++) {
		assert_true(!i || site->waits[i].count <= site->waits[i - 1].count);
		waits += site->waits[i].count;
	}
	assert_true(waits <= live && site->waits[0].count * 4 >= live);
}

static void after_call(struct world *w)
{
	for (size_t i = 0; i < w->count; i++) {
		w->at[i].seen = w->at[i].alive;
		w->at[i].age_then_ns = w->now_ns - w->at[i].there_by_ns;
	}
}

static void live_through(struct world *w, struct roll *roll, u64 seen[EVENT_STAYS])
{
	static struct roll_row rows[PEOPLE];

	for (int call = 0; call < CALLS; call++) {
		struct event_census census;

		w->now_ns += NS_PER_S * (1 + (u64)rand_r(&w->seed) % 60);
		come(w);
		go(w);
		assert_int_equal(roll_call(roll, w->now_ns, rows, make_rows(w, rows), &census), 0);
		for (size_t i = 0; i < census.site_count; i++) {
			check_site(w, &census, &census.sites[i]);
			for (size_t s = 0; s < EVENT_STAYS; s++)
				seen[s] += census.sites[i].ended[s];
		}
		after_call(w);
	}
}

static void test_against_counting(void **state)
{
	u64 seen[EVENT_STAYS] = { 0 };

	(void)state;
	for (unsigned int round = 1; round <= ROUNDS; round++) {
		CLEANUP(roll_freep) struct roll *roll = roll_new(write_wait, NULL);
		CLEANUP(freep) struct world *w = calloc(1, sizeof(*w));

		assert_true(roll && w);
		w->seed = round;
		w->now_ns = 1000 * NS_PER_S;
		live_through(w, roll, seen);
	}
	/* It did come to all of the ages. */
	assert_true(seen[0] > seen[1] && seen[1] > seen[2] && seen[2] > 0);
}

/* More sites than an event takes: the ones that stayed are in it; the small ones are in none. */
static void test_many_sites(void **state)
{
	CLEANUP(roll_freep) struct roll *roll = roll_new(write_wait, NULL);
	struct roll_row rows[MANY_SITES * ROLL_SITE_MIN_LIVE];
	struct event_census census;
	size_t n = 0;

	(void)state;
	for (u64 site = 0; site < MANY_SITES; site++) {
		size_t members = site % 10 == 3 ? ROLL_SITE_MIN_LIVE - 1 : ROLL_SITE_MIN_LIVE;

		for (size_t i = 0; i < members; i++, n++)
			rows[n] = (struct roll_row) {
				.id = n + 1,
				.gopc = 0x1000 + site,
				.birth.latest_ns = site % 10 == 7 ? NS_PER_S : 100 * NS_PER_S,
				.birth.likely_ns = NS_PER_S,
			};
	}
	assert_int_equal(roll_call(roll, 100 * NS_PER_S, rows, n, &census), 0);
	assert_int_equal(census.site_count, ROLL_SITES_MAX);
	assert_int_equal(census.sites_left_out, MANY_SITES * 9 / 10 - ROLL_SITES_MAX);
	for (size_t i = 0; i < census.site_count; i++) {
		assert_int_equal(census.sites[i].stayed[0], i < 10 ? ROLL_SITE_MIN_LIVE : 0);
		assert_int_not_equal(census.sites[i].gopc % 10, (0x1000 + 3) % 10);
	}
}

/* A hostile target tells ages of any number: there is a bound on what is kept. */
static void test_ages_are_bounded(void **state)
{
	enum { N = 20000 };
	CLEANUP(roll_freep) struct roll *roll = roll_new(write_wait, NULL);
	CLEANUP(freep) struct roll_row *rows = calloc(N, sizeof(*rows));
	u64 now_ns = 1ULL << 62, count = 0;
	struct event_census census;

	(void)state;
	assert_non_null(rows);
	for (size_t i = 0; i < N; i++)
		rows[i] = (struct roll_row) {
			.id = i + 1,
			.gopc = 0x1000,
			.birth = { 0, now_ns, (u64)((double)now_ns * (double)i / N) },
		};
	/* From a millisecond to decades, each 3.2 % above the last. */
	for (size_t i = 0; i < 880; i++)
		rows[N - 880 + i].birth.likely_ns =
			now_ns - (u64)exp2(20 + 40 * (double)(880 - i) / 880);
	assert_int_equal(roll_call(roll, now_ns, rows, N, &census), 0);
	assert_int_equal(census.site_count, 1);
	assert_int_equal(census.sites[0].age_count, ROLL_AGES_MAX);
	for (size_t i = 0; i < census.sites[0].age_count; i++)
		count += census.sites[0].ages[i].count;
	assert_int_equal(count, N);
}

static void test_nobody(void **state)
{
	CLEANUP(roll_freep) struct roll *roll = roll_new(write_wait, NULL);
	struct event_census census;

	(void)state;
	assert_int_equal(roll_call(roll, NS_PER_S, NULL, 0, &census), 0);
	assert_int_equal(census.site_count, 0);
}

static void test_pause(void **state)
{
	(void)state;
	assert_int_equal(roll_pause_ns(0), 5 * NS_PER_S);
	assert_int_equal(roll_pause_ns(200 * NS_PER_US), 5 * NS_PER_S);
	assert_int_equal(roll_pause_ns(5 * NS_PER_MS), 5 * NS_PER_S);
	assert_int_equal(roll_pause_ns(50 * NS_PER_MS), 50 * NS_PER_S);
	assert_int_equal(roll_pause_ns(2 * NS_PER_S), 2000 * NS_PER_S);
	/* A clock that lies makes a pause that is long, not one that wraps. */
	assert_true(roll_pause_ns(~0ULL) > 100ULL * 365 * 24 * 60 * NS_PER_MIN);
}

static struct event_census_site said(u64 gopc, u64 stayed, u64 ended)
{
	return (struct event_census_site) {
		.gopc = gopc, .live = stayed + 5, .stayed = { stayed }, .ended = { ended }
	};
}

static void test_model_sums_up(void **state)
{
	CLEANUP(census_sites_freep) struct census_sites *sites = census_sites_new();
	static const struct {
		u64 stayed, ended, came_in_all, ended_in_all;
	} steps[] = {
		{ 100, 0, 0, 0 }, /* who came before nobody saw */
		{ 110, 0, 10, 0 }, { 110, 10, 20, 10 },	  { 50, 60, 20, 70 },
		{ 51, 0, 21, 70 }, { 51, 999, 72, 1069 }, /* more than there were: a lie */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct event_census_site one = said(0x1000, steps[i].stayed, steps[i].ended);
		const struct event_census census = { .sites = &one, .site_count = 1 };
		const struct census_site *site;

		assert_int_equal(census_sites_update(sites, i + 1, &census), 0);
		site = census_sites_find(sites, 0x1000);
		assert_non_null(site);
		assert_int_equal(site->first_ns, 1);
		assert_int_equal(site->point_count, i + 1);
		assert_int_equal(site->point[i].came[0], steps[i].came_in_all);
		assert_int_equal(site->point[i].ended[0], steps[i].ended_in_all);
	}
}

static void test_model_is_bounded(void **state)
{
	CLEANUP(census_sites_freep) struct census_sites *sites = census_sites_new();
	struct event_census_site site[MANY_SITES];
	struct event_census census = { .sites = site, .site_count = MANY_SITES };

	(void)state;
	for (u64 i = 0; i < MANY_SITES; i++)
		site[i] = said(0x1000 + i, 1, 0);
	for (u64 time = 1; time <= 3 * CENSUS_POINTS_MAX; time++)
		assert_int_equal(census_sites_update(sites, time, &census), 0);
	assert_int_equal(census_sites_count(sites), CENSUS_SITES_MAX);
	assert_int_equal(census_sites_left_out(sites),
			 (MANY_SITES - CENSUS_SITES_MAX) * 3 * CENSUS_POINTS_MAX);
	assert_int_equal(census_sites_at(sites, 0)->point_count, CENSUS_POINTS_MAX);
	assert_int_equal(census_sites_at(sites, 0)->point[0].time_ns, 2 * CENSUS_POINTS_MAX + 1);
	/* Who is not in it is forgotten, and begins anew. */
	census.sites = &site[1];
	census.site_count = 1;
	assert_int_equal(census_sites_update(sites, 1000, &census), 0);
	assert_int_equal(census_sites_count(sites), 1);
	assert_null(census_sites_find(sites, 0x1000));
	census.sites = site;
	assert_int_equal(census_sites_update(sites, 1001, &census), 0);
	assert_int_equal(census_sites_at(sites, 0)->first_ns, 1001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_counting),
		cmocka_unit_test(test_many_sites),
		cmocka_unit_test(test_ages_are_bounded),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_model_sums_up),
		cmocka_unit_test(test_model_is_bounded),
	};

	return cmocka_run_group_tests_name("roll", tests, NULL, NULL);
}
