/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line that GODEBUG=gctrace=1 would print, made from the runtime's own words
 * as they are while the cycle's last stop still holds the world. The runtime
 * prints after the restart, so its line may tell of a cycle what became true only
 * microseconds later; two words are not still:
 *
 * " (forced)": to Go 1.19 gcStart sets work.userForced before it waits for the
 * cycle under way. A runtime.GC() that waits makes the line of another cycle say
 * "(forced)"; a start by allocation that waits takes it away. Here it is the
 * cycle's own.
 *
 * "MB stacks": in Go 1.19 gcController.maxStackScan, which every growth and end
 * of a stack changes; later a figure of the last mark, which keeps.
 */
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
