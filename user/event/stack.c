/* SPDX-License-Identifier: BSD-2-Clause */
#include "event/stack.h"

#include "gobin/probeset.h"

struct event_stack stack_of_program(const struct names *names, struct event_stack stack)
{
	char func[256];

	for (size_t i = 0; i < stack.frames; i++) {
		(void)names->func(names->arg, stack.pc[i], true, func, sizeof(func));
		if (!go_is_runtime_code(func))
			return (struct event_stack) { stack.pc + i, stack.frames - i };
	}
	return stack;
}
