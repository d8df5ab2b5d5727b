/* SPDX-License-Identifier: BSD-2-Clause */
/* Growing maps, GC cycles and creation sites: what the model makes of their events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/units.h"
#include "model/model.h"

#define MS NS_PER_MS

static const struct growth_limits limits = { .maps = 8, .sites = 4 };

static void grow(struct growth *growth, u64 time_ns, u64 map, u64 entries, u64 before, u64 after,
		 u64 dir_len)
{
	struct event_map_grow event = {
		.map = map,
		.type = 1,
		.entries = entries,
		.moved = entries,
		.slots_before = before,
		.slots_after = after,
		.dir_len = dir_len,
		.grow = WIRE_GROW_DOUBLE,
	};

	assert_int_equal(growth_add(growth, time_ns, &event), 0);
}

static u64 doublings(const struct growth *growth, u64 now_ns)
{
	const struct growing_map *map = growth_fastest_map(growth, now_ns);

	return map ? sliding_sum(&map->doublings, now_ns) : 0;
}

static void test_classic_doublings_count_past_1024(void **state)
{
	CLEANUP(growth_freep) struct growth *growth = growth_new(&limits);
	u64 now_ns = 100 * NS_PER_S;

	(void)state;
	for (u64 slots = 8; slots < 1024 * 8; slots *= 2)
		grow(growth, now_ns, 0xa0, slots * 13 / 16, slots, slots * 2, 0);
	/* At 2048 slots it holds 1664 entries, at 4096 3328: these two count. */
	assert_true(doublings(growth, now_ns) == 2);
	assert_true(doublings(growth, now_ns + 9 * NS_PER_S) == 2);
	assert_true(doublings(growth, now_ns + 11 * NS_PER_S) == 0);
	assert_true(growth_large_count(growth) == 2);
}

/* Every one of 8 tables splits: capacity has doubled once, not eight times. */
static void test_swiss_splits_are_not_doublings(void **state)
{
	CLEANUP(growth_freep) struct growth *growth = growth_new(&limits);
	u64 now_ns = 100 * NS_PER_S, tables = 8;

	(void)state;
	for (int i = 0; i < 8; i++, tables++)
		grow(growth, now_ns, 0xa0, tables * 896, 1024, 2048, i ? 16 : 8);
	assert_true(doublings(growth, now_ns) == 1);
	assert_true(growth_last_map(growth)->slots == 16 * 1024);
	for (int i = 0; i < 16; i++, tables++)
		grow(growth, now_ns, 0xa0, tables * 896, 1024, 2048, i ? 32 : 16);
	assert_true(doublings(growth, now_ns) == 2);
}

/* The allocator hands an address out again: a new map there starts from zero. */
static void test_address_reused(void **state)
{
	CLEANUP(growth_freep) struct growth *growth = growth_new(&limits);
	u64 now_ns = 100 * NS_PER_S;

	(void)state;
	for (int lives = 0; lives < 10; lives++) {
		for (u64 slots = 8; slots < 8192; slots *= 2)
			grow(growth, now_ns, 0xa0, slots * 13 / 16, slots, slots * 2, 0);
		assert_true(doublings(growth, now_ns) == 2);
	}
}

static void test_tables_are_bounded(void **state)
{
	CLEANUP(growth_freep) struct growth *growth = growth_new(&limits);
	struct event_map_grow event = { .entries = 2000,
					.slots_before = 2048,
					.slots_after = 4096 };
	struct growth_step step;
	u64 pc;

	(void)state;
	for (u64 i = 0; i < 100; i++) {
		pc = i;
		event.map = i;
		event.moved = i;
		event.stack = (struct event_stack) { &pc, 1 };
		assert_int_equal(growth_add(growth, NS_PER_S, &event), 0);
	}
	assert_true(growth_evicted(growth) == 100 - limits.maps + 100 - limits.sites);
	assert_true(growth_top_site(growth, NS_PER_S, GROWTH_BY_MOVED)->pc[0] == 99);
	assert_true(growth_last_map(growth)->key.map == 99);
	assert_true(growth_step_within(growth, NS_PER_S, NS_PER_S, &step) && step.moved == 99);
	assert_false(growth_step_within(growth, 0, NS_PER_S - 1, &step));
}

/* Returns the id of the place. */
static u64 grow_type(struct growth *growth, u64 time_ns, u64 type)
{
	const struct event_map_grow event = { .map = type, .type = type, .entries = 2000 };

	assert_int_equal(growth_add(growth, time_ns, &event), 0);
	return growth_last_map(growth)->site;
}

static void test_least_recently_growing_leaves(void **state)
{
	const struct growth_limits two = { .maps = 2, .sites = 2 };
	CLEANUP(growth_freep) struct growth *growth = growth_new(&two);
	u64 a, b, c;

	(void)state;
	a = grow_type(growth, NS_PER_S, 0xa);
	b = grow_type(growth, NS_PER_S + 1, 0xb);
	assert_int_equal(grow_type(growth, 3 * NS_PER_S, 0xa), a);
	c = grow_type(growth, 3 * NS_PER_S, 0xc);
	assert_int_equal(growth_evicted(growth), 2); /* b's map, and its place */
	assert_true(growth_site_find(growth, a) && growth_site_find(growth, c));
	assert_null(growth_site_find(growth, b));
	assert_int_equal(growth_site_find(growth, a)->grows_total, 2);
}

static void stop(struct gc *gc, u64 end_ns, u64 duration_ns, u32 reason)
{
	struct event_stop event = {
		.requested_ns = end_ns - duration_ns,
		.stopped_ns = end_ns - duration_ns / 2,
		.reason = reason,
	};

	gc_stopped(gc, end_ns, &event);
}

static void end(struct gc *gc, u64 time_ns, u64 pause_ns, u64 pause_total_ns, bool has_total)
{
	struct event_gc_end event = {
		.have = 1ULL << WIRE_GC_PAUSE_NS | (u64)has_total << WIRE_GC_PAUSE_TOTAL_NS,
		.word = { [WIRE_GC_PAUSE_NS] = pause_ns,
			  [WIRE_GC_PAUSE_TOTAL_NS] = pause_total_ns },
	};

	gc_end(gc, time_ns, &event);
}

/* The runtime measures a little less than the probes; its own figure is the one that counts. */
static void test_pause_total_is_the_runtimes(void **state)
{
	static const struct {
		const char *name;
		bool has_total, end_first, lose_one_end;
	} cases[] = {
		{ "work.pauseNS alone", false, false, false },
		{ "end recorded before its stop", false, true, false },
		{ "memstats.pause_total_ns", true, false, false },
		{ "both, end first", true, true, false },
		{ "an end is lost: the next one makes up for it", true, false, true },
	};

	(void)state;
	for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
		CLEANUP(gc_freep) struct gc *gc = gc_new();
		u64 now_ns = NS_PER_S, truth_ns = 0, before_attach_ns = 123456789;

		assert_non_null(gc);
		for (u64 cycle = 1; cycle <= 20; cycle++) {
			u64 pause_ns = 3 * MS - cycle * 1000;
			bool lost = cases[c].lose_one_end && cycle == 7;

			now_ns += 100 * MS;
			gc_start(gc, now_ns); /* within the sweep termination's stop */
			stop(gc, now_ns + MS / 2, MS, 2);
			now_ns += 10 * MS;
			truth_ns += pause_ns;
			if (cases[c].end_first)
				end(gc, now_ns, pause_ns, before_attach_ns + truth_ns,
				    cases[c].has_total);
			stop(gc, now_ns + 100, 2 * MS, 1);
			if (!cases[c].end_first && !lost)
				end(gc, now_ns + 200, pause_ns, before_attach_ns + truth_ns,
				    cases[c].has_total);
		}
		if (gc_totals(gc).pause_ns != truth_ns)
			fail_msg("%s: %llu, runtime says %llu", cases[c].name,
				 gc_totals(gc).pause_ns, truth_ns);
		assert_true(gc_totals(gc).pauses == 40);
		assert_int_equal(gc_last_cycle(gc)->stop_count, 2);
		assert_int_equal(gc_last_cycle(gc)->stops[1].reason, 1);
		assert_true(gc_last_cycle(gc)->stops[0].stopping_ns == MS / 2);
	}
}

/* Attach in the middle of a cycle: its earlier stop was not seen and is not made up. */
static void test_cycle_begun_before_attach(void **state)
{
	CLEANUP(gc_freep) struct gc *gc = gc_new();

	(void)state;
	stop(gc, 10 * MS, 2 * MS, 1);
	end(gc, 10 * MS + 1, 5 * MS, 500 * MS, true);
	assert_true(gc_totals(gc).pause_ns == 2 * MS);
	assert_true(gc_last_cycle(gc)->start_ns == 0);
}

static void test_stops_of_other_kinds(void **state)
{
	CLEANUP(gc_freep) struct gc *gc = gc_new();
	struct event_stop event = { .requested_ns = 0, .reason = 2 };
	struct gc_stop s = { .reason = 7 };

	(void)state;
	stop(gc, 10 * MS, MS, 7);
	assert_true(gc_totals(gc).pauses == 0 && gc_totals(gc).other_stops == 1 &&
		    gc_totals(gc).other_stop_ns == MS);
	/* Began before the probe: counted, its length is not known. */
	gc_stopped(gc, 20 * MS, &event);
	assert_true(gc_totals(gc).pauses == 1 && gc_totals(gc).pause_ns == 0);
	assert_true(hist_count(gc_pauses(gc)) == 0);
	/* A request in the future is a broken record. */
	event.requested_ns = 40 * MS;
	gc_stopped(gc, 30 * MS, &event);
	assert_true(gc_totals(gc).pause_ns == 0 && gc_before_last_ns(gc).n == 0);
	assert_string_equal(gc_stop_reason(&s), "read mem stats");
	s.reason = 99;
	assert_string_equal(gc_stop_reason(&s), "unknown");
	strcpy(s.reason_text, "stack trace");
	assert_string_equal(gc_stop_reason(&s), "stack trace");
}

static void test_many_stops_in_a_cycle(void **state)
{
	CLEANUP(gc_freep) struct gc *gc = gc_new();

	(void)state;
	gc_start(gc, 1);
	for (u64 i = 1; i <= 20; i++)
		stop(gc, i * 10 * MS, MS, 1);
	end(gc, 200 * MS, 20 * MS, 0, false);
	assert_int_equal(gc_last_cycle(gc)->stop_count, GC_CYCLE_STOPS);
	assert_int_equal(gc_last_cycle(gc)->stops_left_out, 20 - GC_CYCLE_STOPS);
}

/* An old pool is large; what grows now is elsewhere, and comes first. */
static void test_top_site_is_what_grows_now(void **state)
{
	CLEANUP(hot_sites_freep) struct hot_sites *sites = gosites_new(3);
	struct event_go_site row[4] = {
		{ .gopc = 1, .created = 20000 },
		{ .gopc = 2, .created = 10 },
		{ .gopc = 3, .created = 90000, .system = true },
		{ .gopc = 4, .created = 1 }, /* no room */
	};
	struct event_sample sample = { .go_sites = row, .go_site_count = 4 };
	const struct hot_site *top[2];

	(void)state;
	assert_int_equal(gosites_update(sites, NS_PER_S, &sample), 0);
	assert_int_equal(gosites_top(sites, top, 2), 2);
	assert_true(top[0]->key[GOSITE_PC] == 1);
	assert_true(hot_sites_refused(sites) == 1);
	row[1].created = 3010;
	assert_int_equal(gosites_update(sites, 600 * NS_PER_S, &sample), 0);
	assert_int_equal(gosites_top(sites, top, 1), 1);
	assert_true(top[0]->key[GOSITE_PC] == 2 && gosite_of(top[0])->created == 3010);
	/* Probes attached again: counts start anew. */
	row[1].created = 5;
	assert_int_equal(gosites_update(sites, 601 * NS_PER_S, &sample), 0);
	assert_true(gosite_of(top[0])->created == 3015);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classic_doublings_count_past_1024),
		cmocka_unit_test(test_swiss_splits_are_not_doublings),
		cmocka_unit_test(test_address_reused),
		cmocka_unit_test(test_tables_are_bounded),
		cmocka_unit_test(test_least_recently_growing_leaves),
		cmocka_unit_test(test_pause_total_is_the_runtimes),
		cmocka_unit_test(test_cycle_begun_before_attach),
		cmocka_unit_test(test_stops_of_other_kinds),
		cmocka_unit_test(test_many_stops_in_a_cycle),
		cmocka_unit_test(test_top_site_is_what_grows_now),
	};

	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
