/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel side: BPF programs loaded, attached and read. The only folder that
 * knows libbpf. Everything is owned by file descriptors of this process: when it
 * dies, the kernel takes every breakpoint out, but for one case (probe/restore.h).
 *
 * Life cycle: kern_open → kern_set_target → kern_attach … kern_detach → kern_close; a slot
 * that had another target before is cleared first.
 * What attaches and detaches may be called from several threads.
 */
#ifndef KERN_KERN_H
#define KERN_KERN_H

#include <stdbool.h>

#include <gosonde/wire.h>

#include "base/err.h"
#include "gobin/probeset.h"

struct kern;

struct kern_options {
	u32 targets;			/* slots, at most WIRE_MAX_TARGETS */
	u32 ring_bytes;			/* power of two, multiple of the page size */
	bool uprobe_multi;		/* as features tell; else perf-event uprobes */
	bool groups[PROBE_GROUP_COUNT]; /* programs to load */
	bool processes;			/* those too that tell execs and exits */
};

/*
 * Loads the programs; attaches nothing.
 * Returns 0, -EPERM (not privileged), -ENOSYS (the verifier of this kernel refuses them), or
 * what the kernel said.
 */
int kern_open(struct kern **ret, const struct kern_options *options, struct err *err);
void kern_close(struct kern *kern);
DEFINE_FREEP(struct kern, kern_close)

/* Whether the group's program is loaded. */
bool kern_has_group(const struct kern *kern, enum probe_group group);

/* Writes a row of the table of targets; before its sites are attached. */
int kern_set_target(struct kern *kern, u32 slot, const struct wire_target *target, struct err *err);

/*
 * Makes the slot as it was when the programs were loaded: no target, closed gates, counters and
 * states of 0, no rows. While no breakpoint has it in its cookie. Costs a pass over the aggregates.
 */
int kern_clear_slot(struct kern *kern, u32 slot, struct err *err);

struct kern_site {
	u64 file_offset;
	u64 cookie; /* WIRE_COOKIE */
};

/* A group's breakpoints in one file of one process. */
struct kern_probes;

/*
 * Attaches a group's program to sites of one process: with uprobe_multi all of
 * them by one link. The first waits for an RCU grace period (8 to 16 ms here)
 * unless breakpoints were set or removed within the last; then all stand within
 * some 50 us of each other.
 *
 * path: the process's executable; /proc/PID/exe reaches it in any namespace.
 * count: at least 1.
 */
int kern_attach(struct kern *kern, enum probe_group group, int pid, const char *path,
		const struct kern_site *sites, size_t count, struct kern_probes **ret,
		struct err *err);

/*
 * Takes the breakpoints out. They are gone within 0.1 ms, or, when the last were
 * set or removed more than a grace period ago, after another; what remains of
 * the call is waiting (15 to 70 ms here). What was counted and recorded stays
 * readable. NULL is fine.
 */
void kern_detach(struct kern_probes *probes);
DEFINE_FREEP(struct kern_probes, kern_detach)

/* The same for many at once: they wait side by side. */
void kern_detach_many(struct kern_probes **probes, size_t count);

/* The same without waiting: the breakpoints go within a grace period, and another thread waits. */
void kern_detach_later(struct kern_probes *probes);

/*
 * Attaches a program that does nothing, and detaches it: a breakpoint that the
 * kernel left at a site when its owner was killed goes, one that has another
 * owner stays. Returns 0 or as kern_attach().
 */
int kern_touch(struct kern *kern, int pid, const char *path, const struct kern_site *sites,
	       size_t count, struct err *err);

/* What user space tells a group's program about the window that begins; gate->room is ours. */
void kern_set_gate(struct kern *kern, u32 slot, enum probe_group group,
		   const struct wire_gate *gate);

/* Readable when a breaker has tripped: see struct wire_gate. Owned by kern. */
int kern_trips_fd(const struct kern *kern);

/* Hands out what has tripped. For one thread. Returns 0 or a negative errno. */
int kern_trips_consume(struct kern *kern, void (*fn)(void *arg, const struct wire_trip *trip),
		       void *arg);

/*
 * From now on execs and exits of all processes of the machine are told; of a
 * kernel opened with processes. Returns 0 or a negative errno.
 */
int kern_watch_processes(struct kern *kern, struct err *err);

/* Hands them out in order. Returns 0 or a negative errno. */
int kern_processes_consume(struct kern *kern,
			   void (*fn)(void *arg, const struct wire_process *process), void *arg);

/* How many were not told, because nobody took them in time. */
u64 kern_processes_lost(const struct kern *kern);

/* Readable when records wait. Owned by kern. */
int kern_ring_fd(const struct kern *kern);

/* Hands each waiting record to fn, which borrows it for the call. Returns 0 or a negative errno. */
int kern_ring_consume(struct kern *kern, void (*fn)(void *arg, const void *record, size_t size),
		      void *arg, struct err *err);

/* The slot's counters, summed over CPUs. */
int kern_read_counters(struct kern *kern, u32 slot, struct wire_counters *ret, struct err *err);

/* The same, and on how many CPUs at once the functions from first to last were called since the
 * last call with the same `seen`, and what CPUs saw of a window: see struct kern_spread. */
struct kern_spread {
	enum wire_group group;
	enum wire_fn first, last;
	u32 window;  /* its number */
	u64 *seen;   /* of each possible CPU, kern_cpus() of them; updated */
	double cpus; /* (sum of hits)^2 / sum of squares, 1 when all hits were on one CPU; 0: none
		      */
	/* Out, and room for kern_cpus(): of those that were hit in the window. */
	struct wire_window *windows;
	size_t hit_cpus;
};
int kern_read_spread(struct kern *kern, u32 slot, struct wire_counters *ret,
		     struct kern_spread *spread, struct err *err);

/* Possible CPUs of this machine; 0 if that can't be told. */
size_t kern_cpus(void);

/*
 * Each row of an aggregate, of all slots, summed over CPUs. Returns 0 or a negative errno. Map
 * sites come by map, and those for which there was no room under map 0. take: the rows by map are
 * deleted as they are read, so that new maps find room; a call that is being counted meanwhile may
 * be lost to its row.
 */
int kern_each_map_site(struct kern *kern, bool take,
		       void (*fn)(void *arg, const struct wire_map_site *site, u64 count),
		       void *arg, struct err *err);
int kern_each_go_site(struct kern *kern,
		      void (*fn)(void *arg, const struct wire_go_site *site,
				 const struct wire_go_count *count),
		      void *arg, struct err *err);

/* Deletes the aggregates' rows of the slots that are true. Others are not touched. */
int kern_drop_rows(struct kern *kern, const bool slots[WIRE_MAX_TARGETS], struct err *err);

/*
 * Hits of a group's program that the kernel skipped because a program was already
 * running there. It counts them by program, whichever target they were of.
 */
u64 kern_missed(const struct kern *kern, enum probe_group group);

/* How many rows by map there is room for, all targets together. */
size_t kern_map_rows(const struct kern *kern);

/* Of these, when every slot has a target. */
size_t kern_map_rows_each(const struct kern *kern);

/* How many slots it was opened with. */
size_t kern_slots(const struct kern *kern);

#endif
