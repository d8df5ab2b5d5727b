/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happened in a target, as one kind of stream: rare facts one by one, as
 * the ring buffer brings them, and hot facts as cumulative samples that user
 * space takes at each tick. Everything downstream (model, detectors, outputs)
 * is fed with these and knows neither BPF nor /proc; a recording replays them.
 *
 * Times are CLOCK_MONOTONIC ns. Addresses are the target's run-time addresses;
 * names.h turns them into text.
 */
#ifndef EVENT_EVENT_H
#define EVENT_EVENT_H

#include <stdbool.h>
#include <stddef.h>

#include <gosonde/wire.h>

enum event_kind {
	EVENT_SAMPLE, /* cumulative counters of a target, at a tick */
	EVENT_MAP_GROW,
	EVENT_STOP, /* a stop of the world, as it ended */
	EVENT_GC_START,
	EVENT_GC_END, /* the cycle's last stop is about to end */
	EVENT_FAULT,
	EVENT_EXIT,    /* the target is gone */
	EVENT_RESTART, /* another image of it begins: all that was known is of the last one */
	EVENT_CENSUS,  /* its goroutines, counted by creation site */
};

/* Return addresses, innermost first; borrowed from the event's bytes. */
struct event_stack {
	const u64 *pc;
	size_t frames;
};

/* Map writes or deletes of one call site, cumulative. */
struct event_map_site {
	enum wire_fn fn;
	u64 return_pc, type;
	u64 count;
};

/* What tells a map from the others. */
struct map_key {
	u64 map, type;
};

enum { EVENT_MAP_USES = 4 };

/* Writes of one map by one call site, and of that site whatever the map; cumulative. */
struct event_map_use {
	enum wire_fn fn;
	u64 return_pc;
	u64 writes, site_writes;
};

/* Writes and deletes of one map, cumulative while it is kept. */
struct event_map {
	u64 map, type;
	u64 writes, deletes, clears;
	u64 recent;				  /* calls of late, each tick by less: a rank */
	struct event_map_use use[EVENT_MAP_USES]; /* the busiest, busiest first */
	size_t use_count;
};

/* A map as it stood in memory when the sample was taken. */
struct event_map_head {
	u64 map, type;
	u64 entries, slots_max;
	u64 seed; /* changes when the map is emptied, and if another one lies there now */
};

/* Goroutines of one creation site, cumulative since attach. */
struct event_go_site {
	u64 gopc, startpc;
	u64 created, exited;
	bool system; /* the runtime's own; not in runtime.NumGoroutine */
};

/* How a probe group's counts were obtained. Cumulative but for the errors. */
struct event_group {
	s64 gap_ns;	   /* of the time since attach it was not attached; known better later */
	u64 windows;	   /* of observation, between gaps */
	double sd_per_s;   /* standard deviation of one window's rate */
	double bias_error; /* standard error of the dead-time correction, relative */
	double calls;	   /* of its functions, since attach: best estimates */
	double unseen;	   /* calls there may be more, or fewer; known better later */
	bool bounded;	   /* now: calls are at least so many */
	bool failed;	   /* now: could not be attached again, so far or for good */
	double cost_ns;	   /* of its hits; of a group without a budget 0 */
};

struct event_sample {
	/* Calls per probed function since attach: as counted, or best estimates where a group has
	 * gaps. */
	u64 hits[WIRE_FN_COUNT];
	u64 raw_hits; /* what the probes really saw, without regrown ones */
	struct event_group groups[WIRE_GROUPS];
	u64 regrown; /* hits left out because the stack was about to grow */
	u64 lost_ring, lost_read, lost_table, lost_missed, lost_decode; /* cumulative */
	u64 moved, grows, grows_unrecorded;
	u64 foreign;	 /* hits of another process that the kernel let through; not in hits */
	double probe_ns; /* estimated time that the probes took from the target, since attach */
	u64 heap_live_bytes, heap_goal_bytes; /* now; 0: unknown */
	u64 cpu_ns;		/* CPU time that the process has taken since it began; 0: unknown */
	s64 goroutine_baseline; /* live goroutines when created and exited were 0; -1: unknown */
	bool goroutine_live_read; /* live goroutines were read now: goroutine_live */
	s64 goroutine_live;
	u64 goroutine_baseline_error;		/* the baseline may be off by as many, either way */
	const struct event_map_site *map_sites; /* borrowed */
	size_t map_site_count;
	const struct event_map *maps; /* the busiest, and those asked for; borrowed */
	size_t map_count;
	u64 map_deletes_elsewhere; /* of maps that have no row of their own; cumulative */
	const struct event_map_head *map_heads; /* borrowed */
	size_t map_head_count;
	const struct event_go_site *go_sites; /* borrowed */
	size_t go_site_count;
};

struct event_map_grow {
	u64 map, type;
	u64 entries, moved, slots_before, slots_after, dir_len;
	u32 tombstones;
	enum wire_grow_kind grow;
	bool during_gc;
	struct event_stack stack;
};

/*
 * What kept a target's threads from running, read before and after a stop: over a time that holds
 * it, and may be much longer. Exact for that time, but for what is still going on when it is read.
 */
struct event_cpu_wait {
	u64 since_ns, until_ns; /* that time */
	bool has_throttling, has_runqueue;
	u64 throttled_ns; /* its control group was out of quota; added up over CPUs */
	u64 throttled_periods;
	u64 runqueue_ns;	 /* ready to run without a CPU; added up over threads */
	u64 runqueue_longest_ns; /* of it the thread's that waited longest */
};

struct event_stop {
	u64 requested_ns, stopped_ns; /* stopped_ns 0: unknown */
	u32 reason; /* runtime.stwReason: 1 GC mark termination, 2 GC sweep termination, … */
	char reason_text[64]; /* raw; "" if the version has none or it could not be read */
	struct event_cpu_wait cpu_wait; /* as the session read it; of a short stop nothing */
};

struct event_gc_end {
	u64 have;		 /* bit i: word[i] is valid */
	u64 word[WIRE_GC_WORDS]; /* see enum wire_gc_word */
};

struct event_fault {
	enum wire_fn fn; /* WIRE_FN_GOPANIC, _THROW, _FATAL */
	u64 goid;
	char type[256]; /* raw name of the panic value's type; "" for throw and fatal */
	char text[512]; /* raw message; "" if there is none or it could not be read */
	struct event_stack stack;
};

enum { EVENT_STAYS = 3, EVENT_WAITS = 3, EVENT_WAIT_BYTES = 48 };

/* So many goroutines of about that age. */
struct event_age {
	u64 age_ns, count;
};

struct event_wait {
	char reason[EVENT_WAIT_BYTES]; /* raw: "chan receive"; or the state of what doesn't wait */
	u64 count;
};

/* The goroutines of one go statement, without the runtime's own. */
struct event_census_site {
	u64 gopc, startpc; /* startpc: what the oldest of them runs */
	u64 live;
	/* Members that are older than stay_ns for certain; and those that were so at the last
	 * census and have ended since. */
	u64 stayed[EVENT_STAYS], ended[EVENT_STAYS];
	u64 mean_ns, oldest_ns;		     /* ages, best estimates */
	u64 median_least_ns, median_most_ns; /* the true age of the middle one is within */
	const struct event_age *ages;	     /* of all; ascending best estimates; borrowed */
	size_t age_count;
	struct event_wait waits[EVENT_WAITS]; /* the most frequent; count 0: no more */
};

struct event_census {
	u64 stay_ns[EVENT_STAYS];	       /* ascending; the same in every census */
	const struct event_census_site *sites; /* those with most that stayed; borrowed */
	size_t site_count, sites_left_out;     /* left out: large enough, but too many */
};

struct event {
	enum event_kind kind;
	u64 time_ns;
	u32 pid; /* as the agent sees it */
	u32 tid;
	union {
		struct event_sample sample;
		struct event_map_grow map_grow;
		struct event_stop stop;
		struct event_gc_end gc_end;
		struct event_fault fault;
		struct event_census census;
	};
};

#endif
