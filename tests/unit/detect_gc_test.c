/* SPDX-License-Identifier: BSD-2-Clause */
/* Detectors of the collector with the default rules: true positives, near misses, recovery, gaps.
 */
#include "detect_rows.h"

static void test_gc_pause_budget(void **state)
{
	static const struct row rows[] = {
		{ "two pauses of 9 ms a second: the 89th makes 801 ms",
		  "@1..60 stop 2 9 4\n@1..60 stop 1 9 4\n"
		  "until 130\n"
		  "expect @45.0 firing gc-pause-budget ns/min GC pauses\n"
		  /* The last 22 seconds of them make 396 ms. */
		  "expect @98.0 resolved gc-pause-budget ns/min GC pauses\n" },
		{ "780 ms a minute", "@1..200 stop 2 6.5 1\n@1..200 stop 1 6.5 1\n"
				     "until 200\n" },
		{ "stops for other reasons", "@1..100 stop 7 30 1\n"
					     "until 100\n" },
		{ "720 ms, a long silence without ticks, 720 ms again",
		  "@1..40 stop 2 9 4\n@1..40 stop 1 9 4\n"
		  "@200..239 stop 2 9 4\n@200..239 stop 1 9 4\n"
		  "no-ticks 41..199\n"
		  "until 240\n" },
		{ "still 720 ms when the second batch comes just over a minute later",
		  "@1..40 stop 2 9 4\n@1..40 stop 1 9 4\n"
		  "@101..140 stop 2 9 4\n@101..140 stop 1 9 4\n"
		  "until 140\n" },
		{ "a restart begins anew", "@1..44 stop 2 9 4\n@1..44 stop 1 9 4\n@44.5 restart\n"
					   "@45..80 stop 2 9 4\n@45..80 stop 1 9 4\n"
					   "until 80\n" },
		{ "the process exits while it fires",
		  "@1..46 stop 2 9 4\n@1..46 stop 1 9 4\n@46.5 exit\n"
		  "until 47\n"
		  "expect @45.0 firing gc-pause-budget ns/min GC pauses\n"
		  "expect @46.5 resolved gc-pause-budget ns/min GC pauses\n" },
	};

	(void)state;
	play_rows(rows, ARRAY_SIZE(rows));
}

static void test_gc_pressure(void **state)
{
	static const struct row rows[] = {
		{ "workers and assists take 30 % of the CPU",
		  "@1..60 busy 1000\n@1..30 gc 1 20 0.1 100 200\n"
		  "until 60\n"
		  /* The first tick has a figure of the CPU to begin with. */
		  "expect @11.0 firing gc-pressure % garbage collection\n"
		  "expect @36.0 resolved gc-pressure % garbage collection\n" },
		{ "24 %, and twice as much by idle workers",
		  "@1..60 busy 1000\n@1..60 gc 1 20 0.1 140 100 480\n"
		  "until 60\n" },
		{ "many Ps and a quota of one CPU: workers wait for it, so they have 20 %, not 60",
		  "@1..60 busy 1000\n@1..60 gc 1 20 0.1 100 500 2400\n"
		  "until 60\n" },
		{ "30 % for eight seconds make 24 % of ten",
		  "@1..60 busy 1000\n@20..27 gc 1 20 0.1 100 200\n"
		  "until 60\n" },
		{ "a small heap under load: 85 cycles a second, 4 %",
		  "@1..60 busy 1000\n@1..60 gc 1 0.2 0.05 0.1 0.4 x85\n"
		  "until 60\n" },
		{ "a process that does next to nothing collects for half of it",
		  "@1..60 busy 90\n@1..60 gc 1 20 0.1 0 50\n"
		  "until 60\n" },
		{ "its CPU time is not known", "@1..60 gc 1 20 0.1 500 500\n"
					       "until 60\n" },
		{ "a cycle of 20 s that takes 20 %: all of it at its end would be 40 %",
		  "@1..60 busy 1000\n@30 gc 1 20000 0.1 0 4000\n"
		  "until 60\n" },
		{ "a cycle of 20 s that takes 40 %",
		  "@1..60 busy 1000\n@30 gc 1 20000 0.1 0 8000\n"
		  "until 60\n"
		  "expect @30.0 firing gc-pressure % garbage collection\n"
		  /* 3 of its 20 seconds are left in the last ten. */
		  "expect @37.0 resolved gc-pressure % garbage collection\n" },
		{ "then the process has nothing to do",
		  "@1..15 busy 1000\n@1..15 gc 1 20 0.1 100 200\n"
		  "until 60\n"
		  "expect @11.0 firing gc-pressure % garbage collection\n"
		  "expect @25.0 resolved gc-pressure % garbage collection\n" },
		{ "somebody calls for a cycle each second",
		  "@1..30 gc 1 1 0.1 0 1 forced\n"
		  "until 60\n"
		  "expect @11.0 firing gc-pressure cycles/s forced collections\n"
		  "expect @36.0 resolved gc-pressure cycles/s forced collections\n" },
		{ "nine of ten seconds",
		  "@1..9 gc 1 1 0.1 0 1 forced\n@11..19 gc 1 1 0.1 0 1 forced\n"
		  "@21..29 gc 1 1 0.1 0 1 forced\n@31..39 gc 1 1 0.1 0 1 forced\n"
		  "until 60\n" },
		{ "as many, but not forced", "@1..60 busy 1000\n@1..60 gc 1 1 0.1 0 1 x5\n"
					     "until 60\n" },
		{ "the agent stood still for a minute: the share is over all of it",
		  "@1..200 busy 1000\n@50..60 gc 1 20 0.1 300 300\n"
		  "no-ticks 45..105\n"
		  "until 200\n" },
		{ "the count of CPU time begins anew: nothing is said of that stretch",
		  "@1..20 busy 1000\n@1..20 gc 1 20 0.1 100 200\n@6.5 reset\n"
		  "until 20\n"
		  "expect @17.0 firing gc-pressure % garbage collection\n" },
		{ "a restart begins anew",
		  "@1..22 busy 1000\n@1..22 gc 1 20 0.1 100 200\n@10.5 restart\n@22.5 exit\n"
		  "until 23\n"
		  "expect @21.0 firing gc-pressure % garbage collection\n"
		  "expect @22.5 resolved gc-pressure % garbage collection\n" },
	};

	(void)state;
	play_rows(rows, ARRAY_SIZE(rows));
}

static void test_mark_termination_drag(void **state)
{
	static const struct row rows[] = {
		{ "three cycles running, then none any more",
		  "@1 gc 1 5 1.6 0 1\n@2 gc 2 5 2 0 1\n@3 gc 3 5 1.6 0 1\n"
		  "until 70\n"
		  "expect @3.0 firing mark-termination-drag ns gc mark termination\n"
		  "expect @63.0 resolved mark-termination-drag ns gc mark termination\n" },
		{ "over with the first short one",
		  "@1 gc 1 5 1.6 0 1\n@2 gc 2 5 2 0 1\n@3 gc 3 5 1.6 0 1\n@4.5 gc 4 5 0.1 0 1\n"
		  "until 10\n"
		  "expect @3.0 firing mark-termination-drag ns gc mark termination\n"
		  "expect @4.5 resolved mark-termination-drag ns gc mark termination\n" },
		{ "1.2 ms is not below the level at which it is over",
		  "@1 gc 1 5 1.6 0 1\n@2 gc 2 5 2 0 1\n@3 gc 3 5 1.6 0 1\n@4.5 gc 4 5 1.2 0 1\n"
		  "until 10\n"
		  "expect @3.0 firing mark-termination-drag ns gc mark termination\n" },
		{ "two, then a short one, and two again",
		  "@1 gc 1 5 1.6 0 1\n@2 gc 2 5 2 0 1\n@3 gc 3 5 1.4 0 1\n@4 gc 4 5 2 0 1\n"
		  "@5 gc 5 5 2 0 1\n"
		  "until 10\n" },
		{ "a cycle between them was lost: they are not three running",
		  "@1 gc 1 5 2 0 1\n@2 gc 2 5 2 0 1\n@3 gc 4 5 2 0 1\n@4 gc 5 5 2 0 1\n"
		  "until 10\n" },
		{ "long marks, short terminations", "@1 gc 1 900 0.2 0 1\n@2 gc 2 900 0.2 0 1\n"
						    "@3 gc 3 900 0.2 0 1\n"
						    "until 10\n" },
		{ "no ticks between the cycles",
		  "@1 gc 1 5 2 0 1\n@300 gc 2 5 2 0 1\n@600 gc 3 5 2 0 1\n"
		  "no-ticks 2..599\n"
		  "until 602\n"
		  "expect @600.0 firing mark-termination-drag ns gc mark termination\n" },
		{ "a restart begins anew, and so does the runtime's count",
		  "@1 gc 1 5 2 0 1\n@2 gc 2 5 2 0 1\n@2.5 restart\n"
		  "@3 gc 3 5 2 0 1\n@4 gc 4 5 2 0 1\n@5 gc 5 5 2 0 1\n@6 exit\n"
		  "until 7\n"
		  "expect @5.0 firing mark-termination-drag ns gc mark termination\n"
		  "expect @6.0 resolved mark-termination-drag ns gc mark termination\n" },
	};

	(void)state;
	play_rows(rows, ARRAY_SIZE(rows));
}

/* A mark phase of 121 slices lies from 10.5 to 130.5 ms after the second, and these in it. */
#define TEN_TIMES(grow)                                                                            \
	"@1.0115 " grow "\n"                                                                       \
	"@1.0125 " grow "\n"                                                                       \
	"@1.0135 " grow "\n"                                                                       \
	"@1.0145 " grow "\n"                                                                       \
	"@1.0155 " grow "\n"                                                                       \
	"@1.0165 " grow "\n"                                                                       \
	"@1.0175 " grow "\n"                                                                       \
	"@1.0185 " grow "\n"                                                                       \
	"@1.0195 " grow "\n"                                                                       \
	"@1.0205 " grow "\n"
#define TWENTY_MORE(grow)                                                                          \
	"@1.0215 " grow "\n"                                                                       \
	"@1.0225 " grow "\n"                                                                       \
	"@1.0235 " grow "\n"                                                                       \
	"@1.0245 " grow "\n"                                                                       \
	"@1.0255 " grow "\n"                                                                       \
	"@1.0265 " grow "\n"                                                                       \
	"@1.0275 " grow "\n"                                                                       \
	"@1.0285 " grow "\n"                                                                       \
	"@1.0295 " grow "\n"                                                                       \
	"@1.0305 " grow "\n"                                                                       \
	"@1.0315 " grow "\n"                                                                       \
	"@1.0325 " grow "\n"                                                                       \
	"@1.0335 " grow "\n"                                                                       \
	"@1.0345 " grow "\n"                                                                       \
	"@1.0355 " grow "\n"                                                                       \
	"@1.0365 " grow "\n"                                                                       \
	"@1.0375 " grow "\n"                                                                       \
	"@1.0385 " grow "\n"                                                                       \
	"@1.0395 " grow "\n"                                                                       \
	"@1.0405 " grow "\n"
#define THIRTY_TIMES(grow)     TEN_TIMES(grow) TWENTY_MORE(grow)
#define THIRTY_ONE_TIMES(grow) THIRTY_TIMES(grow) "@1.0415 " grow "\n"
#define LARGE_GROW	       "grow a0 1 2000 2048->4096 0"

static void test_mark_storm(void **state)
{
	static const struct row rows[] = {
		{ "large maps grew in 31 of 121 milliseconds",
		  "@1.0105 gc-start\n" THIRTY_ONE_TIMES(
			  LARGE_GROW) "@1.1308 gc-end 7 120 0.3 0 1\n"
				      "until 70\n"
				      "expect @1.1 firing mark-storm % map[int]T1\n"
				      "expect @62.0 resolved mark-storm % map[int]T1\n" },
		{ "many growths, but in 30 of 121 milliseconds",
		  "@1.0105 gc-start\n@1.0115 grow a0 1 2000 2048->4096 0 x10\n" THIRTY_TIMES(
			  LARGE_GROW) "@1.1308 gc-end 7 120 0.3 0 1\n"
				      "until 70\n" },
		{ "the same growths while nothing is marked",
		  THIRTY_ONE_TIMES(LARGE_GROW) "@1.0508 gc-start\n@1.1711 gc-end 7 120 0.3 0 1\n"
					       "until 70\n" },
		{ "a phase of 90 ms is over before it matters",
		  "@1.0105 gc-start\n" THIRTY_ONE_TIMES(LARGE_GROW) "@1.1008 gc-end 7 90 0.3 0 1\n"
								    "until 70\n" },
		{ "one map doubles in a short phase, and moves more than a million",
		  "@1.0105 gc-start\n@1.0115 grow b0 2 1100000 2097152->4194304 0\n"
		  "@1.0158 gc-end 7 5 0.3 0 1\n"
		  "until 70\n"
		  "expect @1.0 firing mark-storm entries map[int]T2\n"
		  "expect @62.0 resolved mark-storm entries map[int]T2\n" },
		{ "the same before and after the phase",
		  "@1.009 grow b0 2 1100000 2097152->4194304 0\n@1.0105 gc-start\n"
		  "@1.0158 gc-end 7 5 0.3 0 1\n@1.1 grow c0 3 1100000 2097152->4194304 0\n"
		  "until 70\n" },
		{ "small maps", "@1.0105 gc-start\n" THIRTY_ONE_TIMES(
					"grow a0 1 8 8->16 0 x200") "@1.1308 gc-end 7 120 0.3 0 1\n"
								    "until 70\n" },
		{ "the culprit is the map that moved most, not the one that grew most often",
		  "@1.0105 gc-start\n" THIRTY_ONE_TIMES(
			  LARGE_GROW) "@1.043 grow b0 2 90000 131072->262144 0\n@1.1308 gc-end 7 120 0.3 0 1\n"
				      "until 2\n"
				      "expect @1.1 firing mark-storm % map[int]T2\n" },
		{ "a later cycle whose start was lost keeps nothing alive",
		  "@1.0105 gc-start\n" THIRTY_ONE_TIMES(
			  LARGE_GROW) "@1.1308 gc-end 7 120 0.3 0 1\n"
				      "@30 gc-end 8 120 0.3 0 1\n"
				      "until 70\n"
				      "expect @1.1 firing mark-storm % map[int]T1\n"
				      "expect @62.0 resolved mark-storm % map[int]T1\n" },
		{ "a lesser one half a minute later keeps it firing",
		  "@1.0105 gc-start\n@1.0115 grow b0 2 1100000 2097152->4194304 0\n"
		  "@1.0158 gc-end 7 5 0.3 0 1\n"
		  "@31.0105 gc-start\n@31.0115 grow b0 2 600000 1048576->2097152 0\n"
		  "@31.0158 gc-end 8 5 0.3 0 1\n"
		  "until 100\n"
		  "expect @1.0 firing mark-storm entries map[int]T2\n"
		  "expect @92.0 resolved mark-storm entries map[int]T2\n" },
		{ "a restart in the middle of a phase",
		  "@1.0105 gc-start\n" THIRTY_ONE_TIMES(
			  LARGE_GROW) "@1.05 restart\n@1.1308 gc-end 7 120 0.3 0 1\n"
				      "until 10\n" },
		{ "the process exits while it fires",
		  "@1.0105 gc-start\n" THIRTY_ONE_TIMES(
			  LARGE_GROW) "@1.1308 gc-end 7 120 0.3 0 1\n@5 exit\n"
				      "until 6\n"
				      "expect @1.1 firing mark-storm % map[int]T1\n"
				      "expect @5.0 resolved mark-storm % map[int]T1\n" },
		{ "no ticks for a while: it was over long ago",
		  "@1.0105 gc-start\n" THIRTY_ONE_TIMES(
			  LARGE_GROW) "@1.1308 gc-end 7 120 0.3 0 1\n"
				      "no-ticks 2..300\n"
				      "until 301\n"
				      "expect @1.1 firing mark-storm % map[int]T1\n"
				      "expect @301.0 resolved mark-storm % map[int]T1\n" },
	};

	(void)state;
	play_rows(rows, ARRAY_SIZE(rows));
}

/* So many places grow maps in one phase that the table overflows: the one that moves most stays. */
static void test_mark_growth_is_bounded(void **state)
{
	CLEANUP(mark_growths_freep) struct mark_growths *marks = mark_growths_new();
	const struct gc_cycle cycle = { .end_ns = NS_PER_S };
	struct event_map_grow grow = { .moved = 500000, .entries = 500000, .type = 9 };

	(void)state;
	assert_non_null(marks);
	mark_growths_grow(marks, 1, &grow, 1);
	mark_growths_end(marks, &cycle);
	assert_null(mark_growths_last(marks));

	mark_growths_start(marks);
	for (u64 site = 2; site < 1002; site++) {
		grow.moved = site == 500 ? 500000 : 2000;
		mark_growths_grow(marks, site, &grow, site);
	}
	mark_growths_end(marks, &cycle);
	assert_int_equal(mark_growths_last(marks)->top.site, 500);
	assert_int_equal(mark_growths_last(marks)->moved, 500000 + 999 * 2000);
	assert_int_equal(mark_growths_last(marks)->large_grows, 1000);
	assert_int_equal(mark_growths_evicted(marks), 1000 - 32);
	/* Without a word of the phase's times there is no overlap to speak of. */
	assert_true(mark_growth_overlap_pct(mark_growths_last(marks)) <= 0);
}

static void test_evidence(void **state)
{
	static const struct says cases[] = {
		{ "@1..60 stop 2 9 4\n@1..60 stop 1 8 1\nuntil 60\n",
		  { "808 ms within a minute", "world stands still", "pauses=95",
		    "pause_p50_ns=9000000", "pause_p99_ns=9000000", "pause_max_ns=9000000",
		    "sweep_termination=48 pauses, 432 ms", "mark_termination=47 pauses, 376 ms",
		    "stop_latency_ns=239000000", "stopped_ns=569000000" } },
		{ "@1..60 stop 2 1.5 1 x5\n@1..60 stop 1 1.5 1 x4\nuntil 60\n",
		  { "short, but many", "pauses=534" } },
		{ "@1..60 stop 2 9 7\n@1..60 stop 1 9 7\nuntil 60\n",
		  { "waiting for goroutines to stop" } },
		{ "@1..20 busy 1000\n@1..20 gc 1 20 0.1 200 100 400\nuntil 20\n",
		  { "30 % of the process's CPU time in 10 s, 67 % of that by assists; 10 cycles",
		    "made to assist", "gc_of_cpu_pct=30", "assist_of_gc_pct=66.6",
		    "assist_cpu_ns=2000000000", "worker_cpu_ns=1000000000",
		    "idle_worker_cpu_ns=4000000000", "process_cpu_ns=10000000000", "cycles=10",
		    "forced_cycles=0", "heap_marked_bytes=20971520", "heap_growth_pct=110" } },
		{ "@1..20 busy 1000\n@1..20 gc 1 20 0.1 0 1 forced\nuntil 20\n",
		  { "1.0 times/s: 10 of 10 in 10 s", "debug.FreeOSMemory", "forced_cycles=10",
		    "gc_of_cpu_pct=0" } },
		{ "@1 gc 7 5 1.6 0 1\n@2 gc 8 5 2 0 1\n@3 gc 9 5.25 1.7 0 1 forced\nuntil 4\n",
		  { "for 1.6 ms or more in 3 cycles running",
		    "cycles[0]=gc 7: 0.05+5.00+1.60 ms clock, 40->41->20 MB, 4 P\n",
		    "cycles[2]=gc 9: 0.05+5.25+1.70 ms clock, 40->41->20 MB, 4 P (forced)\n",
		    "stop_latency_ns=1325000", "stopped_ns=3975000", "gomaxprocs=4",
		    "world stands still" } },
		{ "@1.0105 gc-start\n" THIRTY_ONE_TIMES(
			  LARGE_GROW) "@1.1308 gc-end 7 120 0.3 0 1 forced\nuntil 2\n",
		  { "26 % of GC 7's mark phase (120 ms), most of all map[int]T1 at main.f2000",
		    "make(map[int]T1, 2000)", "forced this cycle", "gc_cycle=7",
		    "mark_ns=120000000", "overlap_pct=25.6", "entries_moved=62000",
		    "large_grows=31", "site=main.f2000 main.go:8192", "stack[0]=main.f2000",
		    "stack[1]=main.f9000" } },
	};

	(void)state;
	play_says(cases, ARRAY_SIZE(cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gc_pause_budget),	       cmocka_unit_test(test_gc_pressure),
		cmocka_unit_test(test_mark_termination_drag),  cmocka_unit_test(test_mark_storm),
		cmocka_unit_test(test_mark_growth_is_bounded), cmocka_unit_test(test_evidence),
	};

	return cmocka_run_group_tests_name("detectors of the collector", tests, NULL, NULL);
}
