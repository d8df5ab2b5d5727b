/* SPDX-License-Identifier: BSD-2-Clause */
/* Which maps a sample tells of, and what of each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "daemon/tally_maps.h"

static struct tally_scratch scratch;

enum { ROWS = 1000 };

struct fixture {
	struct tally_maps *maps;
	struct tally_row row[ROWS];
	struct event_map_site site[8];
	size_t rows, sites;
	struct event_sample sample;
};

static void add(struct fixture *f, enum wire_fn fn, u64 pc, u64 map, u64 calls)
{
	f->row[f->rows++] = (struct tally_row) {
		.key = { .fn = fn, .a = pc, .b = 9, .part = map },
		.calls = calls,
	};
}

static void sum(struct fixture *f)
{
	assert_int_equal(tally_maps_sum(f->maps, f->row, f->rows, f->site, f->sites, &f->sample),
			 0);
	f->rows = 0;
}

static const struct event_map *told(const struct fixture *f, u64 map)
{
	for (size_t i = 0; i < f->sample.map_count; i++) {
		if (f->sample.maps[i].map == map)
			return &f->sample.maps[i];
	}
	return NULL;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->maps = tally_maps_new(&scratch);
	assert_non_null(f->maps);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	tally_maps_free(f->maps);
	free(f);
	return 0;
}

static void test_what_a_map_did(void **state)
{
	struct fixture *f = *state;
	const struct event_map *map;

	f->site[0] = (struct event_map_site) { WIRE_FN_MAPASSIGN, 0x10, 9, 1000 };
	f->site[1] = (struct event_map_site) { WIRE_FN_MAPASSIGN, 0x20, 9, 30 };
	f->site[2] = (struct event_map_site) { WIRE_FN_MAPASSIGN_FAST32, 0x20, 9, 70 };
	f->sites = 3;
	add(f, WIRE_FN_MAPASSIGN, 0x10, 0, 600); /* of maps that had no room */
	add(f, WIRE_FN_MAPASSIGN, 0x10, 7, 400);
	add(f, WIRE_FN_MAPDELETE, 0x30, 7, 20);
	add(f, WIRE_FN_MAPDELETE_FASTSTR, 0x31, 7, 5);
	add(f, WIRE_FN_MAPASSIGN_FAST32, 0x20, 7, 70);
	add(f, WIRE_FN_MAPCLEAR, 0x40, 7, 3);
	add(f, WIRE_FN_MAPASSIGN, 0x20, 8, 30);
	sum(f);
	assert_int_equal(f->sample.map_count, 2);
	map = &f->sample.maps[0]; /* most calls first */
	assert_true(map->map == 7 && map->type == 9);
	assert_true(map->writes == 470 && map->deletes == 25 && map->clears == 3);
	assert_int_equal(map->use_count, 2);
	assert_true(map->use[0].return_pc == 0x10 && map->use[0].writes == 400 &&
		    map->use[0].site_writes == 1000);
	assert_true(map->use[1].fn == WIRE_FN_MAPASSIGN_FAST32 && map->use[1].writes == 70 &&
		    map->use[1].site_writes == 70);
	assert_true(told(f, 8)->use[0].site_writes == 30);
}

static void test_only_the_busiest_sites_of_a_map(void **state)
{
	struct fixture *f = *state;

	for (u64 i = 0; i < 10; i++)
		add(f, WIRE_FN_MAPASSIGN, 0x10 + i, 7, 100 + (i * 7) % 10);
	sum(f);
	assert_int_equal(told(f, 7)->use_count, EVENT_MAP_USES);
	for (u64 i = 0; i < EVENT_MAP_USES; i++)
		assert_int_equal(told(f, 7)->use[i].writes, 109 - i);
}

/* 200 old maps, busy once, long ago; one that is busy now, and one that was asked for. */
static void test_busy_then_busy_now_and_wanted(void **state)
{
	const struct map_key wanted[] = { { 900, 9 }, { 300, 9 } };
	struct fixture *f = *state;

	tally_maps_want(f->maps, wanted, 2);
	for (int tick = 0; tick < 100; tick++) {
		for (u64 i = 1; i <= 200; i++)
			add(f, WIRE_FN_MAPASSIGN, 0x10, i, 1000 * i);
		if (tick)
			add(f, WIRE_FN_MAPASSIGN, 0x10, 500, (u64)tick);
		add(f, WIRE_FN_MAPASSIGN, 0x10, 300, 1);
		sum(f);
	}
	assert_int_equal(f->sample.map_count, TALLY_MAPS + 2);
	for (u64 i = 200; i > 200 - TALLY_MAPS; i--)
		assert_non_null(told(f, i));
	assert_null(told(f, 200 - TALLY_MAPS));
	assert_int_equal(told(f, 500)->recent, 4); /* 1 a tick, kept by 0.8: up to 5 */
	assert_non_null(told(f, 300));
	assert_null(told(f, 900)); /* it did nothing */
	assert_true(tally_maps_least(f->maps) == 1000 * (200 - TALLY_MAPS + 1));
}

/* No more than there is room for, however many are busy and asked for. */
static void test_bounded(void **state)
{
	struct map_key wanted[TALLY_MAPS_WANTED + 50];
	struct fixture *f = *state;

	for (u64 i = 0; i < TALLY_MAPS_WANTED + 50; i++)
		wanted[i] = (struct map_key) { 1 + i, 9 };
	tally_maps_want(f->maps, wanted, TALLY_MAPS_WANTED + 50);
	for (u64 i = 1; i <= 900; i++)
		add(f, WIRE_FN_MAPASSIGN, 0x10, i, i <= 450 ? 1 : i);
	sum(f);
	assert_int_equal(f->sample.map_count, TALLY_MAPS_WANTED + TALLY_MAPS);
	for (size_t i = 1; i < f->sample.map_count; i++)
		assert_true(f->sample.maps[i - 1].writes >= f->sample.maps[i].writes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_a_map_did, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_only_the_busiest_sites_of_a_map, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_busy_then_busy_now_and_wanted, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_bounded, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("maps of a sample", tests, NULL, NULL);
}
