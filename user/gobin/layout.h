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
	u64 addr;	     /* link-time */
	u32 size;	     /* 1, 4 or 8 bytes */
	const char *how;     /* static text; NULL: not known */
	bool derived;	     /* from code: not to be used before it was checked */
	const char *checked; /* what a live process has confirmed; static text */
};

struct go_layout {
	struct go_offset field[GO_FIELD_COUNT];		/* how NULL: not known */
	struct go_global_place global[GO_GLOBAL_COUNT]; /* how NULL: not known */
	struct err global_why[GO_GLOBAL_COUNT];		/* why not */
	struct err field_why[GO_FIELD_COUNT];		/* why not; "": this version has none */
	struct go_word gc[WIRE_GC_WORDS];		/* enum wire_gc_word */
	struct err word_why[WIRE_GC_WORDS];
	bool gc_wanted[WIRE_GC_WORDS]; /* this version has such a word */
	bool tabled;		       /* the table holds this version */
	char go[32];		       /* the version, for messages */
};

/* Finds what there is to find; what there is not stays unknown, with the reason. */
void go_layout_find(const struct gobin *bin, struct go_layout *ret);

/* Returns 0, or -ENOENT: not known, or derived from code and not checked on a process. */
int go_layout_offset(const struct go_layout *layout, enum go_field field, struct go_offset *ret);

/* Returns 0, or why the variable was not found: what gobin_global() returned. */
int go_layout_global(const struct go_layout *layout, enum go_global which,
		     struct go_global_place *ret, struct err *err);

/* A word of a GC cycle. Returns 0, or a negative errno with what is missing. */
int go_layout_gc_word(const struct go_layout *layout, enum wire_gc_word which, struct go_word *ret,
		      struct err *err);

/* "memstats.numgc", for messages. */
const char *go_gc_word_name(enum wire_gc_word which);

/* Whether gctrace's line has "MB stacks" and "MB globals": from Go 1.18 on (runtime/mgc.go). */
bool go_prints_scan(const struct goversion *version);

/* Whether a cycle may look for leaked goroutines, and its line says so: from Go 1.26 on. */
bool go_checks_leaks(const struct goversion *version);

/* A field of a variable. Returns 0, or a negative errno with what is missing. */
int go_layout_field(const struct go_layout *layout, enum go_global var, enum go_field field,
		    struct go_word *ret, struct err *err);

#endif
