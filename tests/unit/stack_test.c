/* SPDX-License-Identifier: BSD-2-Clause */
/* Which frames of a stack people see, and in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/macros.h"
#include "event/stack.h"

enum { FRAMES_MAX = 4 };

/*
 * An address is four digits, the kinds of its frames from the innermost on, the lowest first:
 * 1 program, 2 runtime, 3 panic, 4 wrapper, 0 no more.
 */
static int frame_at(void *arg, u64 pc, bool return_address, size_t depth, char *buf, size_t size)
{
	static const enum frame_kind kinds[] = { 0, FRAME_PROGRAM, FRAME_RUNTIME, FRAME_PANIC,
						 FRAME_WRAPPER };
	u64 digit = pc;

	(void)arg;
	assert_true(return_address);
	for (size_t i = 0; i < depth; i++)
		digit /= 10;
	digit %= 10;
	if (depth >= FRAMES_MAX || !digit)
		return -ENOENT;
	snprintf(buf, size, "%c%llu.%zu", "?mrpw"[digit], pc, depth);
	return (int)kinds[digit];
}

static const struct names names = { .frame_at = frame_at };

static const struct {
	const char *why;
	u64 pc[6];
	size_t frames;
	const char *whole, *program;
} rows[] = {
	{ "no stack", { 0 }, 0, "", "" },
	{ "one frame an address", { 1, 1 }, 2, "m1.0 m1.0", "m1.0 m1.0" },
	{ "inlined calls come first",
	  { 111, 1 },
	  2,
	  "m111.0 m111.1 m111.2 m1.0",
	  "m111.0 m111.1 m111.2 m1.0" },
	{ "the runtime leads to the probe",
	  { 2, 22, 1, 2 },
	  4,
	  "r2.0 r22.0 r22.1 m1.0 r2.0",
	  "m1.0 r2.0" },
	{ "the program begins amid an address", { 12, 2 }, 2, "r12.0 m12.1 r2.0", "m12.1 r2.0" },
	{ "nothing but the runtime", { 2, 32 }, 2, "r2.0 r32.0 p32.1", "r2.0 r32.0 p32.1" },
	{ "wrappers are left out", { 1, 4, 1 }, 3, "m1.0 m1.0", "m1.0 m1.0" },
	{ "inlined ones too", { 1, 141 }, 2, "m1.0 m141.0 m141.2", "m1.0 m141.0 m141.2" },
	{ "a wrapper is no program code to begin with", { 2, 4, 1 }, 3, "r2.0 m1.0", "m1.0" },
	{ "a wrapper that panicked is shown",
	  { 1, 3, 4, 1 },
	  4,
	  "m1.0 p3.0 w4.0 m1.0",
	  "m1.0 p3.0 w4.0 m1.0" },
	{ "but not the one that called it",
	  { 1, 3, 4, 4, 1 },
	  5,
	  "m1.0 p3.0 w4.0 m1.0",
	  "m1.0 p3.0 w4.0 m1.0" },
	{ "only wrappers: nothing to show", { 4, 4 }, 2, "", "" },
	{ "an address that is no code is none", { 1, 0, 1 }, 3, "m1.0 m1.0", "m1.0 m1.0" },
	{ "at the inner end too", { 0, 2, 1 }, 3, "r2.0 m1.0", "m1.0" },
};

static void walk(size_t row, enum stack_part part, const char *want)
{
	struct event_stack stack = { .pc = rows[row].pc, .frames = rows[row].frames };
	struct stack_walk w = stack_walk_start(&names, stack, part);
	char frame[64], text[512] = "";

	while (stack_walk_next(&w, frame, sizeof(frame))) {
		strcat(text, text[0] ? " " : "");
		strcat(text, frame);
	}
	if (strcmp(text, want) != 0)
		fail_msg("%s: got \"%s\", wanted \"%s\"", rows[row].why, text, want);
	assert_false(stack_walk_next(&w, frame, sizeof(frame))); /* the end stays the end */
}

static void frames_come_in_call_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		walk(i, STACK_WHOLE, rows[i].whole);
		walk(i, STACK_OF_PROGRAM, rows[i].program);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_come_in_call_order),
	};

	return cmocka_run_group_tests_name("stack", tests, NULL, NULL);
}
