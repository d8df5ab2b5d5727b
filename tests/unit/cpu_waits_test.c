/* SPDX-License-Identifier: BSD-2-Clause */
/* Which readings a stop gets, and how many there may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/macros.h"
#include "base/units.h"
#include "model/cpu_waits.h"

#define MS NS_PER_MS

/* A reading that takes 1 ms; of the throttling a tenth of the time, of the run queue a fifth. */
static void read_at(struct cpu_waits *w, u64 ms, bool has_throttling, bool has_runqueue)
{
	const struct cpu_waits_reading reading = {
		.begin_ns = ms * MS,
		.end_ns = (ms + 1) * MS,
		.has_throttling = has_throttling,
		.has_runqueue = has_runqueue,
		.throttled_ns = ms * MS / 10,
		.throttled_periods = ms / 100,
		.runqueue_ns = ms * MS / 5,
		.runqueue_longest_ns = ms * MS / 20,
	};

	cpu_waits_add(w, &reading);
}

static void test_holds_the_stop(void **state)
{
	static const struct {
		const char *name;
		u64 from_ms, to_ms, since_ms, until_ms;
	} rows[] = {
		{ "between two readings", 2100, 2200, 2000, 3001 },
		{ "from the end of one to the beginning of the next", 2001, 3000, 2000, 3001 },
		{ "it began while one was taken", 2000, 2200, 1000, 3001 },
		{ "it ended while one was taken", 2100, 3001, 2000, 4001 },
		{ "over several", 1500, 3500, 1000, 4001 },
		{ "before the first", 500, 1500, 0, 0 },
		{ "after the last", 4100, 4200, 0, 0 },
	};
	struct cpu_waits w = { 0 };

	(void)state;
	for (u64 second = 1; second <= 4; second++)
		read_at(&w, second * 1000, true, true);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct event_cpu_wait got =
			cpu_waits_over(&w, rows[i].from_ms * MS, rows[i].to_ms * MS);
		u64 ms = rows[i].until_ms ? rows[i].until_ms - rows[i].since_ms - 1 : 0;

		if (got.since_ns != rows[i].since_ms * MS ||
		    got.until_ns != rows[i].until_ms * MS || got.throttled_ns != ms * MS / 10 ||
		    got.throttled_periods != ms / 100 || got.runqueue_ns != ms * MS / 5 ||
		    got.runqueue_longest_ns != ms * MS / 20 || got.has_throttling != (ms > 0) ||
		    got.has_runqueue != (ms > 0))
			fail_msg("%s: %llu to %llu ns", rows[i].name, got.since_ns, got.until_ns);
	}
	assert_true(cpu_waits_read_after(&w, 4000 * MS));
	assert_false(cpu_waits_read_after(&w, 4000 * MS + 1));
}

/* What came before a reading that failed is not in the next one's increase. */
static void test_gaps(void **state)
{
	struct cpu_waits w = { 0 };
	struct event_cpu_wait got;

	(void)state;
	assert_false(cpu_waits_read_after(&w, 0));
	assert_int_equal(cpu_waits_over(&w, 0, 0).until_ns, 0);
	read_at(&w, 1000, true, true);
	read_at(&w, 2000, true, false);
	read_at(&w, 3000, true, true);
	read_at(&w, 4000, false, true);
	got = cpu_waits_over(&w, 1500 * MS, 2500 * MS);
	assert_true(got.has_throttling && !got.has_runqueue);
	assert_int_equal(got.throttled_ns, 200 * MS);
	assert_int_equal(got.runqueue_ns, 0);
	got = cpu_waits_over(&w, 3500 * MS, 3900 * MS);
	assert_true(!got.has_throttling && got.has_runqueue);
	assert_int_equal(got.throttled_ns, 0);
}

static void test_keeps_the_last(void **state)
{
	struct cpu_waits w = { 0 };

	(void)state;
	for (u64 i = 1; i <= 3 * CPU_WAITS_KEPT; i++)
		read_at(&w, i * 1000, true, true);
	assert_int_equal(cpu_waits_over(&w, (2 * CPU_WAITS_KEPT + 1) * 1000 * MS + MS,
					(2 * CPU_WAITS_KEPT + 1) * 1000 * MS + 2 * MS)
				 .since_ns,
			 (2 * CPU_WAITS_KEPT + 1) * 1000 * MS);
	assert_int_equal(cpu_waits_over(&w, 2 * CPU_WAITS_KEPT * 1000 * MS + MS,
					2 * CPU_WAITS_KEPT * 1000 * MS + 2 * MS)
				 .until_ns,
			 0);
}

/* A storm of stops, each of which wants a reading of that time, on top of a tick a second. */
static void storm(u64 took_us, u64 every_us, u64 seconds)
{
	struct cpu_waits w = { 0 };
	u64 now_ns = 1000 * NS_PER_S, end_ns = now_ns + seconds * NS_PER_S, spent_ns = 0;

	for (; now_ns < end_ns; now_ns += every_us * 1000) {
		struct cpu_waits_reading reading = { .begin_ns = now_ns,
						     .end_ns = now_ns + took_us * 1000 };

		if (!cpu_waits_may_read(&w, now_ns))
			continue;
		cpu_waits_add(&w, &reading);
		spent_ns += took_us * 1000;
	}
	assert_true(spent_ns <=
		    seconds * NS_PER_S / CPU_WAITS_SHARE + CPU_WAITS_SAVED_NS + took_us * 1000);
	assert_true(spent_ns >= seconds * NS_PER_S / CPU_WAITS_SHARE);
	assert_true(w.refused > 0);
}

static void test_storms(void **state)
{
	(void)state;
	storm(100, 200, 60);
	storm(100, 1000, 60);
	storm(4000, 10000, 60);
}

/* A reading a second of 0.3 ms, and two stops in a row beside each: all are read. */
static void test_room_for_a_stop(void **state)
{
	struct cpu_waits w = { 0 };

	(void)state;
	for (u64 ms = 10000; ms < 70000; ms += 1000) {
		for (u64 i = 0; i < 3; i++) {
			struct cpu_waits_reading reading = { .begin_ns = (ms + i) * MS,
							     .end_ns = (ms + i) * MS + 300000 };

			assert_true(cpu_waits_may_read(&w, reading.begin_ns));
			cpu_waits_add(&w, &reading);
		}
	}
	assert_int_equal(w.refused, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_holds_the_stop),	cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_keeps_the_last),	cmocka_unit_test(test_storms),
		cmocka_unit_test(test_room_for_a_stop),
	};

	return cmocka_run_group_tests_name("cpu waits", tests, NULL, NULL);
}
