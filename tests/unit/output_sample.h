/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of the renderers render: one target, in which every name is hostile. */
#ifndef TESTS_OUTPUT_SAMPLE_H
#define TESTS_OUTPUT_SAMPLE_H

#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/units.h"
#include "output/json.h"
#include "output/listed.h"
#include "output/text.h"

/* A new log line, a terminal's escape, quotes, the SD delimiter, C1, an override, no UTF-8. */
#define EVIL	 "a\nb\x1b[2J\"]\\\xc2\x9b\u202e\xff"
#define EVIL_OUT "a\\x0ab\\x1b[2J\"]\\\\u{9b}\\u{202e}\\xff"
/* As a JSON parser gives it back: valid UTF-8, otherwise unchanged. */
#define EVIL_UTF8 "a\nb\x1b[2J\"]\\\xc2\x9b\u202e\uFFFD"

/* Monotonic 5 s is 2026-01-01T00:00:05Z. */
static const struct timebase sample_timebase = {
	.mono_to_wall_ns = (s64)(1767225600ULL * NS_PER_S),
};

static inline struct window sample_window(void)
{
	return (struct window) {
		.pid = 4242,
		.end_ns = 5 * NS_PER_S + 123456789,
		.seconds = 1.0,
		.map = { .writes = 1300000,
			 .deletes = 12,
			 .clears = 1,
			 .grows = 3,
			 .moved = 7000,
			 .writes_per_s = 1300000.5,
			 .deletes_per_s = 12,
			 .grows_per_s = 3,
			 .moved_per_s = 7000,
			 .writes_error_per_s = 26000.01,
			 .accuracy = ACCURACY_SAMPLED },
		.gc = { .cycles = 2,
			.forced = 1,
			.pauses = 4,
			.pause = { .p50_ns = 45000,
				   .p99_ns = 1200000,
				   .max_ns = 1250000,
				   .total_ns = 2000000 },
			.heap_live_bytes = 4 << 20,
			.heap_goal_bytes = 8 << 20 },
		.goroutine = { .live = 17,
			       .created = 1000,
			       .exited = 990,
			       .created_per_s = 0.1,
			       .accuracy = ACCURACY_EXACT },
		.cost = { .hits = 123456,
			  .target_cpu_pct = 0.75,
			  .duty = { 0.04, 1, 1, 1, 1 },
			  .known = true },
		.has_map_write = true,
		.has_map_grow = true,
		.has_gc = true,
		.has_goroutine = true,
		.has_fault = true,
	};
}

/* Nothing is watched and nothing known. */
static inline struct window blind_window(void)
{
	return (struct window) { .pid = 1, .seconds = 1.0, .goroutine = { .live = -1 } };
}

#define SAMPLE_ID  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SAMPLE_POD "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"

static inline struct placement sample_placement(void)
{
	return (struct placement) { SAMPLE_ID, SAMPLE_POD, "Burstable" };
}

static inline struct alert sample_alert(void)
{
	static char frames[2][EVIDENCE_TEXT_MAX] = { "main.(*Cache).Put cache.go:42", EVIL };
	struct alert alert = {
		.pid = 4242,
		.time_ns = 5 * NS_PER_S,
		.since_ns = 3 * NS_PER_S,
		.rule = "rehash-storm",
		.state = ALERT_FIRING,
		.severity = SEVERITY_WARNING,
		.value = 1234567.5,
		.threshold = 1000000,
		.unit = "entries/s",
		.subject = "map[string]" EVIL,
		.summary = "growing maps move 1.2 M entries/s: " EVIL,
		.advice = "make(map[string]int, 100000)",
		.evidence_len = 3,
		.evidence = {
			{ .key = "stop_latency_ns", .kind = EVIDENCE_NUMBER, .number = 12345678 },
			{ .key = "map_type", .kind = EVIDENCE_TEXT, .text = EVIL },
			{ .key = "stack", .kind = EVIDENCE_LIST, .list = frames, .list_len = 2 },
		},
	};

	return alert;
}

/* Their values are printable, but may have what quoting is for. */
static const struct label sample_label[] = { { "team", "shop \"a\"]\\" }, { "rule", "x" } };
static const struct labels sample_labels = { { &sample_label[0], &sample_label[1] }, 2 };

static inline struct gc_cycle sample_cycle(void)
{
	struct gc_cycle cycle = {
		.end_ns = 5 * NS_PER_S,
		.stop_count = 2,
		.stops = {
			{ .duration_ns = 46000, .stopping_ns = 12000, .stopped_ns = 34000,
			  .split_known = true, .reason = 2 },
			{ .duration_ns = 99000, .reason = 1 },
		},
	};

	cycle.end.have = 1ULL << WIRE_GC_NUMGC | 1ULL << WIRE_GC_USER_FORCED |
			 1ULL << WIRE_GC_T_MARK | 1ULL << WIRE_GC_T_MARK_TERM |
			 1ULL << WIRE_GC_HEAP0 | 1ULL << WIRE_GC_HEAP1 | 1ULL << WIRE_GC_HEAP2;
	cycle.end.word[WIRE_GC_NUMGC] = 7;
	cycle.end.word[WIRE_GC_USER_FORCED] = 1;
	cycle.end.word[WIRE_GC_T_MARK] = 1000;
	cycle.end.word[WIRE_GC_T_MARK_TERM] = 1201000;
	cycle.end.word[WIRE_GC_HEAP0] = 4 << 20;
	cycle.end.word[WIRE_GC_HEAP1] = 5 << 20;
	cycle.end.word[WIRE_GC_HEAP2] = UINT64_MAX; /* a hostile word */
	return cycle;
}

static inline int sample_frame(void *arg, u64 pc, bool return_address, char *buf, size_t size)
{
	(void)arg;
	(void)return_address;
	snprintf(buf, size, "main.f%llu " EVIL, pc);
	return 0;
}

/* From 100 on the runtime's own. */
static inline int sample_frame_at(void *arg, u64 pc, bool return_address, size_t depth, char *buf,
				  size_t size)
{
	if (depth)
		return -ENOENT;
	(void)sample_frame(arg, pc, return_address, buf, size);
	return pc < 100 ? FRAME_PROGRAM : FRAME_RUNTIME;
}

static inline int sample_func(void *arg, u64 pc, bool return_address, char *buf, size_t size)
{
	(void)arg;
	(void)return_address;
	snprintf(buf, size, pc < 100 ? "main.f%llu" : "runtime.f%llu", pc);
	return 0;
}

static inline int sample_type(void *arg, u64 type, char *buf, size_t size)
{
	(void)arg;
	(void)type;
	snprintf(buf, size, "map[string]" EVIL);
	return 0;
}

static const struct names sample_names = {
	.frame = sample_frame, .frame_at = sample_frame_at, .func = sample_func, .type = sample_type
};

static inline struct event sample_growth(void)
{
	static const u64 pcs[] = { 100, 1, 2 };

	return (struct event) {
		.kind = EVENT_MAP_GROW,
		.time_ns = 5 * NS_PER_S,
		.pid = 4242,
		.map_grow = { .map = 0xc000123000,
			      .entries = 1793,
			      .moved = 1793,
			      .slots_before = 2048,
			      .slots_after = 4096,
			      .tombstones = 5,
			      .grow = WIRE_GROW_DOUBLE,
			      .during_gc = true,
			      .stack = { .pc = pcs, .frames = 3 } },
	};
}

static const struct attached_probe sample_probes[] = {
	{ .group = "map-write",
	  .function = "runtime.mapassign_fast64",
	  .address = 0x40fa00,
	  .offset = 10,
	  .class = "emulated",
	  .ns = 480,
	  .reason = "push after the stack check" },
	{ .group = "gc", .function = EVIL, .address = 0x43b2a0, .class = "single-step" },
};

static const struct attached_omission sample_omitted[] = {
	{ .function = "runtime.mapdelete_fast32", .reason = "not linked into this program" },
};

static const struct attached_missing sample_missing[] = {
	{ .what = "goroutines alive", .reason = EVIL },
};

static const struct attached_fact sample_offsets[] = { { "runtime.g.goid", 152, "table" } };
static const struct attached_fact sample_variables[] = { { "runtime.work", 0x58e320, "symbol" } };

static inline struct attached_info sample_attached(void)
{
	return (struct attached_info) {
		.pid = 4242,
		.time_ns = 5 * NS_PER_S,
		.exe = "/srv/" EVIL,
		.module = "example.com/shop",
		.go = "go1.22.12",
		.stripped = true,
		.probes = sample_probes,
		.probe_count = ARRAY_SIZE(sample_probes),
		.omitted = sample_omitted,
		.omitted_count = ARRAY_SIZE(sample_omitted),
		.missing = sample_missing,
		.missing_count = ARRAY_SIZE(sample_missing),
	};
}

static const struct summary_map_site sample_map_sites[] = {
	{ .site = "main.(*Cache).Put cache.go:42",
	  .map_type = "map[string]" EVIL,
	  .count = 1300000 },
	{ .site = EVIL, .map_type = "map[int]int", .deletes = true, .count = 12 },
};

static const struct summary_go_site sample_go_sites[] = {
	{ .site = "main.leak main.go:7", .start = EVIL, .created = 1000, .exited = 990 },
};

static inline struct summary sample_summary(void)
{
	struct summary summary = {
		.total = sample_window(),
		.map_sites = sample_map_sites,
		.map_site_count = ARRAY_SIZE(sample_map_sites),
		.go_sites = sample_go_sites,
		.go_site_count = ARRAY_SIZE(sample_go_sites),
	};

	summary.total.seconds = 12.5;
	summary.total.alerts = 2;
	return summary;
}

#endif
