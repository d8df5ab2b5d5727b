/* SPDX-License-Identifier: BSD-2-Clause */
#include "event/stack.h"

enum { KIND_NAME_BYTES = 256 }; /* where only the kind counts */

/* The next frame, whatever it is: its kind, or -1 at the end. */
static int step(struct stack_walk *walk, char *buf, size_t size)
{
	const struct names *names = walk->names;

	for (; walk->index < walk->stack.frames; walk->index++, walk->depth = 0) {
		int kind = names->frame_at(names->arg, walk->stack.pc[walk->index], true,
					   walk->depth, buf, size);

		if (kind < 0)
			continue;
		walk->depth++;
		return kind;
	}
	return -1;
}

static bool has_program(struct stack_walk walk)
{
	char text[KIND_NAME_BYTES];
	int kind;

	do
		kind = step(&walk, text, sizeof(text));
	while (kind >= 0 && kind != FRAME_PROGRAM);
	return kind == FRAME_PROGRAM;
}

struct stack_walk stack_walk_start(const struct names *names, struct event_stack stack,
				   enum stack_part part)
{
	struct stack_walk walk = { .names = names, .stack = stack };

	walk.skip_runtime = part == STACK_OF_PROGRAM && has_program(walk);
	return walk;
}

bool stack_walk_next(struct stack_walk *walk, char *buf, size_t size)
{
	bool skip;
	int kind;

	do {
		kind = step(walk, buf, size);
		if (kind == FRAME_PROGRAM)
			walk->skip_runtime = false;
		/* The callee decides: tracebackPCs() in runtime/traceback.go. */
		skip = walk->skip_runtime || (kind == FRAME_WRAPPER && !walk->show_wrapper);
		walk->show_wrapper = kind == FRAME_PANIC;
	} while (kind >= 0 && skip);
	return kind >= 0;
}
