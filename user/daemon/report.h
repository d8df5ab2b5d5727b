/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a command's results go: the same facts as text for people or as JSON Lines. */
#ifndef DAEMON_REPORT_H
#define DAEMON_REPORT_H

#include <stdio.h>

#include "base/err.h"
#include "output/json.h"
#include "output/text.h"

struct report;

struct report_ops {
	const char *name; /* of --output */
	/* The only one that may refuse: a negative errno ends the session before it observes. */
	int (*attached)(struct report *r, const struct attached_info *info, struct err *err);
	void (*window)(struct report *r, const struct window *window);
	void (*gc)(struct report *r, u32 pid, const struct gc_cycle *cycle);
	void (*map_grow)(struct report *r, const struct event *event, const struct names *names);
	void (*alert)(struct report *r, const struct alert *alert);
	void (*summary)(struct report *r, const struct summary *summary);
};

struct report {
	const struct report_ops *ops;
	FILE *out; /* results; borrowed */
	struct text_output text;
	bool text_events; /* in text too, a line for each GC cycle and each map growth */
	struct timebase timebase;
};

/* The kind called name; NULL if there is none. */
const struct report_ops *report_find(const char *name);

#endif
