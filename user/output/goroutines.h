/* SPDX-License-Identifier: BSD-2-Clause */
/* The goroutine census for people and for programs. */
#ifndef OUTPUT_GOROUTINES_H
#define OUTPUT_GOROUTINES_H

#include <stdio.h>

#include "gobin/census.h"
#include "gobin/gc_memory.h"
#include "model/goroutine_groups.h"
#include "output/text.h"

/* What the numbers of a kind mean, in raw text. Borrowed. */
struct goroutine_texts {
	void *arg;
	const char *(*site)(void *arg, u32 site);
	const char *(*start)(void *arg, u32 start);
	const char *(*wait)(void *arg, u8 wait); /* NULL: it does not wait, or not known */
};

/* A census, put together. All borrowed. */
struct goroutine_report {
	u32 pid;
	const char *exe, *go; /* raw */
	enum goroutine_by by;
	const struct goroutine_group *groups;
	size_t group_count;
	u64 live;	/* as runtime.NumGoroutine counts */
	u64 system;	/* the runtime's own, which it does not count */
	u64 skipped;	/* entries that could not be read or made no sense */
	u64 sampled_ns; /* for so long the id counter was sampled */
	const struct go_gc_memory *gc;
	struct goroutine_texts texts;
};

/* One goroutine, for the list of all. */
struct goroutine_line {
	u64 id, parent; /* parent 0: not known */
	bool system;
	struct goroutine_kind kind;
	struct goid_birth birth;
};

/* "site", "wait", "state". */
const char *goroutine_by_name(enum goroutine_by by);

/*
 * A head, a table with the top groups, the others in one row, and how the ages
 * are known. top: 0 for all; width: columns of the terminal, 0: unlimited.
 * Returns 0, -ENOMEM, -EIO.
 */
int goroutines_text(struct text_output *t, const struct goroutine_report *report, size_t top,
		    unsigned int width);

/* One line of type "goroutine_group" each, then "goroutine_total". Returns 0, -ENOMEM, -EIO. */
int goroutines_json(FILE *out, const struct goroutine_report *report);

/* One line of type "goroutine". Returns 0, -ENOMEM, -EIO. */
int goroutine_json(FILE *out, u32 pid, const struct goroutine_line *line, u64 now_ns,
		   const struct goroutine_texts *texts);

#endif
