/* SPDX-License-Identifier: BSD-2-Clause */
/* Breakpoints as BPF links: one program at many places of one process. Taken out by kern_detach().
 */
#ifndef KERN_PROBES_H
#define KERN_PROBES_H

#include "kern/kern.h"

struct bpf_program;

struct probes_config {
	const struct bpf_program *prog;
	const char *what; /* for errors */
	bool multi;	  /* one link for all places; else a perf-event uprobe for each */
	int pid;
	const char *path;
};

/* See kern_attach(). */
int probes_attach(const struct probes_config *config, const struct kern_site *sites, size_t count,
		  struct kern_probes **ret, struct err *err);

/* Hits that the kernel skipped because a program was already running there, of all of the
 * program's. */
u64 probes_missed(const struct bpf_program *prog);

#endif
