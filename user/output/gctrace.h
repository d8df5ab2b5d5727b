/* SPDX-License-Identifier: BSD-2-Clause */
/* The line that GODEBUG=gctrace=1 would print, made from the runtime's own words. */
#ifndef OUTPUT_GCTRACE_H
#define OUTPUT_GCTRACE_H

#include "event/event.h"

enum { GCTRACE_BUF = 512 };

/*
 * "gc 1 @0.012s 2%: 0.026+0.39+0.010 ms clock, …, 4 P (forced)", without a newline.
 * Returns 0; -ENODATA (a word that the line needs was not read), -EBADMSG (the CPU
 * fraction is no fraction). buf is "" then: half a line would be taken for a whole one.
 */
int gctrace_line(char buf[static GCTRACE_BUF], const struct event_gc_end *gc);

#endif
