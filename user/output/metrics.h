/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What /metrics shows: every target, and the agent itself, as they were at a
 * tick. Names are OpenTelemetry's for the Go runtime where it has the metric
 * (semantic conventions, runtime/go-metrics: go_goroutine_count,
 * go_memory_gc_goal_bytes, go_memory_gc_cycles_total,
 * go_memory_gc_pause_duration_seconds), the Prometheus clients' for the agent's
 * own process, and gosonde_* else, in base units.
 *
 * Counters count from gosonde_target_attach_time_seconds on and never go down
 * while a target is observed. When it is attached to anew, or executes a program,
 * they begin at 0, as those of a restarted program do; rate() and increase() know that.
 *
 * Labels have few values: PID, name and module of a target, and words of ours. Where it runs
 * is told once a target, by gosonde_target_info, for a query to join: empty labels are none.
 * What is not known, or not watched, has no sample.
 */
#ifndef OUTPUT_METRICS_H
#define OUTPUT_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "alert/alert.h"
#include "base/clock.h"
#include "detect/detect.h"
#include "model/hist.h"
#include "model/window.h"
#include "output/exposition.h"

enum {
	METRICS_PAUSE_BOUNDS = 16,
	METRICS_SINKS_MAX = 8,
	METRICS_NAME_BYTES = 128,
	METRICS_ID_BYTES = 72
};

/* Of pauses; a bound is off by 1/64 at most (hist_count_at_most()). */
struct metrics_pauses {
	u64 at_most[METRICS_PAUSE_BOUNDS]; /* cumulative; 10 us to 1 s */
	u64 count, sum_ns;
};

struct metrics_pauses metrics_pauses_of(const struct hist *pauses);

/* Alerts of one rule. */
struct metrics_rule {
	u64 fired, resolved;
	enum severity severity;
	bool dry_run;
};

struct metrics_target {
	char exe[METRICS_NAME_BYTES];	 /* last element of its path; raw */
	char module[METRICS_NAME_BYTES]; /* raw */
	char go[METRICS_NAME_BYTES];	 /* "go1.22.12"; raw */
	/* As in struct placement; "": none. */
	char container[METRICS_ID_BYTES], pod_uid[METRICS_ID_BYTES], qos[METRICS_ID_BYTES];
	u64 attach_ns;		   /* CLOCK_MONOTONIC */
	struct window last, total; /* the last window, and all since attach; last says the PID */
	struct metrics_pauses pauses;
	double budget;	    /* share of a CPU; 0: none */
	bool budget_failed; /* a group stays detached */
	struct metrics_rule rules[DETECTORS];
};

struct metrics_sink {
	const char *name; /* "syslog"; static */
	u64 sent, lost, withheld, waiting;
	u64 away; /* 1: its receiver took nothing, the last time */
};

struct metrics_agent {
	const char *version; /* static */
	u64 start_ns;	     /* CLOCK_MONOTONIC */
	u64 cpu_ns, rss_bytes;
	u64 records; /* that came through the ring */
	struct metrics_sink sinks[METRICS_SINKS_MAX];
	size_t sink_count;
};

/* Points to nothing but static texts. */
struct metrics_snapshot {
	u64 time_ns; /* CLOCK_MONOTONIC of the tick */
	struct timebase timebase;
	struct metrics_agent agent;
	size_t target_count;
	struct metrics_target targets[];
};

/* Writes all of them. Returns 0, or -EIO if out failed. */
int metrics_render(FILE *out, enum exposition_format format, const struct metrics_snapshot *s);

#endif
