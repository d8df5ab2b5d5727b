/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON Lines: one object a line, `type` first, field names stable. What is not
 * known is null, never a zero that reads like a measurement. Texts become
 * valid UTF-8, and everything beyond ASCII is written as \uXXXX, so that a line
 * is harmless on a terminal too.
 *
 * Each function writes one line to out, without flushing it.
 * Returns 0, -ENOMEM, or -EIO if out failed.
 */
#ifndef OUTPUT_JSON_H
#define OUTPUT_JSON_H

#include <stdio.h>

#include "alert/alert.h"
#include "base/clock.h"
#include "event/event.h"
#include "event/names.h"
#include "model/gc.h"
#include "model/window.h"
#include "output/attached.h"
#include "output/summary.h"

int json_attached(FILE *out, const struct attached_info *info, const struct timebase *timebase);

int json_window(FILE *out, const struct window *window, const struct timebase *timebase);

/* cycle: one whose end was seen. */
int json_gc(FILE *out, u32 pid, const struct gc_cycle *cycle, const struct timebase *timebase);

/* event: an EVENT_MAP_GROW, -EINVAL for others. names turns its addresses into text. */
int json_map_grow(FILE *out, const struct event *event, const struct names *names,
		  const struct timebase *timebase);

int json_alert(FILE *out, const struct alert *alert, const struct timebase *timebase);

/* time_ns of the line: the total's end. */
int json_summary(FILE *out, const struct summary *summary, const struct timebase *timebase);

#endif
