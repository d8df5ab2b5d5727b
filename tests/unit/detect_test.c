/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Detectors with the default rules, from readable scripts: what happens in a
 * target, second by second, and the alerts that must come of it, no others.
 *
 *   @T ACTION         at T seconds after attach
 *   @A..B ACTION      at each second from A to B
 *   until T           ticks come at every second up to T …
 *   no-ticks A..B     … but none at the seconds A to B
 *   expect …          the next alert, as log_alert() writes it
 *
 * Actions: "go SITE +CREATED -EXITED", "moved N" (entries, counted only),
 * "grow MAP TYPE ENTRIES SLOTS->SLOTS DIR_LEN [xTIMES]", "stop REASON MS STOPPING_MS",
 * "panic TYPE MESSAGE", "fatal MESSAGE" (at call site 0x2000 unless "at SITE" came before),
 * "at SITE", "reset" (the probes are attached again), "exit".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/watch.h"
#include "base/units.h"

#define ATTACH_S 1000

enum { STEPS_MAX = 8192, SITES_MAX = 8, LOG_BYTES = 8192 };

struct step {
	double second;
	size_t order; /* in the script; keeps the sort stable */
	char action[128];
};

struct target {
	struct watch *watch;
	struct event_sample sample;
	struct event_go_site site[SITES_MAX];
	u64 call_site;
	char log[LOG_BYTES];
};

struct script {
	struct step step[STEPS_MAX];
	size_t steps;
	unsigned int until, quiet_from, quiet_to;
	char want[LOG_BYTES];
};

/* Below 0x1000 is the runtime. */
static int name_frame(void *arg, u64 pc, bool return_address, char *buf, size_t size)
{
	(void)arg;
	(void)return_address;
	snprintf(buf, size, pc < 0x1000 ? "runtime.f%llx map.go:1" : "main.f%llx main.go:%llu", pc,
		 pc);
	return 0;
}

static int name_func(void *arg, u64 pc, bool return_address, char *buf, size_t size)
{
	(void)arg;
	(void)return_address;
	snprintf(buf, size, "main.start%llx", pc);
	return 0;
}

static int name_type(void *arg, u64 type, char *buf, size_t size)
{
	(void)arg;
	snprintf(buf, size, "map[int]T%llu", type);
	return 0;
}

static const struct names names = { .frame = name_frame, .func = name_func, .type = name_type };

/* "@12.0 firing rehash-storm entries/s map[int]T1" */
static void log_alert(void *arg, const struct alert *alert)
{
	struct target *t = arg;
	size_t len = strlen(t->log);

	snprintf(t->log + len, sizeof(t->log) - len, "@%.1f %s %s %s %s\n",
		 (double)alert->time_ns / 1e9 - ATTACH_S,
		 alert->state == ALERT_FIRING ? "firing" : "resolved", alert->rule, alert->unit,
		 alert->subject);
	assert_true(alert->summary[0]);
	assert_true(alert->state == ALERT_FIRING || !alert->evidence_len);
}

static void feed(struct target *t, const struct event *event)
{
	assert_int_equal(watch_event(t->watch, event), 0);
}

static void act_go(struct target *t, u64 site, u64 created, u64 exited)
{
	struct event_go_site *row = t->site;

	while (row->gopc && row->gopc != site)
		row++;
	assert_true(row < t->site + SITES_MAX - 1);
	row->gopc = site;
	row->startpc = site + 1;
	row->created += created;
	row->exited += exited;
	t->sample.hits[WIRE_FN_GO_CREATE] += created;
	t->sample.hits[WIRE_FN_GO_EXIT] += exited;
	t->sample.go_site_count = MAX(t->sample.go_site_count, (size_t)(row - t->site) + 1);
}

static void act_grow(struct target *t, u64 now_ns, const struct event_map_grow *grow, int times)
{
	const u64 pc[] = { 0x10, t->call_site, 0x9000 };
	struct event event = { .kind = EVENT_MAP_GROW, .time_ns = now_ns, .map_grow = *grow };

	event.map_grow.moved = grow->entries;
	event.map_grow.grow = WIRE_GROW_DOUBLE;
	event.map_grow.stack = (struct event_stack) { pc, ARRAY_SIZE(pc) };
	for (int i = 0; i < times; i++)
		feed(t, &event);
	t->sample.moved += grow->entries * (u64)times;
	t->sample.grows += (u64)times;
}

static void act_stop(struct target *t, u64 now_ns, u32 reason, double ms, double stopping_ms)
{
	struct event event = { .kind = EVENT_STOP, .time_ns = now_ns };

	event.stop.reason = reason;
	event.stop.requested_ns = now_ns - (u64)(ms * 1e6);
	event.stop.stopped_ns = event.stop.requested_ns + (u64)(stopping_ms * 1e6);
	feed(t, &event);
}

static void act_fault(struct target *t, u64 now_ns, enum wire_fn fn, const char *type,
		      const char *text)
{
	const u64 pc[] = { 0x10, t->call_site };
	struct event event = { .kind = EVENT_FAULT, .time_ns = now_ns };

	event.fault.fn = fn;
	event.fault.goid = 18;
	event.fault.stack = (struct event_stack) { pc, ARRAY_SIZE(pc) };
	snprintf(event.fault.type, sizeof(event.fault.type), "%s", type);
	snprintf(event.fault.text, sizeof(event.fault.text), "%s", text);
	feed(t, &event);
	t->sample.hits[fn]++;
}

static void reset(struct target *t)
{
	memset(t->site, 0, sizeof(t->site));
	t->sample = (struct event_sample) { .goroutine_baseline = -1, .go_sites = t->site };
}

static void act(struct target *t, u64 now_ns, const char *action)
{
	struct event_map_grow grow = { 0 };
	char type[64], text[100];
	double ms, stopping_ms;
	u64 a, b, c;
	int times = 1;
	u32 reason;

	if (sscanf(action, "go %llx +%llu -%llu", &a, &b, &c) == 3)
		act_go(t, a, b, c);
	else if (sscanf(action, "moved %llu", &a) == 1)
		t->sample.moved += a;
	else if (sscanf(action, "grow %llx %llu %llu %llu->%llu %llu x%d", &grow.map, &grow.type,
			&grow.entries, &grow.slots_before, &grow.slots_after, &grow.dir_len,
			&times) >= 6)
		act_grow(t, now_ns, &grow, times);
	else if (sscanf(action, "stop %u %lf %lf", &reason, &ms, &stopping_ms) == 3)
		act_stop(t, now_ns, reason, ms, stopping_ms);
	else if (sscanf(action, "panic %63s %99[^\n]", type, text) == 2)
		act_fault(t, now_ns, WIRE_FN_GOPANIC, type, text);
	else if (sscanf(action, "fatal %99[^\n]", text) == 1)
		act_fault(t, now_ns, WIRE_FN_FATAL, "", text);
	else if (sscanf(action, "at %llx", &a) == 1)
		t->call_site = a;
	else if (!strcmp(action, "reset"))
		reset(t);
	else if (!strcmp(action, "exit"))
		feed(t, &(struct event) { .kind = EVENT_EXIT, .time_ns = now_ns });
	else
		fail_msg("no such action: %s", action);
}

static void add_step(struct script *s, double second, const char *action)
{
	struct step *step = &s->step[s->steps];

	assert_true(s->steps < STEPS_MAX);
	step->second = second;
	step->order = s->steps++;
	snprintf(step->action, sizeof(step->action), "%s", action);
}

static void parse_line(struct script *s, const char *line)
{
	unsigned int from, to;
	double second;
	int n = 0;

	if (sscanf(line, "@%u..%u %n", &from, &to, &n) == 2 && n) {
		for (unsigned int i = from; i <= to; i++)
			add_step(s, i, line + n);
	} else if (sscanf(line, "@%lf %n", &second, &n) == 1 && n) {
		add_step(s, second, line + n);
	} else if (!strncmp(line, "expect ", 7)) {
		strcat(s->want, line + 7);
		strcat(s->want, "\n");
	} else if (sscanf(line, "until %u", &s->until) != 1 &&
		   sscanf(line, "no-ticks %u..%u", &s->quiet_from, &s->quiet_to) != 2) {
		fail_msg("no such line: %s", line);
	}
}

static int by_time(const void *a, const void *b)
{
	const struct step *x = a, *y = b;

	if (x->second < y->second || x->second > y->second)
		return x->second < y->second ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static void parse(struct script *s, const char *text)
{
	char line[160];
	int n;

	while (sscanf(text, " %159[^\n]%n", line, &n) == 1) {
		parse_line(s, line);
		text += n;
	}
	assert_true(s->until);
	qsort(s->step, s->steps, sizeof(s->step[0]), by_time);
}

static void tick(struct target *t, u64 now_ns)
{
	struct event event = { .kind = EVENT_SAMPLE, .time_ns = now_ns, .sample = t->sample };
	struct window window;

	feed(t, &event);
	watch_tick(t->watch, now_ns, &window);
}

static void play(struct target *t, const struct script *s)
{
	size_t next = 0;

	for (unsigned int second = 1; second <= s->until; second++) {
		for (; next < s->steps && s->step[next].second <= second; next++)
			act(t, (u64)((s->step[next].second + ATTACH_S) * 1e9),
			    s->step[next].action);
		if (second < s->quiet_from || second > s->quiet_to)
			tick(t, (ATTACH_S + (u64)second) * NS_PER_S);
	}
	assert_int_equal(next, s->steps);
}

struct row {
	const char *name, *script;
};

static void play_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct script *s = calloc(1, sizeof(*s));
		struct target *t = calloc(1, sizeof(*t));
		const struct watch_config config = {
			.model = { .pid = 7,
				   .attach_ns = ATTACH_S * NS_PER_S,
				   .has_goroutine = true },
			.names = &names,
			.alert = log_alert,
			.arg = t,
		};

		assert_true(s && t);
		t->watch = watch_new(&config);
		assert_non_null(t->watch);
		t->call_site = 0x2000;
		reset(t);
		t->sample.goroutine_baseline = 10;
		parse(s, rows[i].script);
		play(t, s);
		if (strcmp(t->log, s->want))
			fail_msg("%s: got\n%s, want\n%s", rows[i].name, t->log, s->want);
		watch_free(t->watch);
		free(t);
		free(s);
	}
}

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
		{ "three of 1.6 ms where 0.1 ms is usual",
		  "@1..20 stop 1 0.1 0.05\n"
		  "@21 stop 1 1.6 0.1\n@22 stop 2 1.6 0.1\n@23 stop 1 1.7 0.1\n"
		  "until 25\n"
		  "expect @23.0 firing gc-pause-spike ns gc mark termination\n" },
		{ "three of 1.6 ms where 1 ms is usual",
		  "@1..20 stop 1 1 0.05\n"
		  "@21 stop 1 1.6 0.1\n@22 stop 2 1.6 0.1\n@23 stop 1 1.6 0.1\n"
		  "until 25\n" },
		{ "three long ones before there is a median",
		  "@1 stop 1 0.1 0\n@2..4 stop 1 2 0.1\n"
		  "until 10\n" },
		{ "outliers that are short anyway: 0.08 ms against 0.01",
		  "@1..20 stop 1 0.01 0\n@21..23 stop 1 0.09 0\n"
		  "until 30\n" },
		{ "a stop for ReadMemStats is no GC pause", "@3 stop 7 500 1\n"
							    "until 10\n" },
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
		  /* Five minutes from the first point; over when 71 % of the last minute is flat.
		   */
		  "expect @301.0 firing goroutine-growth goroutines main.f3000 main.go:12288\n"
		  "expect @743.0 resolved goroutine-growth goroutines main.f3000 main.go:12288\n" },
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

/* What the evidence names, in full. */
static void keep_evidence(void *arg, const struct alert *alert)
{
	struct target *t = arg;

	if (alert->state != ALERT_FIRING)
		return;
	snprintf(t->log, sizeof(t->log), "%s\n%s\n", alert->summary, alert->advice);
	for (size_t i = 0; i < alert->evidence_len; i++) {
		const struct evidence *e = &alert->evidence[i];
		size_t len = strlen(t->log);

		if (e->kind == EVIDENCE_NUMBER)
			snprintf(t->log + len, sizeof(t->log) - len, "%s=%.0f\n", e->key,
				 e->number);
		else if (e->kind == EVIDENCE_TEXT)
			snprintf(t->log + len, sizeof(t->log) - len, "%s=%s\n", e->key, e->text);
		for (size_t j = 0; j < e->list_len; j++) {
			len = strlen(t->log);
			snprintf(t->log + len, sizeof(t->log) - len, "%s[%zu]=%s\n", e->key, j,
				 e->list[j]);
		}
	}
}

static void test_evidence_names_the_culprit(void **state)
{
	static const struct {
		const char *script, *say[10];
	} cases[] = {
		{ "@1..2 grow a0 1 700000 1048576->2097152 0\n"
		  "@1..2 grow b0 2 600000 1048576->2097152 0\n"
		  "until 2\n",
		  { "make(map[int]T1, 700000)", "entries_moved_10s=1400000", "site=main.f2000",
		    "stack[0]=runtime.f10", "stack[1]=main.f2000", "stack[2]=main.f9000" } },
		{ "@0.999 grow a0 3 5000 8192->16384 0\n"
		  "@1.060 stop 1 60 40\n"
		  "until 2\n",
		  { "went into stopping", "reason=gc mark termination", "pause_ns=60000000",
		    "stop_latency_ns=40000000", "stopped_ns=20000000",
		    "rehash_before_stop=map[int]T3", "rehash_entries_moved=5000",
		    "rehash_site=main.f2000" } },
		{ "@1..40 go 2000 +200 -50\n"
		  "@1..40 go 3000 +20 -1\n"
		  "until 40\n",
		  { "goroutine", "live=5756", "growth_per_s=169", "start_function=main.start2001",
		    "sites[0]=main.f2000 main.go:8192: +5100 live, 6800 created",
		    "sites[1]=main.f3000 main.go:12288: +646 live, 680 created" } },
		{ "@1 fatal concurrent map writes\nuntil 2\n",
		  { "sync.Mutex", "goroutine=18", "message=concurrent map writes",
		    "stack[1]=main.f2000" } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct script *s = calloc(1, sizeof(*s));
		struct target *t = calloc(1, sizeof(*t));
		const struct watch_config config = {
			.model = { .attach_ns = ATTACH_S * NS_PER_S, .has_goroutine = true },
			.names = &names,
			.alert = keep_evidence,
			.arg = t,
		};

		t->watch = watch_new(&config);
		t->call_site = 0x2000;
		reset(t);
		t->sample.goroutine_baseline = 10;
		parse(s, cases[i].script);
		play(t, s);
		for (size_t j = 0; j < 10 && cases[i].say[j]; j++) {
			if (!strstr(t->log, cases[i].say[j]))
				fail_msg("lacks %s:\n%s", cases[i].say[j], t->log);
		}
		watch_free(t->watch);
		free(t);
		free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rehash_storm),
		cmocka_unit_test(test_gc_pause_spike),
		cmocka_unit_test(test_goroutine_growth),
		cmocka_unit_test(test_fault),
		cmocka_unit_test(test_evidence_names_the_culprit),
	};

	return cmocka_run_group_tests_name("detectors", tests, NULL, NULL);
}
