/* SPDX-License-Identifier: BSD-2-Clause */
/* What was found in a target and where probes stand in it: the `attached` line, and `inspect`. */
#ifndef OUTPUT_ATTACHED_H
#define OUTPUT_ATTACHED_H

#include <stdbool.h>
#include <stddef.h>

#include <gosonde/types.h>

/* Texts are borrowed; those that come from the target are raw. */
struct attached_probe {
	const char *group;    /* "map-write" */
	const char *function; /* raw */
	u64 address;	      /* in the process; of a file: link-time */
	u32 offset;	      /* of the site, bytes from the function's entry */
	const char *class;    /* "emulated", "optimised", "single-step" */
	double ns;	      /* cost of a hit, as calibrated here; 0: not known */
	const char *reason;   /* why this site */
};

struct attached_omission {
	const char *function; /* raw */
	const char *reason;
};

/* A Go plugin in the process; its own copies of the functions are probed too. */
struct attached_plugin {
	const char *file; /* last element of its path, raw */
	size_t probes, omitted;
};

/* Where a field or a variable of the runtime is, and how that is known. */
struct attached_fact {
	const char *name; /* "runtime.g.goid", "runtime.work" */
	u64 value;	  /* of a field: its offset in bytes; of a variable: its address */
	const char *how;  /* "symbol", … */
};

/* What stays unknown in this target. */
struct attached_missing {
	const char *what;
	const char *reason; /* raw */
};

/* What a hit costs here, ns; 0: not measured. */
struct attached_cost {
	double emulated_ns, optimised_ns, single_step_ns;
	double lean_ns;	 /* emulated, when only counted */
	double stack_ns; /* beside, for a record with its stack */
};

struct attached_info {
	u32 pid;		       /* 0: a file, not a process */
	u64 time_ns;		       /* CLOCK_MONOTONIC */
	const char *exe, *module, *go; /* raw */
	bool stripped, pie, swiss_maps;
	const struct attached_probe *probes;
	size_t probe_count;
	const struct attached_omission *omitted; /* functions without a probe, and why */
	size_t omitted_count;
	const struct attached_plugin *plugins;
	size_t plugin_count;
	const char *assumed; /* what is taken for granted in this version; NULL: nothing */
	bool has_budget;
	double budget_pct; /* of one CPU; 0: no limit */
	struct attached_cost cost;
	const struct attached_missing *missing;
	size_t missing_count;
	const struct attached_fact *offsets, *variables; /* for inspect; NULL elsewhere */
	size_t offset_count, variable_count;
};

#endif
