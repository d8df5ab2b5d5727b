/* SPDX-License-Identifier: BSD-2-Clause */
/* Counts by site and map over time, of targets that make maps all the time. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/tally.h"

static struct tally_scratch scratch;

enum { TARGETS = 200, SITE = 0x10, TYPE = 9 };

static void count(struct tally *tally, enum wire_fn fn, u64 pc, u64 map, u64 calls)
{
	const struct wire_map_site site = { WIRE_SITE(0, fn, pc), TYPE, map };

	tally_count(tally, &site, calls);
}

static struct event_sample take(struct tally *tally)
{
	const double calls[WIRE_FN_COUNT] = { 0 };
	const bool sampled[WIRE_FN_COUNT] = { 0 };
	struct event_sample sample = { 0 };
	struct err err = { 0 };

	if (tally_take(tally, calls, sampled, &sample, &err))
		fail_msg("%s", err.text);
	return sample;
}

/* A round of the kernel's full table of maps, all new and each as busy as the next. */
static void churn(struct tally *tally, u64 round)
{
	for (u64 i = 0; i < WIRE_MAX_MAPS; i++)
		count(tally, WIRE_FN_MAPASSIGN, SITE, 1 + round * WIRE_MAX_MAPS + i, 8);
	tally_emptied(tally);
}

/* For as long as it takes: old maps make room, and a site that comes late is told. */
static void new_maps_always_find_room(void **state)
{
	CLEANUP(tally_freep) struct tally *tally = tally_new(&scratch, WIRE_MAX_MAPS / 2);
	struct event_sample sample;

	(void)state;
	assert_non_null(tally);
	for (u64 round = 0; round < 40; round++) {
		churn(tally, round);
		sample = take(tally);
		assert_int_equal(sample.map_site_count, 1);
		assert_int_equal(sample.map_sites[0].count, (round + 1) * WIRE_MAX_MAPS * 8);
	}
	count(tally, WIRE_FN_MAPDELETE, 2 * SITE, 7, 3);
	sample = take(tally);
	assert_int_equal(sample.map_site_count, 2);
	assert_int_equal(sample.map_sites[1].count, 3);
}

/* Deletes of a map that has lost its row are told once: by map before, not elsewhere again. */
static void deletes_are_told_once(void **state)
{
	CLEANUP(tally_freep) struct tally *tally = tally_new(&scratch, WIRE_MAX_MAPS / 2);
	const struct map_key asked = { 7, TYPE };
	struct event_sample sample;

	(void)state;
	assert_non_null(tally);
	tally_want(tally, &asked, 1);
	count(tally, WIRE_FN_MAPDELETE, SITE, 0, 5);
	count(tally, WIRE_FN_MAPDELETE, SITE, 7, 2);
	for (u64 i = 0; i < TALLY_MAPS; i++)
		count(tally, WIRE_FN_MAPDELETE, SITE, 100 + i, 1000);
	tally_emptied(tally);
	sample = take(tally);
	assert_int_equal(sample.map_deletes_elsewhere, 5);
	assert_int_equal(sample.map_count, TALLY_MAPS + 1);
	count(tally, WIRE_FN_MAPDELETE, SITE, 0, 6);
	sample = take(tally);
	assert_int_equal(sample.map_deletes_elsewhere, 6);
	assert_int_equal(sample.map_count, TALLY_MAPS);
	assert_int_equal(sample.map_sites[0].count, 6 + 2 + TALLY_MAPS * 1000);
}

static size_t allocated_bytes(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* Each had the kernel's whole table of maps for itself for some time. */
static void many_targets_are_small(void **state)
{
	static struct tally *tally[TARGETS];
	size_t before = allocated_bytes();

	(void)state;
	for (size_t i = 0; i < TARGETS; i++) {
		tally[i] = tally_new(&scratch, WIRE_MAX_MAPS / 2);
		assert_non_null(tally[i]);
	}
	assert_in_range(allocated_bytes() - before, 1, TARGETS * (8U << 10));
	for (u64 round = 0; round < 4; round++)
		for (size_t i = 0; i < TARGETS; i++) {
			churn(tally[i], round);
			(void)take(tally[i]);
		}
	assert_in_range(allocated_bytes() - before, 1, 100U << 20);
	for (size_t i = 0; i < TARGETS; i++)
		tally_free(tally[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_maps_always_find_room),
		cmocka_unit_test(deletes_are_told_once),
		cmocka_unit_test(many_targets_are_small),
	};

	return cmocka_run_group_tests_name("tally", tests, NULL, NULL);
}
