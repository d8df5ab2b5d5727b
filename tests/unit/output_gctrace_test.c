/* SPDX-License-Identifier: BSD-2-Clause */
/* The gctrace line against lines that a real runtime printed, next to its own words at that moment.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/macros.h"
#include "output/gctrace.h"

/* In the order of a row below. */
static const enum wire_gc_word order[] = {
	WIRE_GC_NUMGC,	      WIRE_GC_CPU_FRACTION,  WIRE_GC_USER_FORCED,  WIRE_GC_STWPROCS,
	WIRE_GC_MAXPROCS,     WIRE_GC_T_SWEEP_TERM,  WIRE_GC_T_MARK,	   WIRE_GC_T_MARK_TERM,
	WIRE_GC_T_END,	      WIRE_GC_HEAP0,	     WIRE_GC_HEAP1,	   WIRE_GC_HEAP2,
	WIRE_GC_HEAP_GOAL,    WIRE_GC_STACK_SCAN,    WIRE_GC_GLOBALS_SCAN, WIRE_GC_ASSIST_NS,
	WIRE_GC_DEDICATED_NS, WIRE_GC_FRACTIONAL_NS, WIRE_GC_IDLE_NS,	   WIRE_GC_INIT_TIME,
};

/* A program of Go 1.19 with GODEBUG=gctrace=1 that dumped runtime.work and its like after each
 * cycle. */
static const struct {
	u64 word[ARRAY_SIZE(order)];
	const char *line;
} rows[] = {
	{ { 1,
	    0x3fa328e028469832ULL,
	    1,
	    2,
	    2,
	    2402028504636,
	    2402028528982,
	    2402028717322,
	    2402028719716,
	    270336,
	    270336,
	    45720,
	    9223372036844659695,
	    16384,
	    223376,
	    0,
	    0,
	    220378,
	    49734,
	    2402025211664 },
	  /* with the collector switched off the goal is absurd, and printed as it is */
	  "gc 1 @0.003s 3%: 0.024+0.18+0.002 ms clock, 0.048+0/0.22/0.049+0.004 ms cpu, 0->0->0 "
	  "MB, "
	  "8796093022198 MB goal, 0 MB stacks, 0 MB globals, 2 P (forced)" },
	{ { 2,
	    0x3fb6f5b8ba98d6c2ULL,
	    1,
	    2,
	    2,
	    2402141936617,
	    2402141949707,
	    2402210798471,
	    2402210803529,
	    33680160,
	    33680160,
	    33601008,
	    9223372036843631399,
	    24576,
	    223376,
	    0,
	    0,
	    33007268,
	    49302470,
	    2402025211664 },
	  "gc 2 @0.116s 8%: 0.013+68+0.005 ms clock, 0.026+0/33/49+0.010 ms cpu, 32->32->32 MB, "
	  "8796093022197 MB goal, 0 MB stacks, 0 MB globals, 2 P (forced)" },
	{ { 4,
	    0x3fc3e1c660894444ULL,
	    1,
	    2,
	    2,
	    2402300749625,
	    2402300837966,
	    2402370605879,
	    2402370657585,
	    33601424,
	    730471264,
	    730335368,
	    9223372036803268175,
	    25178112,
	    223376,
	    0,
	    0,
	    34011022,
	    39843373,
	    2402025211664 },
	  "gc 4 @0.275s 15%: 0.088+69+0.051 ms clock, 0.17+0/34/39+0.10 ms cpu, 32->696->696 MB, "
	  "8796093022158 MB goal, 24 MB stacks, 0 MB globals, 2 P (forced)" },
	{ { 5,
	    0x3fbae789d46fd6dcULL,
	    0,
	    2,
	    2,
	    2402536732431,
	    2402536754383,
	    2402536922684,
	    2402536925268,
	    1102286552,
	    1102286552,
	    662152,
	    1106455464,
	    4206592,
	    223376,
	    145286,
	    0,
	    33480,
	    86619,
	    2402025211664 },
	  "gc 5 @0.511s 10%: 0.021+0.16+0.002 ms clock, 0.043+0.14/0.033/0.086+0.005 ms cpu, "
	  "1051->1051->0 MB, 1055 MB goal, 4 MB stacks, 0 MB globals, 2 P" },
	{ { 6,
	    0x3fbad1d4c15cb4f4ULL,
	    0,
	    2,
	    2,
	    2402539441322,
	    2402539459359,
	    2402539679598,
	    2402539717834,
	    2136304,
	    2136304,
	    2095400,
	    2097152,
	    2109440,
	    223376,
	    77455,
	    0,
	    56034,
	    0,
	    2402025211664 },
	  "gc 6 @0.514s 10%: 0.018+0.22+0.038 ms clock, 0.036+0.077/0.056/0+0.076 ms cpu, 2->2->1 "
	  "MB, "
	  "2 MB goal, 2 MB stacks, 0 MB globals, 2 P" },
	{ { 8,
	    0x3fbaa2cec113640fULL,
	    0,
	    2,
	    2,
	    2402544887098,
	    2402544896552,
	    2402545085093,
	    2402545128097,
	    4632704,
	    4632704,
	    4553200,
	    4794296,
	    536576,
	    223376,
	    54702,
	    0,
	    17305,
	    40921,
	    2402025211664 },
	  "gc 8 @0.519s 10%: 0.009+0.18+0.043 ms clock, 0.018+0.054/0.017/0.040+0.086 ms cpu, "
	  "4->4->4 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P" },
};

static struct event_gc_end words_of(const u64 *word)
{
	struct event_gc_end gc = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		gc.word[order[i]] = word[i];
		gc.have |= 1ULL << order[i];
	}
	return gc;
}

static void equals_the_runtime(void **state)
{
	char line[GCTRACE_BUF];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct event_gc_end gc = words_of(rows[i].word);

		assert_int_equal(gctrace_line(line, &gc), 0);
		assert_string_equal(line, rows[i].line);
	}
}

/* Go 1.15 to 1.17 have no stacks and globals: the fields are left out, as there. */
static void older_versions_lack_two_fields(void **state)
{
	struct event_gc_end gc = words_of(rows[4].word);
	char line[GCTRACE_BUF];

	(void)state;
	gc.have &= ~(1ULL << WIRE_GC_STACK_SCAN | 1ULL << WIRE_GC_GLOBALS_SCAN);
	assert_int_equal(gctrace_line(line, &gc), 0);
	assert_string_equal(line, "gc 6 @0.514s 10%: 0.018+0.22+0.038 ms clock, "
				  "0.036+0.077/0.056/0+0.076 ms cpu, 2->2->1 MB, 2 MB goal, 2 P");
}

static void a_missing_word_gives_no_line(void **state)
{
	char line[GCTRACE_BUF];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		struct event_gc_end gc = words_of(rows[0].word);

		gc.have &= ~(1ULL << order[i]);
		assert_int_equal(gctrace_line(line, &gc), -ENODATA);
		assert_string_equal(line, "");
	}
}

/* Words of a hostile process: no undefined behaviour, no line that is cut. */
static void hostile_words_are_survived(void **state)
{
	static const u64 patterns[] = {
		0, 1, UINT64_MAX, 1ULL << 63, 0x7fffffffffffffffULL, 0xffffffffULL
	};
	char line[GCTRACE_BUF];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		struct event_gc_end gc = { .have = UINT64_MAX };
		int rc;

		for (size_t w = 0; w < WIRE_GC_WORDS; w++)
			gc.word[w] = patterns[i];
		rc = gctrace_line(line, &gc);
		assert_true(rc == 0 || rc == -EBADMSG);
		if (rc == 0)
			assert_non_null(strstr(line, " P"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equals_the_runtime),
		cmocka_unit_test(older_versions_lack_two_fields),
		cmocka_unit_test(a_missing_word_gives_no_line),
		cmocka_unit_test(hostile_words_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
