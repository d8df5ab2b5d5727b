/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of Go maps and their past: bounds, who leaves, what a span says and how sure it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "base/units.h"
#include "model/gomaps.h"
#include "model/write_sites.h"

enum { MAPS = 8, LIMIT = 3 };

/* Maps by address 1 … MAPS, all of type 9. */
struct world {
	struct gomaps *maps;
	struct event_map row[MAPS];
	struct event_map_head head[MAPS];
	struct event_sample sample;
};

static void world_init(struct world *w)
{
	*w = (struct world) { .maps = gomaps_new(LIMIT, false) };
	assert_non_null(w->maps);
}

static void set(struct world *w, size_t i, u64 writes, u64 recent, u64 entries, u64 seed)
{
	w->row[i] = (struct event_map) {
		.map = i + 1,
		.type = 9,
		.writes = writes,
		.recent = recent,
		.use = { { WIRE_FN_MAPASSIGN, 0x2000, writes, writes } },
		.use_count = 1,
	};
	w->head[i] = (struct event_map_head) { i + 1, 9, entries, 1 << 20, seed };
}

static void sample(struct world *w, size_t count, u64 second)
{
	w->sample.maps = w->row;
	w->sample.map_heads = w->head;
	w->sample.map_count = w->sample.map_head_count = count;
	assert_int_equal(gomaps_update(w->maps, second * NS_PER_S, &w->sample), 0);
}

static const struct gomap *look(const struct world *w, u64 address)
{
	return gomaps_find(w->maps, &(struct map_key) { address, 9 });
}

static void test_the_least_leaves(void **state)
{
	struct world w;
	struct map_key keys[MAPS];

	(void)state;
	world_init(&w);
	set(&w, 0, 10, 10, 1000, 1);
	set(&w, 1, 10, 900, 5, 1);
	set(&w, 2, 10, 10, 50, 1);
	set(&w, 3, 10, 40, 1, 1);
	sample(&w, 4, 1);
	/* The fourth is worth less than any that is there. */
	assert_int_equal(gomaps_keys(w.maps, keys, MAPS), LIMIT);
	assert_null(look(&w, 4));
	assert_int_equal(gomaps_evicted(w.maps), 0);
	/* The fifth is not. */
	set(&w, 4, 10, 1, 70, 1);
	sample(&w, 5, 2);
	assert_int_equal(gomaps_keys(w.maps, keys, MAPS), LIMIT);
	assert_null(look(&w, 3));
	assert_non_null(look(&w, 1));
	assert_non_null(look(&w, 2));
	assert_non_null(look(&w, 5));
	assert_int_equal(gomaps_evicted(w.maps), 1);
	gomaps_free(w.maps);
}

static void test_growth_brings_large_maps(void **state)
{
	struct event_map_grow grow = { .map = 5, .type = 9, .entries = 1023 };
	struct world w;

	(void)state;
	world_init(&w);
	assert_int_equal(gomaps_grew(w.maps, &grow, 77), 0);
	assert_null(look(&w, 5));
	grow.entries = 1024;
	assert_int_equal(gomaps_grew(w.maps, &grow, 77), 0);
	assert_int_equal(look(&w, 5)->growth_site, 77);
	assert_false(look(&w, 5)->entries_known);
	/* Nothing is there that can be a map: it is gone. */
	sample(&w, 0, 2);
	assert_null(look(&w, 5));
	gomaps_free(w.maps);
}

static void test_spans(void **state)
{
	struct map_span span;
	struct world w;

	(void)state;
	world_init(&w);
	set(&w, 0, 500, 1, 100, 1); /* what was written before it was first seen does not count */
	sample(&w, 1, 1);
	assert_false(gomaps_minute(w.maps, look(&w, 1), &span));
	set(&w, 0, 700, 1, 90, 1);
	w.row[0].deletes = 15;
	sample(&w, 1, 11);
	assert_true(gomaps_minute(w.maps, look(&w, 1), &span));
	assert_true(span.seconds == 10 && span.writes == 200 && span.deletes == 15 &&
		    span.entries == -10 && span.use_writes[0] == 200 && span.deletes_max == 15 &&
		    span.keys_max == 5);
	/* The tally forgot the map; what it counts from then on is new. */
	sample(&w, 0, 12);
	w.sample.map_head_count = 1;
	assert_null(look(&w, 1));
	set(&w, 0, 30, 1, 95, 1);
	sample(&w, 1, 13);
	set(&w, 0, 40, 1, 99, 1);
	sample(&w, 1, 14);
	assert_true(gomaps_minute(w.maps, look(&w, 1), &span));
	assert_true(span.writes == 10 && span.entries == 4);
	/* Another seed, another past. */
	set(&w, 0, 50, 1, 99, 2);
	sample(&w, 1, 15);
	assert_false(gomaps_minute(w.maps, look(&w, 1), &span));
	assert_true(look(&w, 1)->entries_known);
	gomaps_free(w.maps);
}

static void test_a_row_that_the_tally_forgot(void **state)
{
	struct map_span span;
	struct world w;

	(void)state;
	world_init(&w);
	set(&w, 0, 500, 1, 100, 1);
	sample(&w, 1, 1);
	w.sample.maps = w.row;
	w.sample.map_heads = w.head;
	/* Its memory is still read, and its counts begin anew. */
	w.sample.map_count = 0;
	w.sample.map_head_count = 1;
	assert_int_equal(gomaps_update(w.maps, 2 * NS_PER_S, &w.sample), 0);
	set(&w, 0, 600, 1, 100, 1);
	sample(&w, 1, 3);
	assert_true(gomaps_minute(w.maps, look(&w, 1), &span));
	assert_true(span.writes == 600);
	gomaps_free(w.maps);
}

/* Deletes that no probe sees would make growth look like a leak. */
static void test_partly_probed_maps_have_no_past(void **state)
{
	struct map_span span;
	struct world w = { .maps = gomaps_new(LIMIT, true) };

	(void)state;
	assert_non_null(w.maps);
	for (u64 second = 1; second < 10; second++) {
		set(&w, 0, 100 * second, 1, 100 * second, 1);
		sample(&w, 1, second);
	}
	assert_false(gomaps_minute(w.maps, look(&w, 1), &span));
	assert_false(gomaps_growth(w.maps, look(&w, 1), &span));
	assert_int_equal(look(&w, 1)->now.writes, 800);
	gomaps_free(w.maps);
}

static const struct map_use *use_of(const struct world *w, u64 pc)
{
	for (size_t i = 0; i < EVENT_MAP_USES; i++) {
		if (look(w, 1)->use[i].return_pc == pc)
			return &look(w, 1)->use[i];
	}
	return NULL;
}

/* Five sites for four places. */
static void test_sites_of_a_map(void **state)
{
	struct map_span span;
	struct world w;

	(void)state;
	world_init(&w);
	for (u64 second = 1; second < 10; second++) {
		set(&w, 0, 400 * second, 1, 50, 1);
		w.row[0].use_count = EVENT_MAP_USES;
		/* The fifth is told in turns with the fourth. */
		for (u64 i = 0; i < EVENT_MAP_USES; i++)
			w.row[0].use[i] = (struct event_map_use) {
				WIRE_FN_MAPASSIGN,
				0x2000 + i + (i == 3 && second % 2 == 0),
				100 * second,
				100 * second,
			};
		sample(&w, 1, second);
	}
	assert_true(gomaps_minute(w.maps, look(&w, 1), &span));
	assert_true(span.seconds == 8 && span.use_writes[0] == 800 && span.use_writes[3] == 800);
	assert_null(use_of(&w, 0x2004));
	/* One that writes far more takes the place of the least. */
	w.row[0].use[3] = (struct event_map_use) { WIRE_FN_MAPASSIGN, 0x2005, 5000, 5000 };
	sample(&w, 1, 10);
	assert_non_null(use_of(&w, 0x2005));
	sample(&w, 1, 11);
	assert_true(gomaps_minute(w.maps, look(&w, 1), &span) && span.seconds == 1);
	gomaps_free(w.maps);
}

/* At any time points are few, in order, and reach as far back as there is past, up to the horizon.
 */
static void test_past_is_bounded_and_reaches_back(void **state)
{
	static const u64 steps_ms[] = { 10, 100, 1000, 7000, 45000, 200000 };
	static const size_t limits[] = { MAP_PAST_POINTS, 6 };
	static const u64 slack_ns[] = { NS_PER_MIN / 10, NS_PER_MIN * 2 / 3 };
	struct map_past past;

	(void)state;
	for (size_t s = 0; s < 2 * ARRAY_SIZE(steps_ms); s++) {
		u64 step_ns = steps_ms[s / 2] * NS_PER_MS, begin_ns = 5 * NS_PER_S;

		map_past_init(&past, NS_PER_MIN, limits[s % 2], false);
		for (u64 i = 0; i < 10000; i++) {
			struct map_point point = { .time_ns = begin_ns + i * step_ns };
			u64 oldest_ns;

			assert_int_equal(map_past_add(&past, &point), 0);
			assert_in_range(past.count, 1, past.limit);
			oldest_ns = past.point[0].time_ns;
			if (point.time_ns - begin_ns <= NS_PER_MIN)
				assert_true(oldest_ns == begin_ns);
			else
				assert_in_range(point.time_ns - oldest_ns, NS_PER_MIN,
						NS_PER_MIN + slack_ns[s % 2] + step_ns);
			for (size_t p = 1; p < past.count; p++)
				assert_true(past.point[p].time_ns > past.point[p - 1].time_ns);
		}
		if (s + 1 < 2 * ARRAY_SIZE(steps_ms))
			map_past_clear(&past);
	}
	/* A clock that goes backward starts anew. */
	assert_int_equal(map_past_add(&past, &(struct map_point) { .time_ns = 1 }), 0);
	assert_int_equal(past.count, 1);
	map_past_clear(&past);
}

/* However long nothing happens, the last minute is a minute, and one point. */
static void test_idle_maps_are_one_point(void **state)
{
	struct map_span span;
	struct world w;

	(void)state;
	world_init(&w);
	set(&w, 0, 100, 0, MAP_FOLLOWED_ENTRIES, 1);
	for (u64 second = 1; second <= 300; second++)
		sample(&w, 1, second);
	assert_int_equal(look(&w, 1)->minute.count, 1);
	assert_true(gomaps_minute(w.maps, look(&w, 1), &span));
	assert_true(span.seconds == 60 && span.writes == 0 && span.gap == 0);
	/* It was off half of the time since; what it was before says nothing of now. */
	set(&w, 0, 700, 1, MAP_FOLLOWED_ENTRIES, 1);
	w.sample.groups[WIRE_GROUP_MAP_WRITE].gap_ns = NS_PER_S / 2;
	w.sample.groups[WIRE_GROUP_MAP_WRITE].windows = 4;
	sample(&w, 1, 301);
	assert_true(gomaps_minute(w.maps, look(&w, 1), &span));
	assert_true(span.seconds == 60 && span.writes == 600 && span.gap == 0.5);
	for (u64 second = 302; second <= 400; second++)
		sample(&w, 1, second);
	assert_true(gomaps_minute(w.maps, look(&w, 1), &span));
	assert_true(span.seconds == 60 && span.writes == 0);
	gomaps_free(w.maps);
}

static void test_growth_of_small_maps_is_not_followed(void **state)
{
	struct map_span span;
	struct world w;

	(void)state;
	world_init(&w);
	for (u64 second = 1; second <= 3; second++) {
		set(&w, 0, 100 * second, 5, MAP_FOLLOWED_ENTRIES - 1, 1);
		set(&w, 1, 100 * second, 5, MAP_FOLLOWED_ENTRIES, 1);
		sample(&w, 2, second);
	}
	assert_true(gomaps_minute(w.maps, look(&w, 1), &span));
	assert_false(gomaps_growth(w.maps, look(&w, 1), &span));
	assert_null(look(&w, 1)->growth.point);
	assert_true(gomaps_growth(w.maps, look(&w, 2), &span));
	assert_true(span.writes == 200);
	/* Nor has it a row when nobody uses it, before or after. */
	set(&w, 0, 300, 0, MAP_FOLLOWED_ENTRIES - 1, 1);
	set(&w, 1, 300, 0, MAP_FOLLOWED_ENTRIES, 1);
	sample(&w, 2, 4);
	sample(&w, 2, 5);
	assert_null(look(&w, 1));
	assert_non_null(look(&w, 2));
	gomaps_free(w.maps);
}

static void test_error_of_a_part(void **state)
{
	struct map_span exact = { .seconds = 60, .calls = 1000 };
	struct map_span blind = { .seconds = 60, .gap = 1, .windows = 0 };
	struct map_span half = {
		.seconds = 100, .gap = 0.5, .windows = 400, .calls = 1000000, .sd_per_s = 2000
	};

	(void)state;
	assert_true(map_span_error(&exact, 500) == 0);
	assert_true(isinf(map_span_error(&blind, 0)));
	/* All calls: 2000 * 100 / 20 = 10 000, half of which is estimated; chance adds 2000. */
	assert_in_range((u64)map_span_error(&half, 1000000), 5090, 5110);
	/* None seen: as one in the quarter of the time that tells. */
	assert_true(map_span_error(&half, 0) == 2);
	half.bias_error = 0.1;
	assert_in_range((u64)map_span_error(&half, 1000000), 50200, 50300);
	/* What a group may have left behind, all of it and a tenth. */
	half = (struct map_span) { .gap = 0.5, .windows = 400, .calls = 1000000, .unseen = 70000 };
	assert_in_range((u64)map_span_error(&half, 1000000), 70000, 70100);
	assert_in_range((u64)map_span_error(&half, 100000), 7000, 7100);
}

static void test_write_sites(void **state)
{
	struct event_map_site site[] = {
		{ WIRE_FN_MAPASSIGN, 0x1000, 9, 100 },
		{ WIRE_FN_MAPASSIGN_FAST32, 0x2000, 9, 300 },
		{ WIRE_FN_MAPDELETE, 0x3000, 9, 1000 },
		{ WIRE_FN_MAPASSIGN, 0x4000, 9, 10 },
	};
	struct event_sample s = { .map_sites = site, .map_site_count = ARRAY_SIZE(site) };
	struct hot_sites *sites = write_sites_new(2);
	const struct hot_site *top[4];

	(void)state;
	assert_non_null(sites);
	assert_int_equal(write_sites_update(sites, NS_PER_S, &s), 0);
	assert_int_equal(write_sites_top(sites, top, 4), 2);
	assert_true(top[0]->key[WRITE_SITE_PC] == 0x2000 && top[1]->key[WRITE_SITE_PC] == 0x1000);
	assert_true(hot_sites_heat(sites) == 400);
	assert_int_equal(hot_sites_refused(sites), 1);
	/* Long after, and counted anew. */
	site[0].count = 50;
	assert_int_equal(write_sites_update(sites, 200 * NS_PER_S, &s), 0);
	assert_int_equal(write_sites_top(sites, top, 4), 1);
	assert_true(top[0]->key[WRITE_SITE_PC] == 0x1000);
	assert_in_range((u64)hot_sites_heat(sites), 50, 50);
	hot_sites_free(sites);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_least_leaves),
		cmocka_unit_test(test_growth_brings_large_maps),
		cmocka_unit_test(test_spans),
		cmocka_unit_test(test_a_row_that_the_tally_forgot),
		cmocka_unit_test(test_partly_probed_maps_have_no_past),
		cmocka_unit_test(test_sites_of_a_map),
		cmocka_unit_test(test_past_is_bounded_and_reaches_back),
		cmocka_unit_test(test_idle_maps_are_one_point),
		cmocka_unit_test(test_growth_of_small_maps_is_not_followed),
		cmocka_unit_test(test_error_of_a_part),
		cmocka_unit_test(test_write_sites),
	};

	return cmocka_run_group_tests_name("Go maps", tests, NULL, NULL);
}
