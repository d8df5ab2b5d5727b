/* SPDX-License-Identifier: BSD-2-Clause */
/* A stack's frames, as people read them: in call order, inlined calls among them. */
#ifndef EVENT_STACK_H
#define EVENT_STACK_H

#include "event/event.h"
#include "event/names.h"

enum stack_part {
	STACK_WHOLE,
	/* From the program's own code on: without the runtime's frames that lead to the probe (a
	 * map grows below runtime.mapassign). All of it if there is nothing else. */
	STACK_OF_PROGRAM,
};

struct stack_walk {
	const struct names *names; /* borrowed, as the stack's addresses are */
	struct event_stack stack;
	size_t index, depth; /* of the next frame: which address, which of its frames */
	bool skip_runtime;   /* the program's code has not begun yet */
	bool show_wrapper;   /* the last frame was FRAME_PANIC */
};

struct stack_walk stack_walk_start(const struct names *names, struct event_stack stack,
				   enum stack_part part);

/*
 * The next frame, innermost first, as names.frame_at writes it. Wrappers are
 * left out where the runtime leaves them out of its tracebacks.
 * Returns false at the end, buf then untouched.
 */
bool stack_walk_next(struct stack_walk *walk, char *buf, size_t size);

#endif
