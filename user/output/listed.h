/* SPDX-License-Identifier: BSD-2-Clause */
/* The Go processes of a machine, as `list` shows them. */
#ifndef OUTPUT_LISTED_H
#define OUTPUT_LISTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <gosonde/types.h>

/* Texts are borrowed and raw. */
struct listed_process {
	u32 pid, uid;
	const char *comm, *exe;
	const char *container, *engine; /* "": in no container */
	bool kubernetes;
	const char *pod_uid, *qos; /* "": not known */
	u64 age_ns;		   /* since its start */

	bool understood; /* the fields below are known */
	const char *go, *module;
	bool stripped, pie, swiss_maps;

	const char *obstacle; /* why one can't attach; NULL: one can */
	const char *caveat;   /* what will be missing; NULL: nothing */
};

/* A table as wide as it must be, with a heading; width: columns of the terminal, 0: unlimited. */
int listed_text(FILE *out, const struct listed_process *processes, size_t count,
		unsigned int width);

/* One line of type "process". Returns 0, -ENOMEM, -EIO. */
int listed_json(FILE *out, const struct listed_process *process);

#endif
