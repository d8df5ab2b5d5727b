/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel side: BPF programs loaded, attached and read. The only folder that
 * knows libbpf. Everything is owned by file descriptors of this process: when it
 * dies, however it dies, the kernel takes every breakpoint out.
 *
 * Life cycle: kern_open → kern_set_target → kern_attach … → kern_close, which
 * undoes all of it.
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
};

/*
 * Loads the programs; attaches nothing.
 * Returns 0, -EPERM (not privileged), -ENOSYS (the verifier of this kernel refuses them), or
 * what the kernel said.
 */
int kern_open(struct kern **ret, const struct kern_options *options, struct err *err);
void kern_close(struct kern *kern);
DEFINE_FREEP(struct kern, kern_close)

/* Writes a row of the table of targets; before its sites are attached. */
int kern_set_target(struct kern *kern, u32 slot, const struct wire_target *target, struct err *err);

struct kern_site {
	u64 file_offset;
	u64 cookie; /* WIRE_COOKIE */
};

/*
 * Attaches a group's program to sites of one process. The links belong to kern;
 * kern_detach_all() or kern_close() takes them away.
 *
 * path: the process's executable; /proc/PID/exe reaches it in any namespace.
 */
int kern_attach(struct kern *kern, enum probe_group group, int pid, const char *path,
		const struct kern_site *sites, size_t count, struct err *err);

/* Takes every breakpoint out, the last attached first. What was counted and recorded stays
 * readable. */
void kern_detach_all(struct kern *kern);

/* Readable when records wait. Owned by kern. */
int kern_ring_fd(const struct kern *kern);

/* Hands each waiting record to fn, which borrows it for the call. Returns 0 or a negative errno. */
int kern_ring_consume(struct kern *kern, void (*fn)(void *arg, const void *record, size_t size),
		      void *arg, struct err *err);

/* The slot's counters, summed over CPUs. */
int kern_read_counters(struct kern *kern, u32 slot, struct wire_counters *ret, struct err *err);

/* Each row of an aggregate, summed over CPUs. Returns 0 or a negative errno. */
int kern_each_map_site(struct kern *kern,
		       void (*fn)(void *arg, const struct wire_map_site *site, u64 count),
		       void *arg, struct err *err);
int kern_each_go_site(struct kern *kern,
		      void (*fn)(void *arg, const struct wire_go_site *site,
				 const struct wire_go_count *count),
		      void *arg, struct err *err);

/* Hits that the kernel skipped because a program was already running there. */
u64 kern_missed(const struct kern *kern);

#endif
