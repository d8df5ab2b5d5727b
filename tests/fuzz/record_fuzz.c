/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records of the ring buffer, whose words a target chose, into events. Input:
 * how the target's memory answers (1 byte), then the record.
 */
#include <errno.h>

#include "event/decode.h"
#include "fuzz.h"

/* What names get out of a target: the bytes of the input again, or nothing. */
struct target {
	struct bytes memory;
	bool readable;
};

static int put_text(const struct target *t, u64 addr, char *buf, size_t size)
{
	size_t at = t->memory.size ? addr % t->memory.size : 0, n;

	FUZZ_CHECK(size);
	n = MIN(t->memory.size - at, size - 1);
	memcpy(buf, t->memory.data + at, n);
	buf[n] = '\0';
	return 0;
}

static int name_type(void *arg, u64 type, char *buf, size_t size)
{
	static const char *const known[] = { "string",
					     "runtime.errorString",
					     "error",
					     "*runtime.TypeAssertionError",
					     "runtime.plainError",
					     "runtime.boundsError" };
	const struct target *t = arg;

	if (type % 16 < ARRAY_SIZE(known)) {
		FUZZ_CHECK((size_t)snprintf(buf, size, "%s", known[type % 16]) < size);
		return 0;
	}
	if (t->readable)
		return put_text(t, type, buf, size);
	FUZZ_CHECK((size_t)snprintf(buf, size, "?") < size);
	return -EFAULT;
}

static int read_string(void *arg, u64 ptr, u64 len, char *buf, size_t size)
{
	const struct target *t = arg;

	(void)len;
	if (t->readable)
		return put_text(t, ptr, buf, size);
	buf[0] = '\0';
	return -EFAULT;
}

static int read_words(void *arg, u64 addr, void *buf, size_t len)
{
	const struct target *t = arg;

	(void)addr;
	if (!t->readable)
		return -EFAULT;
	memset(buf, 0x41, len);
	return 0;
}

static void walk_stack(const struct event_stack *stack)
{
	FUZZ_CHECK(stack->frames <= WIRE_MAX_FRAMES);
	fuzz_read_bytes((struct bytes) { (const u8 *)stack->pc, stack->frames * sizeof(u64) });
}

static void walk(const struct event *event)
{
	if (event->kind == EVENT_MAP_GROW)
		walk_stack(&event->map_grow.stack);
	if (event->kind == EVENT_STOP)
		FUZZ_CHECK(strnlen(event->stop.reason_text, 64) < 64);
	if (event->kind != EVENT_FAULT)
		return;
	walk_stack(&event->fault.stack);
	FUZZ_CHECK(strnlen(event->fault.type, 256) < 256);
	FUZZ_CHECK(strnlen(event->fault.text, 512) < 512);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(freep) u8 *record = malloc(size + 1); /* aligned as the ring's are */
	struct target target = { .memory = { data, size } };
	struct names names = { &target, NULL, NULL, NULL, name_type, read_words, read_string };
	struct event event;

	FUZZ_CHECK(record);
	if (!size)
		return 0;
	memset(&event, 'x', sizeof(event));
	target.readable = data[0] & 1;
	memcpy(record, data + 1, size - 1);
	record = realloc(TAKE_PTR(record), MAX(size - 1, (size_t)1));
	FUZZ_CHECK(record);
	if (!event_decode(record, size - 1, &names, &event))
		walk(&event);
	return 0;
}
