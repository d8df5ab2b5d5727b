/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random histories of a scheduler that hands out ids in batches, with idle Ps
 * that keep theirs, collections and samples; the true birth of every goroutine
 * is known, and each interval must hold it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "base/units.h"
#include "model/gc_dates.h"
#include "model/goid_clock.h"

enum { MAX_GOROUTINES = 6000, MAX_PS = 8, BATCH = 16, HISTORIES = 300 };

/* splitmix64: the same histories everywhere. */
static u64 next(u64 *seed)
{
	u64 z = (*seed += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static u64 below(u64 *seed, u64 n)
{
	return next(seed) % n;
}

/* The runtime, played. */
struct world {
	u64 seed, now_ns, goidgen;
	struct goid_range p[MAX_PS];
	size_t ps;
	u64 born_ns[MAX_GOROUTINES + BATCH * MAX_PS + 1]; /* by goid; 0: none */
	u64 waitsince_ns[MAX_GOROUTINES + BATCH * MAX_PS + 1];
	bool gone[MAX_GOROUTINES + BATCH * MAX_PS + 1];
	u64 termination_ns; /* of the last collection: work.tstart */
	struct go_gc_memory gc;
	bool in_order; /* one P: ids ascend with time */
};

static void create(struct world *w)
{
	struct goid_range *p = &w->p[below(&w->seed, w->ps)];

	if (p->first == p->end) {
		*p = (struct goid_range) { w->goidgen + 1, w->goidgen + 1 + BATCH };
		w->goidgen += BATCH;
	}
	w->born_ns[p->first] = w->now_ns;
	w->gone[p->first++] = below(&w->seed, 4) == 0;
}

/* Marks what waits with the time of the termination before (runtime/mgcmark.go: markroot). */
static void collect(struct world *w)
{
	u32 slot = w->gc.pause_count;

	for (u64 id = 1; id <= w->goidgen; id++)
		if (w->born_ns[id] && !w->waitsince_ns[id] && below(&w->seed, 3))
			w->waitsince_ns[id] = w->termination_ns;
	w->now_ns += 1 + below(&w->seed, 20 * NS_PER_MS);
	w->termination_ns = w->now_ns;
	w->now_ns += 1 + below(&w->seed, NS_PER_MS);
	if (slot == GC_PAUSES_MAX) {
		memmove(w->gc.pause_end_wall_ns, w->gc.pause_end_wall_ns + 1,
			(GC_PAUSES_MAX - 1) * sizeof(u64));
		slot--;
	}
	w->gc.pause_end_wall_ns[slot] = w->now_ns;
	w->gc.pause_count = slot + 1;
}

static void sample(const struct world *w, struct goid_clock *clock)
{
	struct goid_counter counter = { .newest = w->goidgen };

	counter.spare = calloc(MAX_PS, sizeof(*counter.spare));
	assert_non_null(counter.spare);
	for (u64 from = 0;;) { /* ascending, as goid_counter_read() gives them */
		const struct goid_range *least = NULL;

		/* Ps out of use keep their ids too. */
		for (size_t i = 0; i < MAX_PS; i++)
			if (w->p[i].first < w->p[i].end && w->p[i].first > from &&
			    (!least || w->p[i].first < least->first))
				least = &w->p[i];
		if (!least)
			break;
		from = least->first;
		counter.spare[counter.spare_count++] = *least;
	}
	goid_clock_sample(clock, w->now_ns, w->now_ns, &counter);
	assert_null(counter.spare);
}

static size_t facts_of(const struct world *w, struct goid_fact *facts)
{
	const struct timebase same = { 0 };
	struct gc_dates dates = gc_dates_make(&w->gc, &same);
	size_t n = 0;

	for (u64 id = 1; id <= w->goidgen; id++) {
		if (!w->born_ns[id] || w->gone[id])
			continue;
		assert_true(gc_dates_agree(&dates, w->waitsince_ns[id]));
		facts[n++] =
			(struct goid_fact) { id, gc_dates_born_by(&dates, w->waitsince_ns[id]) };
	}
	return n;
}

static void play(struct world *w, struct goid_clock *clock, bool sampled)
{
	u64 target = 1 + below(&w->seed, MAX_GOROUTINES - 1);
	u64 gap_ns = 1 + below(&w->seed, 2 * NS_PER_S);

	for (u64 i = 0; i < target; i++) {
		w->now_ns += below(&w->seed, gap_ns);
		create(w);
		if (below(&w->seed, 40) == 0)
			collect(w);
		if (sampled && below(&w->seed, 5) == 0)
			sample(w, clock);
		if (below(&w->seed, 500) == 0) /* the work moves to other Ps */
			w->ps = 1 + below(&w->seed, w->in_order ? 1 : MAX_PS);
	}
	w->now_ns += below(&w->seed, gap_ns);
}

static void check(const struct world *w, const struct goid_clock *clock, u64 seed)
{
	static struct goid_fact facts[MAX_GOROUTINES + 1];
	static struct goid_birth births[MAX_GOROUTINES + 1];
	size_t n = facts_of(w, facts);
	u64 last_ns = 0;

	assert_int_equal(goid_clock_date(clock, facts, n, w->now_ns, births), 0);
	for (size_t i = 0; i < n; i++) {
		const struct goid_birth *b = &births[i];
		u64 born_ns = w->born_ns[facts[i].goid];

		if (born_ns < b->earliest_ns || born_ns > b->latest_ns ||
		    b->likely_ns < b->earliest_ns || b->likely_ns > b->latest_ns)
			fail_msg("history %llu: goroutine %llu, born at %llu, is dated %llu in "
				 "[%llu, %llu]",
				 seed, facts[i].goid, born_ns, b->likely_ns, b->earliest_ns,
				 b->latest_ns);
		if (w->in_order && b->likely_ns < last_ns)
			fail_msg("history %llu: estimates fall at goroutine %llu", seed,
				 facts[i].goid);
		last_ns = b->likely_ns;
	}
}

static void play_histories(bool in_order, bool sampled)
{
	static struct world w;

	for (u64 seed = 1; seed <= HISTORIES; seed++) {
		CLEANUP(goid_clock_freep) struct goid_clock *clock = NULL;

		w = (struct world) { .seed = seed, .now_ns = NS_PER_HOUR, .in_order = in_order };
		w.ps = in_order ? 1 : 1 + below(&w.seed, MAX_PS);
		clock = goid_clock_new(seed % 7 ? w.now_ns : 0);
		assert_non_null(clock);
		play(&w, clock, sampled);
		check(&w, clock, seed);
	}
}

static void intervals_hold_the_truth(void **state)
{
	(void)state;
	play_histories(false, false);
	play_histories(false, true);
}

static void estimates_grow_with_the_id(void **state)
{
	(void)state;
	play_histories(true, false);
	play_histories(true, true);
}

/* A leak of one goroutine a second, a collection every ten: the estimates are off by a cycle at
 * most, without a single sample. */
static void a_leak_is_dated_by_the_collections(void **state)
{
	static struct world w;
	static struct goid_fact facts[MAX_GOROUTINES];
	static struct goid_birth births[MAX_GOROUTINES];
	CLEANUP(goid_clock_freep) struct goid_clock *clock = goid_clock_new(NS_PER_HOUR);
	size_t n;

	(void)state;
	assert_non_null(clock);
	w = (struct world) { .seed = 1, .now_ns = NS_PER_HOUR, .ps = 1 };
	for (int i = 1; i <= 1000; i++) {
		w.now_ns += NS_PER_S;
		create(&w);
		for (u64 id = 1; i % 10 == 0 && id <= w.goidgen; id++)
			if (w.born_ns[id] && !w.waitsince_ns[id])
				w.waitsince_ns[id] = w.termination_ns;
		if (i % 10 == 0) {
			w.termination_ns = w.now_ns;
			w.gc.pause_end_wall_ns[w.gc.pause_count++] = w.now_ns;
		}
	}
	n = facts_of(&w, facts);
	assert_true(n > 500);
	assert_int_equal(goid_clock_date(clock, facts, n, w.now_ns, births), 0);
	for (size_t i = 0; i < n; i++) {
		u64 born_ns = w.born_ns[facts[i].goid];
		u64 error_ns = born_ns > births[i].likely_ns ? born_ns - births[i].likely_ns
							     : births[i].likely_ns - born_ns;

		assert_true(error_ns <= 10 * NS_PER_S);
	}
}

/* Nothing is known but the ids: the estimate is in between, not "just now". */
static void an_unknown_start_makes_no_age_of_zero(void **state)
{
	static const struct goid_fact facts[] = { { .goid = 1 }, { .goid = 50 }, { .goid = 99 } };
	CLEANUP(goid_clock_freep) struct goid_clock *clock = goid_clock_new(0);
	struct goid_birth births[ARRAY_SIZE(facts)];
	u64 now_ns = 100 * NS_PER_S;

	(void)state;
	assert_non_null(clock);
	assert_int_equal(goid_clock_date(clock, facts, ARRAY_SIZE(facts), now_ns, births), 0);
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++) {
		assert_int_equal(births[i].earliest_ns, 0);
		assert_int_equal(births[i].latest_ns, now_ns);
		assert_true(births[i].likely_ns < now_ns);
		assert_true(i == 0 || births[i].likely_ns > births[i - 1].likely_ns);
	}
}

/* Past its capacity the clock gives samples up, the older the more: what is left dates a week of
 * one sample a second to a tenth of each age. */
static void samples_get_rarer_with_age(void **state)
{
	enum { WEEK_S = 7 * 24 * 3600 };
	static const u64 births_s[] = {
		5, 3600, WEEK_S / 2, WEEK_S - 3600, WEEK_S - 60, WEEK_S - 9
	};
	CLEANUP(goid_clock_freep) struct goid_clock *clock = goid_clock_new(1);
	struct goid_fact facts[ARRAY_SIZE(births_s)] = { 0 };
	struct goid_birth births[ARRAY_SIZE(births_s)];
	u64 now_ns = WEEK_S * NS_PER_S;

	(void)state;
	assert_non_null(clock);
	for (u64 i = 1; i <= WEEK_S; i++) {
		struct goid_counter counter = { .newest = i };

		goid_clock_sample(clock, i * NS_PER_S, i * NS_PER_S, &counter);
	}
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
		facts[i].goid = births_s[i];
	assert_int_equal(goid_clock_date(clock, facts, ARRAY_SIZE(facts), now_ns, births), 0);
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++) {
		u64 born_ns = births_s[i] * NS_PER_S, age_ns = now_ns - born_ns;

		assert_true(births[i].earliest_ns <= born_ns && born_ns <= births[i].latest_ns);
		assert_true(births[i].latest_ns - births[i].earliest_ns <= age_ns / 10 + NS_PER_S);
	}
}

/* A wall clock that was set, or a process in another time namespace, is noticed. */
static void a_foreign_clock_is_noticed(void **state)
{
	const struct timebase same = { 0 };
	struct go_gc_memory gc = { .pause_count = 3,
				   .pause_end_wall_ns = { 100 * NS_PER_S, 200 * NS_PER_S,
							  300 * NS_PER_S } };
	struct gc_dates dates = gc_dates_make(&gc, &same);

	(void)state;
	assert_true(gc_dates_agree(&dates, 200 * NS_PER_S - NS_PER_MS));
	assert_true(gc_dates_agree(&dates, 50 * NS_PER_S));  /* older than the ring */
	assert_true(gc_dates_agree(&dates, 301 * NS_PER_S)); /* the cycle under way */
	assert_false(gc_dates_agree(&dates, 250 * NS_PER_S));
	/* It was seen by the cycle after the one whose termination the stamp is. */
	assert_int_equal(gc_dates_born_by(&dates, 100 * NS_PER_S - NS_PER_MS), 200 * NS_PER_S);
	assert_int_equal(gc_dates_born_by(&dates, 300 * NS_PER_S - NS_PER_MS), 0);
	gc.pause_end_wall_ns[2] = 150 * NS_PER_S;
	assert_int_equal(gc_dates_make(&gc, &same).count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(intervals_hold_the_truth),
		cmocka_unit_test(estimates_grow_with_the_id),
		cmocka_unit_test(a_leak_is_dated_by_the_collections),
		cmocka_unit_test(an_unknown_start_makes_no_age_of_zero),
		cmocka_unit_test(samples_get_rarer_with_age),
		cmocka_unit_test(a_foreign_clock_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
