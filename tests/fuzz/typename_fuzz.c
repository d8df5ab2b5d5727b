/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of types. Input: release (1 byte), a heap of 512 bytes where reflection
 * made types, then the types of the binary; all of it is also a name to be made
 * readable.
 */
#include <errno.h>

#include "fuzz_image.h"
#include "gobin/readable.h"
#include "gobin/types.h"

#define BIAS	  0x7f0000000000ull
#define HEAP_ADDR 0xc000000000ull

enum { HEAP_BYTES = 512, STEP_BYTES = 16 };

struct process {
	struct go_image image;
	u8 heap[HEAP_BYTES];
};

static int read_process(void *arg, u64 addr, void *buf, size_t len)
{
	const struct process *p = arg;
	struct bytes heap =
		bytes_slice((struct bytes) { p->heap, HEAP_BYTES }, addr - HEAP_ADDR, len);
	struct bytes code = bytes_slice((struct bytes) { p->image.bytes, CODE_BYTES },
					addr - BIAS - CODE_ADDR, len);
	const u8 *from = heap.data ? heap.data : code.data;

	if (!from)
		return -EFAULT;
	memcpy(buf, from, len);
	return 0;
}

static void name_type(const struct gobin *bin, const struct memory_reader *mem, u64 addr)
{
	char name[GOTYPE_NAME_MAX];
	struct err err = { "" };
	u8 kind = 0;

	memset(name, 'x', sizeof(name)); /* so that a missing NUL is read past */
	if (gotype_name(bin, BIAS, mem, addr, name, &err))
		FUZZ_CHECK(err.text[0]);
	else
		FUZZ_CHECK(strnlen(name, sizeof(name)) < sizeof(name));
	if (!gotype_kind(mem, addr, &kind, &err))
		FUZZ_CHECK(kind < 32);
}

static void name_types(struct process *p)
{
	CLEANUP(gobin_freep) struct gobin *bin = fuzz_image_open(&p->image);
	const struct memory_reader mem = { .read = read_process, .arg = p };

	FUZZ_CHECK(bin);
	for (u64 at = 0; at < HEAP_BYTES; at += STEP_BYTES)
		name_type(bin, &mem, HEAP_ADDR + at);
	for (u64 at = 0; at < TYPES_BYTES; at += STEP_BYTES)
		name_type(bin, &mem, BIAS + TYPES_ADDR + at);
}

static void make_readable(const uint8_t *data, size_t size)
{
	CLEANUP(freep) char *name = malloc(size + 1), *ret = malloc(size + 1);

	FUZZ_CHECK(name && ret);
	if (size)
		memcpy(name, data, size);
	name[size] = '\0';
	/* Cut anywhere; ret's end is its allocation's. */
	for (size_t room = 1; room <= size + 1; room += 1 + size / 3) {
		char *cut = realloc(ret, room);

		FUZZ_CHECK(cut);
		ret = cut;
		FUZZ_CHECK(strlen(go_readable_func(ret, room, name)) < room);
		FUZZ_CHECK(strlen(go_readable_type(ret, room, name, false)) < room);
		FUZZ_CHECK(strlen(go_readable_type(ret, room, name, true)) < room);
	}
	fuzz_read_text(go_readable_file(name));
	(void)go_shows_wrapper(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct process p;
	struct bytes rest = { data, size };

	make_readable(data, size);
	if (!size)
		return 0;
	(void)fuzz_image_make(&p.image, data[0]);
	rest = bytes_slice(rest, 1, size - 1);
	memset(p.heap, 0, sizeof(p.heap));
	memcpy(p.heap, rest.data, MIN(rest.size, sizeof(p.heap)));
	rest = bytes_slice(rest, HEAP_BYTES, rest.size - MIN(rest.size, (size_t)HEAP_BYTES));
	fuzz_image_lay(&p.image, TYPES_OFFSET, TYPES_BYTES, rest);
	name_types(&p);
	return 0;
}
