/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What people read on a terminal: a line per window, a block per alert, a
 * table at the end. Every text of the target is escaped. Nothing is flushed;
 * whether the stream failed is for its owner to ask (ferror).
 */
#ifndef OUTPUT_TEXT_H
#define OUTPUT_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "alert/alert.h"
#include "base/clock.h"
#include "event/event.h"
#include "event/names.h"
#include "model/gc.h"
#include "model/window.h"
#include "output/attached.h"
#include "output/summary.h"

struct text_output {
	FILE *out;		   /* borrowed */
	bool colour;		   /* escape sequences for alerts and headings */
	unsigned int header_every; /* window lines between two headings; 0: no heading */
	unsigned int since_header; /* state: start with 0 */
};

/* The target and each probe with its site, class and cost; then what was left out, and why. */
void text_attached(struct text_output *t, const struct attached_info *info);

/* The target, and how many probes of each group stand; what was left out, and why. */
void text_attached_brief(struct text_output *t, const struct attached_info *info);

/*
 * One line, below a heading every header_every lines. "-": not watched or not
 * known; "~": estimated from samples; ">": at least this.
 */
void text_window(struct text_output *t, const struct window *window,
		 const struct timebase *timebase);

/* One line of a cycle whose end was seen: its stops, mark time and heap. */
void text_gc(struct text_output *t, u32 pid, const struct gc_cycle *cycle,
	     const struct timebase *timebase);

/* event: an EVENT_MAP_GROW; others print nothing. One line with the innermost frame. */
void text_map_grow(struct text_output *t, const struct event *event, const struct names *names,
		   const struct timebase *timebase);

/* What, how bad, since when, whose code, what to do. */
void text_alert(struct text_output *t, const struct alert *alert, const struct timebase *timebase);

/* Totals, how they were obtained, what was lost, the sites that stand out. */
void text_summary(struct text_output *t, const struct summary *summary);

#endif
