/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which part of a pause was long: until the world had stopped, or while it stood
 * still; and whether either was for lack of CPU time, which what was read
 * around the pause makes likely, possible, or rules out.
 */
#ifndef DETECT_PAUSE_VERDICT_H
#define DETECT_PAUSE_VERDICT_H

#include "detect/evidence.h"
#include "model/gc.h"

enum pause_part {
	PAUSE_UNKNOWN, /* this version of Go does not tell the parts apart */
	PAUSE_THROTTLED,
	PAUSE_CPU_WAIT,
	PAUSE_SLOW_TO_STOP,
	PAUSE_LONG_STOPPED,
};

/* How much of a pause one kind of waiting explains. */
enum cpu_lack {
	CPU_LACK_NOT_KNOWN, /* not read for this pause */
	CPU_LACK_RULED_OUT, /* in all of the time that was read, less than half of the pause */
	CPU_LACK_POSSIBLE,  /* half of the pause or more, but in a time that is much longer, or only
			       with all threads added up */
	CPU_LACK_LIKELY,    /* by one thread, and the time is hardly longer, or half full of it */
};

struct pause_verdict {
	enum pause_part part;
	enum cpu_lack throttled, runqueue, lack; /* lack: both together */
};

struct pause_verdict pause_verdict(const struct gc_stop *stop);

/* Evidence: the verdict and what it rests on. */
void pause_explain(const struct gc_stop *stop, struct explanation *ret);

/* "84 ms of it waited for a goroutine to stop; a lack of CPU is ruled out". whose: "it". */
void pause_summary(const struct gc_stop *stop, const char *whose, char *buf, size_t size);

/* What to do about it: first to look for a lack of CPU, where that was neither found nor ruled out.
 */
void pause_advice(const struct gc_stop *stop, char *buf, size_t size);

#endif
