/* SPDX-License-Identifier: BSD-2-Clause */
/* Detectors with the default rules: true positives, near misses, recovery, gaps, resets. */
#include "detect_rows.h"

static void test_rehash_storm(void **state)
{
	static const struct row rows[] = {
		{ "moves a million a second for two seconds, then stops",
		  "@0.5 grow a0 1 2000 2048->4096 0\n"
		  "@1..20 moved 1100000\n"
		  "until 30\n"
		  /* Two whole windows above: the second one ends at 2. */
		  "expect @2.0 firing rehash-storm entries/s map[int]T1\n"
		  "expect @21.0 resolved rehash-storm entries/s map[int]T1\n" },
		{ "the culprit is the type that moved most, not the one that grew most often",
		  "@1..5 grow a0 1 2000 2048->4096 0 x20\n"
		  "@1..5 grow b0 2 1200000 2097152->4194304 0\n"
		  "until 7\n"
		  "expect @2.0 firing rehash-storm entries/s map[int]T2\n"
		  "expect @6.0 resolved rehash-storm entries/s map[int]T2\n" },
		{ "what is left of an interval at the end tells nothing",
		  "@0.5 grow a0 1 2000 2048->4096 0\n"
		  "@1..6 moved 1100000\n"
		  "@5.002 tick\n"
		  "until 6\n"
		  "expect @2.0 firing rehash-storm entries/s map[int]T1\n" },
		{ "a second of it is no storm", "@5 moved 1900000\n"
						"until 20\n" },
		{ "just below the level", "@1..60 moved 999000\n"
					  "until 60\n" },
		{ "large maps grow 150 times a second: a cache rebuilt all the time",
		  "@1..10 grow a0 3 1100 1024->2048 0 x150\n"
		  "until 20\n"
		  "expect @2.0 firing rehash-storm growths/s map[int]T3\n"
		  "expect @11.0 resolved rehash-storm growths/s map[int]T3\n" },
		{ "small maps may grow as often as they like: a map for each request",
		  "@1..60 grow a0 3 8 8->16 0 x5000\n"
		  "until 60\n" },
		{ "one map doubles eight times past 1024 entries within 10 s: at the event, at "
		  "once",
		  "@0.1 grow a0 4 1024 1024->2048 0\n@1.1 grow a0 4 2048 2048->4096 0\n"
		  "@2.1 grow a0 4 4096 4096->8192 0\n@3.1 grow a0 4 8192 8192->16384 0\n"
		  "@4.1 grow a0 4 16384 16384->32768 0\n@5.1 grow a0 4 32768 32768->65536 0\n"
		  "@6.1 grow a0 4 65536 65536->131072 0\n@7.3 grow a0 4 131072 131072->262144 0\n"
		  "until 40\n"
		  "expect @7.3 firing rehash-storm doublings/10s map[int]T4\n"
		  "expect @14.0 resolved rehash-storm doublings/10s map[int]T4\n" },
		{ "a map that fills to 100 000 entries at start",
		  "@0.1 grow a0 4 512 512->1024 0\n@0.1 grow a0 4 1024 1024->2048 0\n"
		  "@0.1 grow a0 4 2048 2048->4096 0\n@0.2 grow a0 4 4096 4096->8192 0\n"
		  "@0.3 grow a0 4 8192 8192->16384 0\n@0.4 grow a0 4 16384 16384->32768 0\n"
		  "@0.5 grow a0 4 32768 32768->65536 0\n@0.6 grow a0 4 65536 65536->131072 0\n"
		  "until 20\n" },
		{ "a map that doubles eight times, but over a minute",
		  "@1 grow a0 4 1024 1024->2048 0\n@8 grow a0 4 2048 2048->4096 0\n"
		  "@16 grow a0 4 4096 4096->8192 0\n@24 grow a0 4 8192 8192->16384 0\n"
		  "@32 grow a0 4 16384 16384->32768 0\n@40 grow a0 4 32768 32768->65536 0\n"
		  "@48 grow a0 4 65536 65536->131072 0\n@56 grow a0 4 131072 131072->262144 0\n"
		  "until 70\n" },
		{ "a Swiss map whose 64 tables split one by one: capacity doubled once",
		  "@1..8 grow a0 5 60000 1024->2048 64 x8\n"
		  "until 20\n" },
		{ "the agent stood still for an hour: the rate is over the hour",
		  "@5 moved 50000000\n"
		  "no-ticks 2..3602\n"
		  "until 3605\n" },
		{ "probes attached again: counters that fall are no storm", "@1..5 moved 900000\n"
									    "@6 reset\n"
									    "@7..12 moved 900000\n"
									    "until 15\n" },
		{ "cooldown: one alert in five minutes, however often it comes back",
		  "@9.5 grow a0 1 2000 2048->4096 0\n"
		  "@10..12 moved 2000000\n@30..32 moved 2000000\n@100..102 moved 2000000\n"
		  "@400..402 moved 2000000\n"
		  "until 500\n"
		  "expect @11.0 firing rehash-storm entries/s map[int]T1\n"
		  "expect @13.0 resolved rehash-storm entries/s map[int]T1\n"
		  /* Long after the only record: none says which map it is. */
		  "expect @401.0 firing rehash-storm entries/s maps\n"
		  "expect @403.0 resolved rehash-storm entries/s maps\n" },
	};

	(void)state;
	play_rows(rows, ARRAY_SIZE(rows));
}

static void test_gc_pause_spike(void **state)
{
	static const struct row rows[] = {
		{ "one of 60 ms: at the event, not at the next tick",
		  "@3.3 stop 1 60 40\n"
		  "until 100\n"
		  "expect @3.3 firing gc-pause-spike ns gc mark termination\n"
		  "expect @64.0 resolved gc-pause-spike ns gc mark termination\n" },
		{ "one of 49 ms", "@3.3 stop 1 49 1\n"
				  "until 100\n" },
		{ "two of 10 ms within a minute",
		  "@3 stop 2 11 1\n@60 stop 1 10 9\n"
		  "until 130\n"
		  "expect @60.0 firing gc-pause-spike ns gc sweep termination\n"
		  "expect @63.0 resolved gc-pause-spike ns gc sweep termination\n" },
		{ "two of 10 ms, 61 s apart", "@3 stop 2 11 1\n@64 stop 1 10 9\n"
					      "until 130\n" },
		{ "three of 5.6 ms where 0.1 ms is usual",
		  "@1..20 stop 1 0.1 0.05\n"
		  "@21 stop 1 5.6 0.1\n@22 stop 2 5.6 0.1\n@23 stop 1 5.7 0.1\n"
		  "until 25\n"
		  "expect @23.0 firing gc-pause-spike ns gc mark termination\n" },
		{ "three of 1.6 ms where 0.1 ms is usual: a busy CPU does that",
		  "@1..20 stop 1 0.1 0.05\n"
		  "@21 stop 1 1.6 0.1\n@22 stop 2 1.6 0.1\n@23 stop 1 1.6 0.1\n"
		  "until 25\n" },
		{ "three of 5.5 ms where 0.7 ms is usual: not eight times",
		  "@1..20 stop 1 0.7 0.05\n@21..23 stop 1 5.5 0.1\n"
		  "until 25\n" },
		{ "three long ones after only eight: no median to speak of",
		  "@1..8 stop 1 0.1 0\n@9..11 stop 1 6 0.1\n"
		  "until 15\n" },
		{ "pauses of all lengths: 8 times the median, and no outlier",
		  "@1..15 stop 1 0.02 0\n@16..20 stop 1 0.65 0\n@21..34 stop 1 1.6 0\n@35..37 stop 1 5.5 0.1\n"
		  "until 45\n" },
		{ "outliers that are short anyway: 0.08 ms against 0.01",
		  "@1..20 stop 1 0.01 0\n@21..23 stop 1 0.09 0\n"
		  "until 30\n" },
		{ "a stop for ReadMemStats is no GC pause", "@3 stop 7 500 1\n"
							    "until 10\n" },
		{ "a restart ends what fires, and the next image's pauses count anew",
		  "@3.3 stop 1 60 40\n@5.5 restart\n@9 stop 1 9 1\n@10 stop 1 70 1\n@12 exit\n"
		  "until 15\n"
		  "expect @3.3 firing gc-pause-spike ns gc mark termination\n"
		  "expect @5.5 resolved gc-pause-spike ns gc mark termination\n"
		  "expect @10.0 firing gc-pause-spike ns gc mark termination\n"
		  "expect @12.0 resolved gc-pause-spike ns gc mark termination\n" },
		{ "the process exits while it fires",
		  "@3.3 stop 1 60 40\n@5.5 exit\n"
		  "until 6\n"
		  "expect @3.3 firing gc-pause-spike ns gc mark termination\n"
		  "expect @5.5 resolved gc-pause-spike ns gc mark termination\n" },
	};

	(void)state;
	play_rows(rows, ARRAY_SIZE(rows));
}

static void test_goroutine_growth(void **state)
{
	static const struct row rows[] = {
		{ "a leak of 150/s",
		  "@1..60 go 2000 +150 -0\n"
		  "until 100\n"
		  /* Five points make a slope, at 5; from 4 on it counts, for 30 s. */
		  "expect @34.0 firing goroutine-growth goroutines/s main.f2000 main.go:8192\n"
		  "expect @67.0 resolved goroutine-growth goroutines/s main.f2000 main.go:8192\n" },
		{ "a leak of 90/s, still below 10 000", "@1..110 go 2000 +90 -0\n"
							"until 110\n" },
		{ "a busy server: 50 000 a second come and go, the number wavers",
		  "@1..300 go 2000 +50000 -50000\n"
		  "@3..299 go 3000 +40 -0\n@4..300 go 3000 +0 -40\n"
		  "until 300\n" },
		{ "a leak beside a busy site: the leak is named",
		  "@1..40 go 2000 +50000 -50000\n@1..40 go 3000 +200 -10\n"
		  "until 40\n"
		  "expect @34.0 firing goroutine-growth goroutines/s main.f3000 main.go:12288\n" },
		{ "a burst at start: 20 000 workers in 4 s, then constant",
		  "@1..4 go 2000 +5000 -0\n"
		  "until 700\n" },
		{ "a burst of 20 s, 500/s", "@50..69 go 2000 +500 -0\n"
					    "until 700\n" },
		{ "a large pool that wavers without a trend",
		  "@1 go 2000 +15000 -0\n"
		  "@10 go 2000 +900 -0\n@60 go 2000 +0 -900\n@150 go 2000 +900 -0\n"
		  "@220 go 2000 +0 -900\n@300 go 2000 +900 -0\n@420 go 2000 +0 -900\n"
		  "@500 go 2000 +900 -0\n@570 go 2000 +0 -900\n@700 go 2000 +900 -0\n"
		  "until 1000\n" },
		{ "20 000 from the start and 5/s more, for minutes",
		  "@1 go 2000 +20000 -0\n"
		  "@2..700 go 3000 +5 -0\n"
		  "until 1100\n"
		  /* Five minutes from the first point; over when 71 % of the last minute (43 s) is
		   * flat.
		   */
		  "expect @301.0 firing goroutine-growth goroutines main.f3000 main.go:12288\n"
		  "expect @821.0 resolved goroutine-growth goroutines main.f3000 main.go:12288\n" },
		{ "a pool of 400 000 and half a percent more in five minutes",
		  "@1 go 2000 +400000 -0\n@2..900 go 3000 +5 -0\n"
		  "until 900\n" },
		{ "a load that jumps up and down by 4 000, and drifts up far less than it jumps",
		  "@1 go 2000 +20000 -0\n@2..1000 go 3000 +1 -0\n"
		  "@10 go 2000 +4000 -0\n@34 go 2000 +0 -4000\n@47 go 2000 +4000 -0\n"
		  "@76 go 2000 +0 -4000\n@83 go 2000 +4000 -0\n@91 go 2000 +0 -4000\n"
		  "@129 go 2000 +4000 -0\n@139 go 2000 +0 -4000\n@166 go 2000 +4000 -0\n"
		  "@173 go 2000 +0 -4000\n@209 go 2000 +4000 -0\n@226 go 2000 +0 -4000\n"
		  "@232 go 2000 +4000 -0\n@241 go 2000 +0 -4000\n@272 go 2000 +4000 -0\n"
		  "@302 go 2000 +0 -4000\n@310 go 2000 +4000 -0\n@329 go 2000 +0 -4000\n"
		  "@338 go 2000 +4000 -0\n@377 go 2000 +0 -4000\n@408 go 2000 +4000 -0\n"
		  "@415 go 2000 +0 -4000\n@455 go 2000 +4000 -0\n@466 go 2000 +0 -4000\n"
		  "@484 go 2000 +4000 -0\n@491 go 2000 +0 -4000\n@531 go 2000 +4000 -0\n"
		  "@560 go 2000 +0 -4000\n@567 go 2000 +4000 -0\n@585 go 2000 +0 -4000\n"
		  "@591 go 2000 +4000 -0\n@630 go 2000 +0 -4000\n@642 go 2000 +4000 -0\n"
		  "@664 go 2000 +0 -4000\n@694 go 2000 +4000 -0\n@707 go 2000 +0 -4000\n"
		  "@745 go 2000 +4000 -0\n@756 go 2000 +0 -4000\n@796 go 2000 +4000 -0\n"
		  "@819 go 2000 +0 -4000\n@858 go 2000 +4000 -0\n@873 go 2000 +0 -4000\n"
		  "@883 go 2000 +4000 -0\n@923 go 2000 +0 -4000\n@939 go 2000 +4000 -0\n"
		  "@966 go 2000 +0 -4000\n@976 go 2000 +4000 -0\n"
		  "until 1000\n" },
		{ "400 more each minute, at once: a job that leaks every time it runs",
		  "@1 go 2000 +12000 -0\n"
		  "@60 go 3000 +400 -0\n@120 go 3000 +400 -0\n@180 go 3000 +400 -0\n"
		  "@240 go 3000 +400 -0\n@300 go 3000 +400 -0\n@360 go 3000 +400 -0\n"
		  "until 400\n"
		  "expect @301.0 firing goroutine-growth goroutines main.f3000 main.go:12288\n" },
		{ "5/s more, but few: below 10 000", "@1..700 go 3000 +5 -0\n"
						     "until 700\n" },
		{ "the leak ends just before its time", "@1..27 go 2000 +150 -0\n"
							"until 100\n" },
		{ "the agent stood still while thousands came: one step, no slope",
		  "@30 go 2000 +9000 -0\n"
		  "no-ticks 20..80\n"
		  "until 200\n" },
	};

	(void)state;
	play_rows(rows, ARRAY_SIZE(rows));
}

static void test_goroutine_leak(void **state)
{
	static const struct row rows[] = {
		{ "five a second, long since: known at 55 s, and then for two minutes",
		  "@-900..500 spawn 2000 x5\n@0..500/5 census\n"
		  "until 500\n"
		  "expect @175.0 firing goroutine-leak goroutines main.f2000 main.go:8192\n" },
		{ "it is cured: what leaked ends",
		  "@-900..400 spawn 2000 x5\n@401 end 2000 x6000\n@0..500/5 census\n"
		  "until 500\n"
		  "expect @175.0 firing goroutine-leak goroutines main.f2000 main.go:8192\n"
		  "expect @405.0 resolved goroutine-leak goroutines main.f2000 main.go:8192\n" },
		{ "nothing leaks any more, what leaked stays: over when a quarter of the five minutes "
		  "has nobody who came",
		  "@-900..400 spawn 2000 x5\n@0..600/5 census\n"
		  "until 600\n"
		  "expect @175.0 firing goroutine-leak goroutines main.f2000 main.go:8192\n"
		  "expect @510.0 resolved goroutine-leak goroutines main.f2000 main.go:8192\n" },
		{ "the process exits while it fires",
		  "@-900..400 spawn 2000 x5\n@0..400/5 census\n@401.5 exit\n"
		  "until 402\n"
		  "expect @175.0 firing goroutine-leak goroutines main.f2000 main.go:8192\n"
		  "expect @401.5 resolved goroutine-leak goroutines main.f2000 main.go:8192\n" },
		{ "a restart ends it; the next image leaks too, and is watched from its own start",
		  "@-900..400 spawn 2000 x5\n@401.5 restart\n@402..820 spawn 2000 x5\n"
		  "@0..820/5 census\n"
		  "until 820\n"
		  "expect @175.0 firing goroutine-leak goroutines main.f2000 main.go:8192\n"
		  "expect @401.5 resolved goroutine-leak goroutines main.f2000 main.go:8192\n"
		  "expect @580.0 firing goroutine-leak goroutines main.f2000 main.go:8192\n" },
		{ "it begins while the process is watched",
		  "@100..600 spawn 2000 x5\n@0..600/5 census\n"
		  "until 600\n"
		  "expect @280.0 firing goroutine-leak goroutines main.f2000 main.go:8192\n" },
		{ "one request of 100 leaks, the others take up to 20 s: few are old, on average",
		  "@-300..500 spawn 2000 x99 live ~4\n@-300..500 spawn 2000 x1\n"
		  "@0..500/5 census\n"
		  "until 500\n"
		  "expect @175.0 firing goroutine-leak goroutines main.f2000 main.go:8192\n" },
		{ "one connection of 20 leaks, the others live for 40 to 100 s: those past three minutes "
		  "tell",
		  "@-900..700 spawn 2000 x5 live ~12\n@-900..700 spawn 2000 x10 live 70\n"
		  "@-900..700/2 spawn 2000 x1\n@0..700/5 census\n"
		  "until 700\n"
		  "expect @325.0 firing goroutine-leak goroutines main.f2000 main.go:8192\n" },
		{ "a job that leaks 40 each minute",
		  "@-590..700/60 spawn 2000 x40\n@0..700/5 census\n"
		  "until 700\n"
		  /* Each quarter has one from 225 s on. */
		  "expect @345.0 firing goroutine-leak goroutines main.f2000 main.go:8192\n" },
		{ "censuses are rare: 100 000 goroutines take their time",
		  "@-900..900 spawn 2000 x5\n@0..900/50 census\n"
		  "until 900\n"
		  "expect @400.0 firing goroutine-leak goroutines main.f2000 main.go:8192\n" },
		{ "one leak among others that are well",
		  "@-900 spawn 1000 x500\n@-900..500 spawn 2000 x1\n"
		  "@-900..500 spawn 3000 x10 live ~60\n@-900..500 spawn 4000 x50 live ~1\n"
		  "@0..500/5 census\n"
		  "until 500\n"
		  "expect @175.0 firing goroutine-leak goroutines main.f2000 main.go:8192\n" },
		{ "two leaks are two alerts",
		  "@-900..500 spawn 2000 x2\n@-900..500 spawn 3000 x3\n@0..500/5 census\n"
		  "until 500\n"
		  "expect @175.0 firing goroutine-leak goroutines main.f3000 main.go:12288\n"
		  "expect @175.0 firing goroutine-leak goroutines main.f2000 main.go:8192\n" },
		{ "a pool of 200 workers, and short-lived ones beside it",
		  "@-900 spawn 2000 x200\n@-900..2000 spawn 3000 x30 live ~2\n@0..2000/5 census\n"
		  "until 2000\n" },
		{ "a pool that starts when it is watched, and another one later",
		  "@10..14 spawn 2000 x100\n@200 spawn 2000 x100\n@0..2000/5 census\n"
		  "until 2000\n" },
		{ "a pool whose workers are replaced, one every 10 s",
		  "@-900 spawn 2000 x200\n@-900..2000/10 spawn 2000 x1\n"
		  "@-899..2000/10 end 2000 x1\n@0..2000/5 census\n"
		  "until 2000\n" },
		{ "1 200 connections that live for ten minutes on average, their number steady",
		  "@-999..3000 spawn 2000 x2 live ~600\n@0..3000/5 census\n"
		  "until 3000\n" },
		{ "the same with one life for all, as a balancer ends them",
		  "@-999..3000 spawn 2000 x2 live 600\n@0..3000/5 census\n"
		  "until 3000\n" },
		{ "few connections that live for an hour and change now and then",
		  "@-999..4000/20 spawn 2000 x1 live ~3600\n@-998 spawn 2000 x130 live ~3600\n"
		  "@0..4000/5 census\n"
		  "until 4000\n" },
		{ "a load that rises for four minutes by connections that stay",
		  "@-300 spawn 2000 x100\n@300..540 spawn 2000 x3\n@0..2000/5 census\n"
		  "until 2000\n" },
		{ "one that rises for a minute and a half, watched from its first moment",
		  "@0..90 spawn 2000 x3\n@0..2000/5 census\n"
		  "until 2000\n" },
		{ "one that rises for ten minutes looks like a leak, until it has risen",
		  "@-300 spawn 2000 x100\n@300..900 spawn 2000 x3\n@0..2000/5 census\n"
		  "until 2000\n"
		  /* 30 s old from 330 on, three quarters of five minutes, and two minutes; and a
		   * quarter after the last one. */
		  "expect @680.0 firing goroutine-leak goroutines main.f2000 main.go:8192\n"
		  "expect @1010.0 resolved goroutine-leak goroutines main.f2000 main.go:8192\n" },
		{ "a batch of 500 each minute, of 45 s",
		  "@-600..2000/60 spawn 2000 x500 live 45\n@0..2000/5 census\n"
		  "until 2000\n" },
		{ "a batch of 300 every five minutes, of 4 minutes",
		  "@-900..3000/300 spawn 2000 x300 live 240\n@0..3000/5 census\n"
		  "until 3000\n" },
		{ "a leak of 40 in all", "@-300..-260 spawn 2000 x1\n@0..600/5 census\n"
					 "until 600\n" },
		{ "one every 20 s for half an hour: no crowd at 30 s nor at three minutes",
		  "@-999..1000/20 spawn 2000 x1\n@0..1000/5 census\n"
		  "until 1000\n" },
		{ "and as soon as it would be one at 20 minutes it is told",
		  "@-999..2200/20 spawn 2000 x1\n@0..2200/5 census\n"
		  "until 2200\n"
		  /* 20 minutes of watching, a minute until each quarter has one, two minutes. */
		  "expect @1390.0 firing goroutine-leak goroutines main.f2000 main.go:8192\n" },
		{ "the agent stood still for an hour: what came then is one step",
		  "@-300 spawn 2000 x100\n@0..100/5 census\n@1000..1100 spawn 2000 x5\n"
		  "@3700..4400/5 census\n"
		  "no-ticks 100..3700\n"
		  "until 4400\n" },
	};

	(void)state;
	play_rows(rows, ARRAY_SIZE(rows));
}

static void test_fault(void **state)
{
	static const struct row rows[] = {
		{ "a nil-map write, recovered: over after a minute without another",
		  "@2.2 panic runtime.plainError assignment to entry in nil map\n"
		  "until 100\n"
		  "expect @2.2 firing fault faults write to a nil map at main.f2000 main.go:8192\n"
		  "expect @63.0 resolved fault faults write to a nil map at main.f2000 "
		  "main.go:8192\n" },
		{ "it comes again and again: one alert",
		  "@1..200 panic runtime.plainError assignment to entry in nil map\n"
		  "until 205\n"
		  "expect @1.0 firing fault faults write to a nil map at main.f2000 "
		  "main.go:8192\n" },
		{ "two places are two alerts",
		  "@1 panic runtime.plainError assignment to entry in nil map\n"
		  "@1.5 at 3000\n"
		  "@2 panic runtime.plainError assignment to entry in nil map\n"
		  "until 3\n"
		  "expect @1.0 firing fault faults write to a nil map at main.f2000 main.go:8192\n"
		  "expect @2.0 firing fault faults write to a nil map at main.f3000 "
		  "main.go:12288\n" },
		{ "concurrent map writes end the process",
		  "@2 fatal concurrent map writes\n@2.1 exit\n"
		  "until 3\n"
		  "expect @2.0 firing fault faults concurrent map access at main.f2000 "
		  "main.go:8192\n"
		  "expect @2.1 resolved fault faults concurrent map access at main.f2000 "
		  "main.go:8192\n" },
		{ "read and write", "@2 fatal concurrent map read and map write\n"
				    "until 3\n"
				    "expect @2.0 firing fault faults concurrent map access at "
				    "main.f2000 main.go:8192\n" },
		{ "iteration and write", "@2 fatal concurrent map iteration and map write\n"
					 "until 3\n"
					 "expect @2.0 firing fault faults concurrent map access at "
					 "main.f2000 main.go:8192\n" },
		{ "a failed type assertion",
		  "@2 panic *runtime.TypeAssertionError interface conversion\n"
		  "until 3\n"
		  "expect @2.0 firing fault faults failed type assertion at main.f2000 "
		  "main.go:8192\n" },
		{ "a deadlock", "@2 fatal all goroutines are asleep - deadlock!\n"
				"until 3\n"
				"expect @2.0 firing fault faults runtime fatal error at main.f2000 "
				"main.go:8192\n" },
		{ "a program's own panics are its own affair",
		  "@1..20 panic *errors.errorString assignment failed\n"
		  "@1..20 panic string concurrent map writes\n"
		  "until 25\n" },
	};

	(void)state;
	play_rows(rows, ARRAY_SIZE(rows));
}

static void test_evidence_names_the_culprit(void **state)
{
	static const struct says cases[] = {
		{ "@1..2 grow a0 1 700000 1048576->2097152 0\n"
		  "@1..2 grow b0 2 600000 1048576->2097152 0\n"
		  "until 2\n",
		  { "make(map[int]T1, 700000), the size it reached, would have saved 2 growths and 1.4 M "
		    "moved entries since the attach",
		    "entries_moved_10s=1400000", "site=main.f2000", "stack[0]=main.f2000",
		    "stack[1]=main.f9000" } },
		{ "@0.999 grow a0 3 5000 8192->16384 0\n"
		  "@1.060 stop 1 60 40\n"
		  "until 2\n",
		  { "waited for a goroutine to stop", "reason=gc mark termination",
		    "verdict=slow-to-stop", "cpu_lack=not known", "pause_ns=60000000",
		    "stop_latency_ns=40000000", "stopped_ns=20000000",
		    "rehash_link=1 of 1 long pauses had a rehash" } },
		{ "@1..40 go 2000 +200 -50\n"
		  "@1..40 go 3000 +20 -1\n"
		  "until 40\n",
		  { "goroutine", "live=5756", "growth_per_s=169", "start_function=main.start2001",
		    "sites[0]=main.f2000 main.go:8192: +5100 live, 6800 created",
		    "sites[1]=main.f3000 main.go:12288: +646 live, 680 created" } },
		{ /* A pool of the same go statement does not count as leaked. */
		  "@-900 wait 2\n@-900 spawn 2000 x400\n@-100 wait 1\n"
		  "@-100..400 spawn 2000 x4\n@0..400/5 census\nuntil 400\n",
		  { "987 of 1.5 k goroutines from main.f2000 main.go:8192 look leaked: 4 more a "
		    "second, the oldest is 17m55s old, 73 % wait: chan receive",
		    "nobody sends or closes the channel", "site=main.f2000 main.go:8192",
		    "start_function=main.start2001", "waits_for[1]=IO wait 27 %", "older_than_s=30",
		    "mean_age_s=387", "growth_per_s=4", "clusters[0]=1104 from 1.0 s to 4m32s old",
		    "clusters[1]=400 from 17m55s to 17m55s old" } },
		{ /* The longest of the last minute, not the 40 ms of long ago. */
		  "@1..20 stop 1 0.1 0.05\n@5 stop 1 40 30\n"
		  "@66 stop 1 5.8 1\n@67 stop 2 5.7 1\n@68 stop 2 5.6 1\n"
		  "until 69\n",
		  { "three pauses", "pause_ns=5800000", "reason=gc mark termination",
		    "median_pause_ns=100000" } },
		{ "@1 fatal concurrent map writes\nuntil 2\n",
		  { "sync.Mutex", "goroutine=18", "message=concurrent map writes",
		    "stack[1]=main.f2000" } },
	};

	(void)state;
	play_says(cases, ARRAY_SIZE(cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rehash_storm),
		cmocka_unit_test(test_gc_pause_spike),
		cmocka_unit_test(test_goroutine_growth),
		cmocka_unit_test(test_goroutine_leak),
		cmocka_unit_test(test_fault),
		cmocka_unit_test(test_evidence_names_the_culprit),
	};

	return cmocka_run_group_tests_name("detectors", tests, NULL, NULL);
}
