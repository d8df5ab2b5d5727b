/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happened in one target within a stretch of time: the figures of a
 * `window` line, and, over all windows, of the `summary`. Rates divide by
 * observed time; every figure says how it was obtained.
 */
#ifndef MODEL_WINDOW_H
#define MODEL_WINDOW_H

#include <stdbool.h>

#include <gosonde/wire.h>

enum accuracy {
	ACCURACY_EXACT,	      /* probes attached all the time, nothing lost */
	ACCURACY_SAMPLED,     /* estimated from windows of observation */
	ACCURACY_LOWER_BOUND, /* at least this */
};

/* "exact", "sampled", "lower-bound". */
const char *accuracy_name(enum accuracy accuracy);

struct window_map {
	u64 writes, deletes, clears, grows;
	u64 moved;	      /* entries that growths moved */
	u64 grows_unrecorded; /* of the growths: small maps above a rate, without a record each */
	double writes_per_s, deletes_per_s, grows_per_s, moved_per_s;
	double writes_error_per_s, deletes_error_per_s; /* standard errors; 0: exact */
	enum accuracy accuracy;				/* of writes, deletes and clears */
	enum accuracy grows_accuracy;
};

/* Quantiles of stops, from a log-linear histogram: relative error at most 1/32. */
struct window_pauses {
	u64 p50_ns, p99_ns, max_ns, total_ns;
};

struct window_gc {
	u64 cycles; /* completed */
	u64 forced; /* of them by runtime.GC() and the like */
	u64 pauses; /* stops of the world for GC */
	struct window_pauses pause;
	u64 other_stops, other_stop_ns; /* stops for other reasons: ReadMemStats, GOMAXPROCS… */
	u64 heap_live_bytes, heap_goal_bytes; /* at the end of the window; 0: unknown */
};

struct window_goroutine {
	s64 live;	/* at the end of the window, as runtime.NumGoroutine counts; -1: unknown */
	u64 live_error; /* live may be off by as many, either way: the target ran while it was read
			 */
	u64 created, exited; /* without the runtime's own */
	double created_per_s;
	double created_error_per_s; /* standard error; 0: exact */
	enum accuracy accuracy;
};

struct window_cost {
	u64 hits;    /* that the probes saw; calls are estimated from them */
	u64 regrown; /* hits beside them that didn't count: a stack check about to fail, to come
			again */
	u64 foreign; /* and of other processes, which the kernel's filter let through */
	double target_cpu_pct;	  /* of one CPU; estimated from ns per hit */
	double probe_ns;	  /* the same as a time */
	double duty[WIRE_GROUPS]; /* share of the time that a group was attached, 0 to 1 */
	bool known;		  /* whether ns per hit is known on this machine */
};

struct window_lost {
	u64 ring;   /* records: the ring buffer was full */
	u64 read;   /* facts: a read of the target's memory faulted */
	u64 table;  /* counts by site: the kernel's table was full */
	u64 missed; /* hits that the kernel did not deliver */
	u64 decode; /* records that could not be understood */
};

/* The agent itself; zeros: not told. */
struct window_agent {
	double cpu_pct; /* of one CPU */
	u64 rss_bytes;
};

struct window {
	u32 pid;
	u64 start_ns, end_ns; /* CLOCK_MONOTONIC */
	double seconds;	      /* between them */
	struct window_map map;
	struct window_gc gc;
	struct window_goroutine goroutine;
	struct window_cost cost;
	struct window_lost lost;
	struct window_agent agent;
	bool has_map_write, has_map_grow, has_gc, has_goroutine,
		has_fault; /* groups that are armed */
	u64 faults;	   /* gopanic, throw and fatal */
	u64 alerts;	   /* raised; only in a summary */
	u64 evicted; /* rows that bounded tables gave up: maps, sites, alerts; only in a summary */
};

/* Whether the group is armed. */
bool window_has(const struct window *window, enum wire_group group);

#endif
