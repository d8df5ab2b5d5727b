/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Readable scripts for detectors: what happens in a target, second by second,
 * and the alerts that must come of it, no others.
 *
 *   @T ACTION         at T seconds after attach
 *   @A..B ACTION      at each second from A to B
 *   @A..B/N ACTION    at each N-th of them
 *   until T           ticks come at every second up to T …
 *   no-ticks A..B     … but none at the seconds A to B
 *   expect …          the next alert, as log_alert() writes it
 *
 * Actions: "go SITE +CREATED -EXITED", "moved N" (entries, counted only),
 * "grow MAP TYPE ENTRIES SLOTS->SLOTS DIR_LEN [xTIMES]", "stop REASON MS STOPPING_MS[ xTIMES]"
 * (negative: not known), "gc N MARK_MS TERMINATION_MS ASSIST_MS WORKER_MS[ forced][ xTIMES]" (cycle
 * number N, which ends now), "gc-start", "gc-end N …" (the same in two, for what happens between),
 * "busy MS" (the CPU time that it took), "cpu THROTTLED_MS RUNQUEUE_MS BEFORE_MS [THREADS]" (what
 * is read of the stops from here on, over a time that began so long before each, of so many
 * threads; negative: not known), "lost N" (records), "panic TYPE MESSAGE", "fatal MESSAGE" (at call
 * site 0x2000 unless "at SITE" came before), "spawn SITE xN" (goroutines of a census: for ever;
 * "spawn SITE xN live S" for S seconds, "live ~S" for a random time with that mean; may be before
 * the attach, at -1000 s or later), "end SITE xN" (the oldest), "wait N" (what those wait for that
 * come: 0 select, 1 chan receive, 2 IO wait), "census", "at SITE", "tick" (beside those of whole
 * seconds), "reset" (the probes are attached again), "restart" (another image of the target),
 * "exit"; and those of detect_script_maps.h.
 */
#ifndef TESTS_DETECT_SCRIPT_H
#define TESTS_DETECT_SCRIPT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/watch.h"
#include "base/units.h"
#include "population.h"
#include "detect_script_maps.h"

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
	struct script_maps maps;
	u64 call_site;
	struct {
		double throttled_ms, runqueue_ms, before_ms, threads;
	} cpu;
	struct population population;
	u16 wait;
	const struct rules *rules; /* NULL: the defaults */
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

static int name_frame_at(void *arg, u64 pc, bool return_address, size_t depth, char *buf,
			 size_t size)
{
	if (depth)
		return -ENOENT;
	(void)name_frame(arg, pc, return_address, buf, size);
	return pc < 0x1000 ? FRAME_RUNTIME : FRAME_PROGRAM;
}

static int name_func(void *arg, u64 pc, bool return_address, char *buf, size_t size)
{
	(void)arg;
	(void)return_address;
	snprintf(buf, size, pc < 0x1000 ? "runtime.f%llx" : "main.start%llx", pc);
	return 0;
}

static int name_type(void *arg, u64 type, char *buf, size_t size)
{
	(void)arg;
	snprintf(buf, size, "map[int]T%llu", type);
	return 0;
}

static const struct names names = {
	.frame = name_frame,
	.frame_at = name_frame_at,
	.func = name_func,
	.type = name_type,
};

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

static struct event_cpu_wait cpu_wait(const struct target *t, u64 from_ns, u64 to_ns)
{
	struct event_cpu_wait wait = { 0 };

	if (t->cpu.before_ms <= 0)
		return wait;
	wait.since_ns = from_ns - (u64)(t->cpu.before_ms * 1e6);
	wait.until_ns = to_ns;
	wait.has_throttling = t->cpu.throttled_ms >= 0;
	wait.has_runqueue = t->cpu.runqueue_ms >= 0;
	if (wait.has_throttling)
		wait.throttled_ns = (u64)(t->cpu.throttled_ms * 1e6);
	if (wait.has_runqueue) {
		wait.runqueue_ns = (u64)(t->cpu.runqueue_ms * 1e6);
		wait.runqueue_longest_ns = wait.runqueue_ns / (u64)MAX(t->cpu.threads, 1);
	}
	return wait;
}

static void act_stop(struct target *t, u64 now_ns, u32 reason, double ms, double stopping_ms)
{
	struct event event = { .kind = EVENT_STOP, .time_ns = now_ns };

	event.stop.reason = reason;
	event.stop.requested_ns = now_ns - (u64)(ms * 1e6);
	if (stopping_ms >= 0)
		event.stop.stopped_ns = event.stop.requested_ns + (u64)(stopping_ms * 1e6);
	event.stop.cpu_wait = cpu_wait(t, event.stop.requested_ns, now_ns);
	feed(t, &event);
}

static void act_stops(struct target *t, u64 now_ns, u32 reason, double ms, double stopping_ms,
		      int times)
{
	for (int i = 0; i < times; i++)
		act_stop(t, now_ns, reason, ms, stopping_ms);
}

static void act_gc_start(struct target *t, u64 now_ns)
{
	feed(t, &(struct event) { .kind = EVENT_GC_START, .time_ns = now_ns });
	act_stop(t, now_ns, 2, 0.05, 0.02);
}

/* Of one cycle. */
struct gc_figures {
	u64 number;
	double mark_ms, termination_ms, assist_ms, worker_ms, idle_ms;
	bool forced;
	int times;
};

static int parse_gc(const char *text, struct gc_figures *ret)
{
	const char *times = strstr(text, " x");

	*ret = (struct gc_figures) { .forced = strstr(text, " forced"), .times = 1 };
	if (times && sscanf(times, " x%d", &ret->times) != 1)
		return -EINVAL;
	return sscanf(text, "%llu %lf %lf %lf %lf %lf", &ret->number, &ret->mark_ms,
		      &ret->termination_ms, &ret->assist_ms, &ret->worker_ms, &ret->idle_ms) >= 5
		       ? 0
		       : -EINVAL;
}

static void put_word(struct event_gc_end *end, enum wire_gc_word word, u64 value)
{
	end->word[word] = value;
	end->have |= 1ULL << word;
}

/* The runtime's clock is another than the stream's, as in a time namespace. */
static void act_gc_end(struct target *t, u64 now_ns, const struct gc_figures *f)
{
	const u64 mark_ns = (u64)(f->mark_ms * 1e6),
		  termination_ns = (u64)(f->termination_ms * 1e6), end_ns = 77 * NS_PER_S + now_ns;
	struct event event = { .kind = EVENT_GC_END, .time_ns = now_ns };
	struct event_gc_end *end = &event.gc_end;

	act_stop(t, now_ns, 1, f->termination_ms, f->termination_ms / 4);
	put_word(end, WIRE_GC_NUMGC, f->number);
	put_word(end, WIRE_GC_USER_FORCED, f->forced);
	put_word(end, WIRE_GC_MAXPROCS, 4);
	put_word(end, WIRE_GC_T_SWEEP_TERM, end_ns - termination_ns - mark_ns - 50000);
	put_word(end, WIRE_GC_T_MARK, end_ns - termination_ns - mark_ns);
	put_word(end, WIRE_GC_T_MARK_TERM, end_ns - termination_ns);
	put_word(end, WIRE_GC_T_END, end_ns);
	put_word(end, WIRE_GC_HEAP0, 40 << 20);
	put_word(end, WIRE_GC_HEAP1, 41 << 20);
	put_word(end, WIRE_GC_HEAP2, 20 << 20);
	put_word(end, WIRE_GC_HEAP_GOAL, 42 << 20);
	put_word(end, WIRE_GC_ASSIST_NS, (u64)(f->assist_ms * 1e6));
	put_word(end, WIRE_GC_DEDICATED_NS, (u64)(f->worker_ms * 0.75e6));
	put_word(end, WIRE_GC_FRACTIONAL_NS, (u64)(f->worker_ms * 0.25e6));
	put_word(end, WIRE_GC_IDLE_NS, (u64)(f->idle_ms * 1e6));
	feed(t, &event);
}

static void act_gc(struct target *t, u64 now_ns, const struct gc_figures *f)
{
	u64 took_ns = (u64)((f->mark_ms + f->termination_ms) * 1e6);

	for (int i = 0; i < f->times; i++) {
		act_gc_start(t, now_ns - took_ns);
		act_gc_end(t, now_ns, f);
	}
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
	memset(&t->maps, 0, sizeof(t->maps));
	t->sample = (struct event_sample) { .goroutine_baseline = -1, .go_sites = t->site };
}

static void act_spawn(struct target *t, u64 now_ns, const char *action)
{
	double live_s = 0;
	size_t n;
	u64 site;

	assert_int_equal(sscanf(action, "spawn %llx x%zu", &site, &n), 2);
	if (sscanf(action, "spawn %*x x%*u live ~%lf", &live_s) == 1)
		population_spawn(&t->population, now_ns, site, n, live_s, false, t->wait);
	else if (sscanf(action, "spawn %*x x%*u live %lf", &live_s) == 1)
		population_spawn(&t->population, now_ns, site, n, live_s, true, t->wait);
	else
		population_spawn(&t->population, now_ns, site, n, 0, true, t->wait);
}

static void act_census(struct target *t, u64 now_ns)
{
	struct event event = { .kind = EVENT_CENSUS, .time_ns = now_ns };

	population_census(&t->population, now_ns, &event.census);
	feed(t, &event);
}

/* Its counters begin anew, and its goroutines are read again. */
static void restart(struct target *t, u64 now_ns)
{
	reset(t);
	population_begin(&t->population);
	t->sample.goroutine_baseline = 10;
	feed(t, &(struct event) { .kind = EVENT_RESTART, .time_ns = now_ns });
}

static void tick(struct target *t, u64 now_ns)
{
	struct event event = { .kind = EVENT_SAMPLE, .time_ns = now_ns };
	struct window window;

	script_maps_tick(&t->maps, &t->sample);
	event.sample = t->sample;
	feed(t, &event);
	watch_tick(t->watch, now_ns, &window);
}

static void act(struct target *t, u64 now_ns, const char *action)
{
	struct event_map_grow grow = { 0 };
	char type[64], text[100];
	double ms, stopping_ms;
	struct gc_figures gc;
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
	else if (sscanf(action, "stop %u %lf %lf x%d", &reason, &ms, &stopping_ms, &times) >= 3)
		act_stops(t, now_ns, reason, ms, stopping_ms, times);
	else if (!strncmp(action, "gc ", 3) && !parse_gc(action + 3, &gc))
		act_gc(t, now_ns, &gc);
	else if (!strcmp(action, "gc-start"))
		act_gc_start(t, now_ns);
	else if (!strncmp(action, "gc-end ", 7) && !parse_gc(action + 7, &gc))
		act_gc_end(t, now_ns, &gc);
	else if (sscanf(action, "busy %lf", &ms) == 1)
		t->sample.cpu_ns += (u64)(ms * 1e6);
	else if (sscanf(action, "cpu %lf %lf %lf %lf", &t->cpu.throttled_ms, &t->cpu.runqueue_ms,
			&t->cpu.before_ms, &t->cpu.threads) >= 3)
		return;
	else if (sscanf(action, "lost %llu", &a) == 1)
		t->sample.lost_ring += a;
	else if (sscanf(action, "panic %63s %99[^\n]", type, text) == 2)
		act_fault(t, now_ns, WIRE_FN_GOPANIC, type, text);
	else if (sscanf(action, "fatal %99[^\n]", text) == 1)
		act_fault(t, now_ns, WIRE_FN_FATAL, "", text);
	else if (sscanf(action, "at %llx", &a) == 1)
		t->call_site = a;
	else if (!strncmp(action, "spawn ", 6))
		act_spawn(t, now_ns, action);
	else if (sscanf(action, "end %llx x%llu", &a, &b) == 2)
		population_kill(&t->population, a, b);
	else if (sscanf(action, "wait %llu", &a) == 1)
		t->wait = (u16)a;
	else if (!strcmp(action, "census"))
		act_census(t, now_ns);
	else if (!strcmp(action, "tick"))
		tick(t, now_ns);
	else if (!strcmp(action, "reset"))
		reset(t);
	else if (!strcmp(action, "restart"))
		restart(t, now_ns);
	else if (script_maps_act(&t->maps, &t->sample, action))
		return;
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
	int from, to, every = 1, n = 0;
	double second;

	if ((sscanf(line, "@%d..%d/%d %n", &from, &to, &every, &n) == 3 && n) ||
	    (sscanf(line, "@%d..%d %n", &from, &to, &n) == 2 && n)) {
		for (int i = from; i <= to; i += every)
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

/* Plays a script against a new watch; t, but for its rules, and s begin as zeros. */
static void play_script(struct target *t, struct script *s, const char *text, alert_fn alert)
{
	const struct watch_config config = {
		.model = { .pid = 7,
			   .attach_ns = ATTACH_S * NS_PER_S,
			   .has_goroutine = true,
			   .has_map_write = true },
		.names = &names,
		.rules = t->rules,
		.alert = alert,
		.arg = t,
	};

	t->watch = watch_new(&config);
	assert_non_null(t->watch);
	population_begin(&t->population);
	t->call_site = 0x2000;
	reset(t);
	t->sample.goroutine_baseline = 10;
	parse(s, text);
	play(t, s);
	watch_free(t->watch);
	population_end(&t->population);
}

#endif
