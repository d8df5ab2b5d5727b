/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The wire between the BPF programs and user space: attach cookies, the table
 * of targets, gates, per-CPU counters, aggregates and ring-buffer records.
 *
 * Freestanding, fixed width, padding explicit, sizes asserted. Numbers are
 * append-only: a retired value stays as a hole. The kernel side states facts
 * and decides nothing; times are bpf_ktime_get_ns(), which is CLOCK_MONOTONIC,
 * the clock of Go's own nanotime().
 */
#ifndef GOSONDE_WIRE_H
#define GOSONDE_WIRE_H

#include <gosonde/types.h>

#define WIRE_MAX_TARGETS 256  /* slots in the table of targets */
#define WIRE_MAX_SITES	 8192 /* call sites of one kind */
#define WIRE_MAX_MAPS	 1024 /* maps times the call sites that use them, until the next tick */
/* For each target, if that is more than these. */
#define WIRE_MAPS_EACH	16
#define WIRE_SITES_EACH 64
#define WIRE_MAX_FRAMES 32  /* return addresses of a stack */
#define WIRE_POLL_MS	100 /* how often the reader of the ring comes without being woken */
#define WIRE_TEXT_BYTES 128 /* of a panic's message */

/* What a probe watches: one per probed Go function. Index of wire_counters.hits. */
enum wire_fn {
	WIRE_FN_NONE = 0,

	WIRE_FN_MAPASSIGN = 1,
	WIRE_FN_MAPASSIGN_FAST32 = 2,
	WIRE_FN_MAPASSIGN_FAST64 = 3,
	WIRE_FN_MAPASSIGN_FAST64PTR = 4,
	WIRE_FN_MAPASSIGN_FASTSTR = 5,
	WIRE_FN_MAPASSIGN_FAST32PTR = 6,
	WIRE_FN_MAPDELETE = 8,
	WIRE_FN_MAPDELETE_FAST32 = 9,
	WIRE_FN_MAPDELETE_FAST64 = 10,
	WIRE_FN_MAPDELETE_FASTSTR = 11,
	WIRE_FN_MAPCLEAR = 15,

	WIRE_FN_HASH_GROW = 16,	       /* classic maps, Go <= 1.23 */
	WIRE_FN_GROW_TO_TABLE = 17,    /* Swiss maps: small map becomes a table */
	WIRE_FN_TABLE_REHASH = 18,     /* Swiss maps: a table doubles or splits */
	WIRE_FN_PRUNE_TOMBSTONES = 19, /* Swiss maps, Go >= 1.25: an attempt, may do nothing */

	WIRE_FN_START_CYCLE = 24,      /* gcControllerState.startCycle: once per GC cycle */
	WIRE_FN_STOP_WORLD = 25,       /* stopTheWorldWithSema: a stop is requested */
	WIRE_FN_START_WORLD = 26,      /* startTheWorldWithSema: the stop is about to end */
	WIRE_FN_MARK_TERMINATION = 27, /* gcMarkTermination: the cycle's last stop */
	WIRE_FN_STOP_REASON = 28,      /* stopTheWorld(reason string), Go <= 1.20 */

	WIRE_FN_GO_CREATE = 32, /* newproc1 */
	WIRE_FN_GO_EXIT = 33,	/* gdestroy, before Go 1.22 goexit0 */

	WIRE_FN_GOPANIC = 40,
	WIRE_FN_THROW = 41,
	WIRE_FN_FATAL = 42,

	WIRE_FN_COUNT = 48
};

/*
 * The attach cookie of a site: everything that its program must know, so that
 * no lookup is needed but that of the target.
 *
 *   bits  0..7   enum wire_fn
 *   bits  8..15  enum wire_site_flags
 *   bits 16..31  bytes that the stack pointer stands below the return address
 *   bits 32..47  slot in the table of targets
 */
enum wire_site_flags {
	/* The site is the jbe of the stack check: a hit with CF or ZF set goes to
	 * morestack and comes back to the entry, so it does not count. */
	WIRE_SITE_FLAGS_TEST = 1 << 0,
	/* The function's arguments are on the stack (ABI0, all of Go <= 1.16), and g is in
	 * thread-local storage. */
	WIRE_SITE_STACK_ABI = 1 << 1,
};

#define WIRE_COOKIE(slot, fn, flags, sp_shift)                                                     \
	((u64)(slot) << 32 | (u64)(u16)(sp_shift) << 16 | (u64)(u8)(flags) << 8 | (u8)(fn))
#define WIRE_COOKIE_FN(c)	((u32)((c)&0xff))
#define WIRE_COOKIE_FLAGS(c)	((u32)((c) >> 8 & 0xff))
#define WIRE_COOKIE_SP_SHIFT(c) ((u32)((c) >> 16 & 0xffff))
#define WIRE_COOKIE_SLOT(c)	((u32)((c) >> 32 & 0xffff))

/* What startTheWorldWithSema has in its registers; the version decides (go-runtime facts, B). */
enum wire_stw_abi {
	WIRE_STW_NONE = 0,	     /* Go <= 1.20: nothing, the reason is inferred */
	WIRE_STW_REASON_AT_STOP = 1, /* Go 1.21: reason in AL of stopTheWorldWithSema */
	WIRE_STW_START = 2,	     /* Go 1.22: now RAX, reason BL, start RCX */
	WIRE_STW_FULL = 3,	     /* Go >= 1.23: and finishedStopping RDI */
	/* Go newer than any that was checked, taken to be as FULL: the times prove themselves; of
	 * the reasons only those that other probes prove are told. */
	WIRE_STW_ASSUMED = 4,
};

/* Words of the runtime that are read while a cycle's last stop still holds the world. */
enum wire_gc_word {
	WIRE_GC_NUMGC = 0,	    /* u32 memstats.numgc */
	WIRE_GC_CPU_FRACTION = 1,   /* float64 memstats.gc_cpu_fraction */
	WIRE_GC_PAUSE_TOTAL_NS = 2, /* u64 memstats.pause_total_ns */
	WIRE_GC_USER_FORCED = 3,    /* bool work.userForced */
	WIRE_GC_STWPROCS = 4,	    /* i32 work.stwprocs */
	WIRE_GC_MAXPROCS = 5,	    /* i32 work.maxprocs */
	WIRE_GC_T_SWEEP_TERM = 6,   /* i64 work.tSweepTerm, ns */
	WIRE_GC_T_MARK = 7,	    /* i64 work.tMark */
	WIRE_GC_T_MARK_TERM = 8,    /* i64 work.tMarkTerm */
	WIRE_GC_T_END = 9,	    /* i64 work.tEnd */
	WIRE_GC_PAUSE_NS = 10,	    /* i64 work.pauseNS: this cycle's pauses */
	WIRE_GC_HEAP0 = 11,	    /* u64 work.heap0: live at the start of the cycle */
	WIRE_GC_HEAP1 = 12,	    /* u64 work.heap1: live at the end of marking */
	WIRE_GC_HEAP2 = 13,	    /* u64 work.heap2: marked */
	WIRE_GC_HEAP_GOAL = 14,	    /* u64 gcController.lastHeapGoal (work.heapGoal in 1.15) */
	WIRE_GC_STACK_SCAN = 15,    /* u64 gcController.lastStackScan (maxStackScan to 1.19) */
	WIRE_GC_GLOBALS_SCAN = 16,  /* u64 gcController.globalsScan */
	WIRE_GC_ASSIST_NS = 17,	    /* i64 gcController.assistTime */
	WIRE_GC_DEDICATED_NS = 18,  /* i64 gcController.dedicatedMarkTime */
	WIRE_GC_FRACTIONAL_NS = 19, /* i64 gcController.fractionalMarkTime */
	WIRE_GC_IDLE_NS = 20,	    /* i64 gcController.idleMarkTime */
	WIRE_GC_HEAP_LIVE = 21,	    /* u64 gcController.heapLive: live now */
	WIRE_GC_NEXT_GOAL = 22,	    /* u64 gcController.gcPercentHeapGoal: the next cycle's goal */
	WIRE_GC_INIT_TIME = 23,	    /* i64 runtimeInitTime */
	WIRE_GC_LEAK_CHECK = 24, /* bool work.goroutineLeak.done, Go >= 1.26: the cycle looked for
				    leaked goroutines; read as gcMarkTermination begins */
	WIRE_GC_WORDS = 25
};

/* Address in the target and width (1, 4 or 8 bytes); size 0: this Go version has no such word. */
struct wire_gc_source {
	u64 addr;
	u32 size;
	u32 pad;
};

/* One row of the table of targets. User space writes it before anything is attached. */
struct wire_target {
	u32 tgid;	       /* in the initial PID namespace; 0: nobody's, no hit counts */
	u32 stw_abi;	       /* enum wire_stw_abi */
	u32 g_goid_off;	       /* runtime.g.goid; 0: unknown */
	u32 g_gopc_off;	       /* runtime.g.gopc; 0: unknown */
	u32 g_startpc_off;     /* runtime.g.startpc; 0: unknown */
	u32 g_m_off;	       /* runtime.g.m; 0: unknown */
	u32 m_curg_off;	       /* runtime.m.curg; 0: unknown */
	u32 small_grows_per_s; /* records of growth of maps below WIRE_LARGE_MAP, per CPU */
	u32 creator_pc_arg;    /* which argument of newproc1 is callerpc, from 0; 0: unknown */
	s32 g_tls_off;	       /* ABI0: where g is, from the FS base; 0: unknown */
	/* Run-time addresses of the code that creation sites and start functions must lie in, or
	 * they count as unknown; end 0: not checked. For versions whose signatures are assumed. */
	u64 text_start, text_end;
	struct wire_gc_source gc[WIRE_GC_WORDS];
};

/* Growths of maps with at least this many entries are recorded one by one, whatever their rate. */
#define WIRE_LARGE_MAP 1024

/* Why something that happened is missing from the records or aggregates. */
enum wire_loss {
	WIRE_LOSS_RING = 0,  /* ring buffer full */
	WIRE_LOSS_READ = 1,  /* a read of the target's memory faulted, or found what can't be */
	WIRE_LOSS_TABLE = 2, /* an aggregate's table was full */
	WIRE_LOSS_COUNT = 4
};

/* Probes that are armed, governed and reported as one. */
enum wire_group {
	WIRE_GROUP_MAP_WRITE = 0,
	WIRE_GROUP_MAP_GROW = 1,
	WIRE_GROUP_GC = 2,
	WIRE_GROUP_GOROUTINE = 3,
	WIRE_GROUP_FAULT = 4,
	WIRE_GROUPS = 5
};

/*
 * What user space tells a group's program about the window that is open now;
 * index: WIRE_GATE(slot, group). Written while the program runs: a hit that sees
 * half of a change counts for the old window or the new one, which does no harm.
 */
struct wire_gate {
	u64 cap;    /* hits on one CPU in one window that wake user space at once; 0: none do */
	u32 window; /* its number; another one starts the counting of hits anew */
	u32 lean;   /* count only: no call site, no read of the target's memory */
	u32 room;   /* map writes: another number says that the table of maps may have room again */
	u32 pad;
};

#define WIRE_GATE(slot, group) ((slot)*WIRE_GROUPS + (group))

/* In a ring buffer of its own, so that it waits for no record: the breaker of a window tripped. */
struct wire_trip {
	u32 slot;
	u32 group;
	u32 window;
	u32 pad;
};

/* A process began to run a program, or is gone: in a ring of its own, in order. */
enum wire_life { WIRE_LIFE_EXEC = 1, WIRE_LIFE_EXIT = 2 };

struct wire_process {
	u32 life; /* enum wire_life */
	u32 pid;
};

/* A burst begins: a hit after a gap, a time without hits in which the thread slept, not one in
 * which others had its CPU. */
struct wire_burst {
	u64 begin_ns;
	u32 hits;   /* in the window until then */
	u32 gap_ns; /* how long there was none */
};

#define WIRE_BURSTS 8

/*
 * What one CPU saw of the window that is open. Each WIRE_BURST_STRIDE-th hit is looked at, since to
 * ask for the time costs 15 ns, so all counts are right within as many. Plain increments: one that
 * is lost to a preemption moves the cap by one.
 */
struct wire_window {
	u64 number; /* of the window, as wire_gate has it; older: it saw none of that one */
	u64 hits;
	u64 hit_ns;	   /* the first hit */
	u64 seen_ns;	   /* the last hit that was looked at: when, */
	u64 switches;	   /* how often its thread had gone to sleep until then, */
	u64 told_until_ns; /* until when its CPU time was told (sched_entity's exec_start), */
	u32 tid;	   /* and which that was */
	u32 count;	   /* bursts that have begun after the first hit */
	struct wire_burst begun[WIRE_BURSTS]; /* these; of more than fit, the last is the latest */
};

#define WIRE_BURST_STRIDE 8
#define WIRE_BURST_GAP_NS 50000

/* How long a group's program itself took, at each WIRE_BURST_STRIDE-th hit of a window that is not
 * lean, from its second lookup to its end. Of map writes and goroutines; other programs tell none.
 */
struct wire_runs {
	u64 count;
	u64 ns;
};

#define WIRE_MAX_RUN_NS 3000 /* it was interrupted, and counts as so long */

/*
 * Per CPU and slot, cumulative. Incremented with atomic adds although per CPU:
 * a uprobe's program is preemptible, and another thread's program on the same
 * CPU would lose a plain increment.
 */
struct wire_counters {
	u64 hits[WIRE_FN_COUNT];    /* calls that count */
	u64 regrown[WIRE_FN_COUNT]; /* hits that were a stack check about to fail (FLAGS_TEST) */
	u64 lost[WIRE_LOSS_COUNT];
	u64 moved;	      /* map entries that growths moved */
	u64 grows;	      /* map growths; prune attempts are none */
	u64 grows_unrecorded; /* growths of small maps above small_grows_per_s: counted, no record
			       */
	u64 foreign; /* hits of another process: the kernel's PID filter let them through */
	u64 small_window_ns, small_in_window;	 /* of the small maps' rate limit */
	struct wire_window windows[WIRE_GROUPS]; /* the latest of each group */
	struct wire_runs runs[WIRE_GROUPS];
	u64 maps_full; /* wire_gate.room when another map found none, and 1; 0: none did */
	u64 urgent_ns; /* when an urgent record woke user space last */
};

/*
 * Aggregates, per CPU: map writes and deletes by call site, map type and map. The function and the
 * slot stand in the upper bits of the return address, which user space has no use for: a short key
 * is hashed faster.
 */
struct wire_map_site {
	u64 site; /* WIRE_SITE */
	u64 type; /* *maptype */
	u64 map;  /* address of the hmap or maps.Map; 0: nil, or one for which there was no room */
};

#define WIRE_SITE(slot, fn, return_pc)                                                             \
	((u64)(slot) << 56 | (u64)(fn) << 48 | ((return_pc)&0xffffffffffffULL))
#define WIRE_SITE_SLOT(site) ((u32)((site) >> 56))
#define WIRE_SITE_FN(site)   ((u32)((site) >> 48 & 0xff))
#define WIRE_SITE_PC(site)   ((site)&0xffffffffffffULL) /* the line after the call */

_Static_assert(WIRE_MAX_TARGETS <= 256 && WIRE_FN_COUNT <= 256, "WIRE_SITE");

/* Goroutines by creation site. */
struct wire_go_site {
	u32 slot;
	u32 pad;
	u64 gopc;    /* return address of the go statement; 0: unknown */
	u64 startpc; /* the goroutine's first function; 0: unknown */
};

struct wire_go_count {
	u64 created;
	u64 exited;
};

/* Records of the ring buffer. */
enum wire_kind {
	WIRE_NONE = 0,
	WIRE_MAP_GROW = 1,
	WIRE_STOP = 2,
	WIRE_GC_START = 3,
	WIRE_GC_END = 4,
	WIRE_FAULT = 5,
};

struct wire_hdr {
	u64 time_ns;
	u32 tgid;
	u32 tid;
	u16 kind; /* enum wire_kind */
	u16 fn;	  /* enum wire_fn that it came from */
	u32 slot;
};

struct wire_stack {
	u32 frames; /* of pc[] */
	u32 pad;
	u64 pc[WIRE_MAX_FRAMES]; /* return addresses, innermost first: the direct caller is pc[0] */
};

enum wire_grow_kind {
	WIRE_GROW_DOUBLE = 1,	      /* classic: twice the buckets */
	WIRE_GROW_SAME_SIZE = 2,      /* classic: too many overflow buckets */
	WIRE_GROW_SMALL_TO_TABLE = 3, /* Swiss: one group of 8 becomes a table of 16 */
	WIRE_GROW_TABLE = 4,	      /* Swiss: a table doubles, up to 1024 slots */
	WIRE_GROW_SPLIT = 5,	      /* Swiss: a table of 1024 slots becomes two */
};

struct wire_map_grow {
	struct wire_hdr hdr;
	u64 map;	  /* address of the hmap or maps.Map */
	u64 type;	  /* *maptype */
	u64 entries;	  /* in the whole map */
	u64 moved;	  /* entries that this growth moves */
	u64 slots_before; /* classic: of the map; Swiss: of the table */
	u64 slots_after;
	u64 dir_len;	/* Swiss: tables in the directory; 0 for a small map; classic: 0 */
	u32 tombstones; /* Swiss: deleted slots that the growth drops */
	u16 grow;	/* enum wire_grow_kind */
	u8 during_gc;	/* between a cycle's start and its mark termination */
	u8 pad;
	struct wire_stack stack;
};

/* A stop of the world, recorded as it ends. */
struct wire_stop {
	struct wire_hdr hdr; /* time: when the world was about to be restarted */
	u64 requested_ns;    /* 0: the stop began before the probe was there */
	u64 stopped_ns;	     /* when the last P had stopped; 0: this version does not tell */
	u32 reason;	     /* runtime.stwReason; of Go <= 1.20 only 0, 1 and 2 */
	u32 pad;
	u64 reason_ptr, reason_len; /* Go <= 1.20: a Go string in the target, or zeros */
};

struct wire_gc_start {
	struct wire_hdr hdr;
};

struct wire_gc_end {
	struct wire_hdr hdr;
	u64 have;		 /* bit i: word[i] was read */
	u64 word[WIRE_GC_WORDS]; /* zero-extended */
};

struct wire_fault {
	struct wire_hdr hdr;
	u64 goid;     /* 0: unknown */
	u64 type;     /* gopanic: *_type of the value; else 0 */
	u64 data;     /* gopanic: the interface's data word */
	u64 words[4]; /* gopanic: what data points to, if it could be read */
	u64 text_ptr,
		text_len; /* the message, as the target has it (for gopanic: if it is a string) */
	u32 words_read;	  /* of words[] */
	u32 text_read;	  /* bytes of text[]; less than text_len: user space must read it */
	char text[WIRE_TEXT_BYTES];
	struct wire_stack stack;
};

_Static_assert(sizeof(struct wire_target) == 56 + 16 * WIRE_GC_WORDS, "wire size");
_Static_assert(sizeof(struct wire_counters) ==
		       8 * (2 * WIRE_FN_COUNT + WIRE_LOSS_COUNT + 8 + 25 * WIRE_GROUPS),
	       "wire size");
_Static_assert(sizeof(struct wire_gate) == 24, "wire size");
_Static_assert(sizeof(struct wire_trip) == 16, "wire size");
_Static_assert(sizeof(struct wire_process) == 8, "wire size");
_Static_assert(sizeof(struct wire_map_site) == 24, "wire size");
_Static_assert(sizeof(struct wire_go_site) == 24, "wire size");
_Static_assert(sizeof(struct wire_hdr) == 24, "wire size");
_Static_assert(sizeof(struct wire_stack) == 8 + 8 * WIRE_MAX_FRAMES, "wire size");
_Static_assert(sizeof(struct wire_map_grow) == 24 + 7 * 8 + 8 + sizeof(struct wire_stack),
	       "wire size");
_Static_assert(sizeof(struct wire_stop) == 24 + 40, "wire size");
_Static_assert(sizeof(struct wire_gc_end) == 24 + 8 + 8 * WIRE_GC_WORDS, "wire size");
_Static_assert(sizeof(struct wire_fault) ==
		       24 + 24 + 32 + 16 + 8 + WIRE_TEXT_BYTES + sizeof(struct wire_stack),
	       "wire size");

#endif
