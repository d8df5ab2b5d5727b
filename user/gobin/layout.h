/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything about a binary that depends on its Go version and build: where the
 * runtime's fields, variables and words are, and how each of them is known.
 * Found once per binary; whoever reads a target's memory asks here.
 */
#ifndef GOBIN_LAYOUT_H
#define GOBIN_LAYOUT_H

#include <gosonde/wire.h>

#include "gobin/globals.h"
#include "gobin/offsets.h"

/* A word of the runtime's memory. */
struct go_word {
	u64 addr;	 /* link-time */
	u32 size;	 /* 1, 4 or 8 bytes */
	const char *how; /* static text; NULL: not known */
};

struct go_layout {
	struct go_offset field[GO_FIELD_COUNT];		/* how NULL: not known */
	struct go_global_place global[GO_GLOBAL_COUNT]; /* how NULL: not known */
	struct err global_why[GO_GLOBAL_COUNT];		/* why not */
	struct go_word gc[WIRE_GC_WORDS];		/* enum wire_gc_word */
	int gc_missing; /* 0, or a negative errno: words that a cycle's figures need lack */
	struct err gc_why;
	char go[32]; /* the version, for messages */
};

/* Finds what there is to find; what there is not stays unknown, with the reason. */
void go_layout_find(const struct gobin *bin, struct go_layout *ret);

/* Returns 0 or -ENOENT. */
int go_layout_offset(const struct go_layout *layout, enum go_field field, struct go_offset *ret);

/* Returns 0, or why the variable was not found: what gobin_global() returned. */
int go_layout_global(const struct go_layout *layout, enum go_global which,
		     struct go_global_place *ret, struct err *err);

/* A field of a variable. Returns 0, or a negative errno with what is missing. */
int go_layout_field(const struct go_layout *layout, enum go_global var, enum go_field field,
		    struct go_word *ret, struct err *err);

#endif
