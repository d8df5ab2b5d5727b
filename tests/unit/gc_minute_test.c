/* SPDX-License-Identifier: BSD-2-Clause */
/* A minute's pauses against a list of all of them; what a cycle's words and stops say of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/units.h"
#include "model/gc_phases.h"
#include "model/pause_minute.h"

enum { PAUSES = 5000 };

/* xorshift64* */
static u64 next(u64 *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return *seed * 0x2545f4914f6cdd1dULL;
}

static struct pause_sums naive_sums(const struct gc_stop *stops, size_t n, u64 now_ns)
{
	struct pause_sums sums = { .max_ns = 0 };

	for (size_t i = 0; i < n; i++) {
		enum pause_of of = stops[i].reason == 1 ? PAUSE_OF_MARK_TERMINATION
							: PAUSE_OF_SWEEP_TERMINATION;

		if (stops[i].end_ns / NS_PER_S + 60 <= now_ns / NS_PER_S)
			continue;
		sums.count[of]++;
		sums.ns[of] += stops[i].duration_ns;
		sums.stopping_ns += stops[i].stopping_ns;
		sums.stopped_ns += stops[i].stopped_ns;
		sums.max_ns = MAX(sums.max_ns, stops[i].duration_ns);
	}
	return sums;
}

static u64 longest_since(const struct gc_stop *stops, size_t n, u64 from_ns)
{
	u64 longest = 0;

	for (size_t i = 0; i < n; i++) {
		if (stops[i].end_ns >= from_ns)
			longest = MAX(longest, stops[i].duration_ns);
	}
	return longest;
}

/* Steps of microseconds to seconds, now and then a silence of minutes. */
static void test_minute_is_as_a_list_of_all(void **state)
{
	CLEANUP(pause_minute_freep) struct pause_minute *minute = pause_minute_new();
	static struct gc_stop stops[PAUSES];
	u64 seed = 20240229, now_ns = 5 * NS_PER_S;

	(void)state;
	assert_non_null(minute);
	for (size_t i = 0; i < PAUSES; i++) {
		u64 scale = next(&seed) % 1000 ? NS_PER_S >> next(&seed) % 12 : 300 * NS_PER_S;
		struct pause_sums got, want;
		u64 longest;

		now_ns += next(&seed) % scale;
		stops[i].end_ns = now_ns;
		stops[i].reason = 1 + next(&seed) % 2;
		stops[i].stopping_ns = next(&seed) % NS_PER_MS;
		stops[i].stopped_ns = next(&seed) % (NS_PER_MS << next(&seed) % 8);
		stops[i].duration_ns = stops[i].stopping_ns + stops[i].stopped_ns;
		pause_minute_add(minute, &stops[i]);
		if (i % 7 == 0)
			now_ns += next(&seed) % (2 * NS_PER_S);
		got = pause_minute_sums(minute, now_ns);
		want = naive_sums(stops, i + 1, now_ns);
		assert_memory_equal(&got, &want, sizeof(got));

		/* The quantiles look back between half a minute and a whole one. */
		longest = pause_minute_quantile(minute, 1);
		assert_true(longest >= longest_since(stops, i + 1,
						     stops[i].end_ns > 30 * NS_PER_S
							     ? stops[i].end_ns - 30 * NS_PER_S + 1
							     : 0) *
					       31 / 32);
		assert_true(longest <= longest_since(stops, i + 1,
						     stops[i].end_ns > 60 * NS_PER_S
							     ? stops[i].end_ns - 60 * NS_PER_S
							     : 0));
	}
}

static const u64 all_words = 1ULL << WIRE_GC_T_SWEEP_TERM | 1ULL << WIRE_GC_T_MARK |
			     1ULL << WIRE_GC_T_MARK_TERM | 1ULL << WIRE_GC_T_END |
			     1ULL << WIRE_GC_ASSIST_NS | 1ULL << WIRE_GC_DEDICATED_NS |
			     1ULL << WIRE_GC_FRACTIONAL_NS | 1ULL << WIRE_GC_IDLE_NS;

/* By words and by stops, which differ so that the test can tell them apart. */
static struct gc_cycle cycle_of(u64 have)
{
	struct gc_cycle cycle = {
		.start_ns = 100 * NS_PER_MS,
		.end_ns = 200 * NS_PER_MS,
		.end = { .have = have },
		.stops = { { .end_ns = 101 * NS_PER_MS, .duration_ns = NS_PER_MS, .reason = 2 },
			   { .end_ns = 200 * NS_PER_MS,
			     .duration_ns = 4 * NS_PER_MS,
			     .reason = 1 } },
		.stop_count = 2,
	};

	cycle.end.word[WIRE_GC_T_SWEEP_TERM] = 7000 * NS_PER_S;
	cycle.end.word[WIRE_GC_T_MARK] = 7000 * NS_PER_S + 2 * NS_PER_MS;
	cycle.end.word[WIRE_GC_T_MARK_TERM] = 7000 * NS_PER_S + 92 * NS_PER_MS;
	cycle.end.word[WIRE_GC_T_END] = 7000 * NS_PER_S + 95 * NS_PER_MS;
	cycle.end.word[WIRE_GC_ASSIST_NS] = 11;
	cycle.end.word[WIRE_GC_DEDICATED_NS] = 20;
	cycle.end.word[WIRE_GC_FRACTIONAL_NS] = 3;
	cycle.end.word[WIRE_GC_IDLE_NS] = 50;
	return cycle;
}

static void test_phases_of_words(void **state)
{
	struct gc_cycle cycle = cycle_of(all_words);
	u64 start_ns, end_ns, ns;
	struct gc_cpu cpu;

	(void)state;
	assert_true(gc_cycle_mark(&cycle, &start_ns, &end_ns));
	assert_int_equal(end_ns, 197 * NS_PER_MS);
	assert_int_equal(start_ns, 107 * NS_PER_MS);
	assert_true(gc_cycle_mark_termination(&cycle, &ns));
	assert_int_equal(ns, 3 * NS_PER_MS);
	assert_true(gc_cycle_sweep_termination(&cycle, &ns));
	assert_int_equal(ns, 2 * NS_PER_MS);
	assert_true(gc_cycle_cpu(&cycle, &cpu));
	assert_int_equal(cpu.assist_ns, 11);
	assert_int_equal(cpu.worker_ns, 23);
	assert_int_equal(cpu.idle_ns, 50);
}

static void test_phases_of_stops(void **state)
{
	struct gc_cycle cycle = cycle_of(0);
	u64 start_ns, end_ns, ns;
	struct gc_cpu cpu;

	(void)state;
	assert_true(gc_cycle_mark(&cycle, &start_ns, &end_ns));
	assert_int_equal(end_ns, 196 * NS_PER_MS);
	assert_int_equal(start_ns, 101 * NS_PER_MS);
	assert_true(gc_cycle_mark_termination(&cycle, &ns));
	assert_int_equal(ns, 4 * NS_PER_MS);
	assert_false(gc_cycle_cpu(&cycle, &cpu));

	cycle.stop_count = 1; /* the last one is missing */
	assert_false(gc_cycle_mark(&cycle, &start_ns, &end_ns));
	assert_false(gc_cycle_mark_termination(&cycle, &ns));
	assert_null(gc_cycle_last_stop(&cycle));
}

/* Words are the target's own: whatever they hold, no figure comes of what can't be. */
static void test_words_that_lie(void **state)
{
	static const struct {
		const char *name;
		enum wire_gc_word word;
		u64 value;
	} cases[] = {
		{ "ends before it begins", WIRE_GC_T_END, 3 },
		{ "marks for millennia", WIRE_GC_T_MARK, 0 },
		{ "began before time did", WIRE_GC_T_MARK, 6999 * NS_PER_S },
		{ "marking begins after its end", WIRE_GC_T_MARK_TERM, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct gc_cycle cycle = cycle_of(all_words);
		u64 start_ns, end_ns;

		cycle.end.word[cases[i].word] = cases[i].value;
		if (!gc_cycle_mark(&cycle, &start_ns, &end_ns) || start_ns != 101 * NS_PER_MS ||
		    end_ns != 196 * NS_PER_MS)
			fail_msg("%s: not what the stops say", cases[i].name);
	}
}

static void test_cpu_words_that_lie(void **state)
{
	struct gc_cycle cycle = cycle_of(all_words);
	struct gc_cpu cpu;

	(void)state;
	cycle.end.word[WIRE_GC_ASSIST_NS] = (u64)-1;
	assert_false(gc_cycle_cpu(&cycle, &cpu));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_minute_is_as_a_list_of_all),
		cmocka_unit_test(test_phases_of_words),
		cmocka_unit_test(test_phases_of_stops),
		cmocka_unit_test(test_words_that_lie),
		cmocka_unit_test(test_cpu_words_that_lie),
	};

	return cmocka_run_group_tests_name("a minute's pauses, a cycle's phases", tests, NULL,
					   NULL);
}
