/* SPDX-License-Identifier: BSD-2-Clause */
/* Heads of Go maps: both layouts, what no map can have, and memory that can't be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "gobin/map_head.h"

struct row {
	const char *name;
	bool swiss;
	u64 word[5];
	int ret;
	struct go_map_head want;
};

#define CLASSIC(flags, b, hash) ((u64)(flags) | (u64)(b) << 8 | (u64)(hash) << 32)

static const struct row rows[] = {
	{ "an empty classic map", false, { 0, CLASSIC(0, 0, 7) }, 0, { 0, 8, 7 } },
	{ "a small one", false, { 8, CLASSIC(0, 0, 7), 0xc000 }, 0, { 8, 8, 7 } },
	{ "a large one, growing, with an iterator and a writer",
	  false,
	  { 425984, CLASSIC(7, 16, 0xfffffffe), 0xc000, 0xd000 },
	  0,
	  { 425984, 524288, 0xfffffffe } },
	{ "more entries than slots", false, { 9, CLASSIC(0, 0, 7), 0xc000 }, -EBADMSG, { 0 } },
	{ "no buckets", false, { 1, CLASSIC(0, 0, 7), 0 }, -EBADMSG, { 0 } },
	{ "flags that don't exist", false, { 1, CLASSIC(16, 0, 7), 0xc000 }, -EBADMSG, { 0 } },
	{ "more buckets than memory", false, { 1, CLASSIC(0, 41, 7), 0xc000 }, -EBADMSG, { 0 } },
	{ "pointers", false, { 0xc000123450, 0xc000678900, 0xc0 }, -EBADMSG, { 0 } },
	{ "an empty Swiss map", true, { 0, 5, 0, 0, 0 }, 0, { 0, 8, 5 } },
	{ "one group", true, { 8, 5, 0xc000, 0, 0 }, 0, { 8, 8, 5 } },
	{ "one table", true, { 896, 5, 0xc000, 1, 64 << 8 }, 0, { 896, 1024, 5 } },
	{ "eight tables", true, { 7000, 5, 0xc000, 8, 3 | 61 << 8 }, 0, { 7000, 8192, 5 } },
	{ "nine in a group", true, { 9, 5, 0xc000, 0, 0 }, -EBADMSG, { 0 } },
	{ "a directory of another depth", true, { 9, 5, 0xc000, 8, 2 }, -EBADMSG, { 0 } },
	{ "more than its tables hold", true, { 8193, 5, 0xc000, 8, 3 }, -EBADMSG, { 0 } },
	{ "no directory", true, { 9, 5, 0, 8, 3 }, -EBADMSG, { 0 } },
	{ "too deep a directory", true, { 9, 5, 0xc000, 0, 63 }, -EBADMSG, { 0 } },
};

static void test_heads(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct go_map_head head = { 0 };
		u8 bytes[GO_MAP_HEAD_BYTES];

		memcpy(bytes, rows[i].word, sizeof(bytes));
		if (go_map_head(bytes, rows[i].swiss, &head) != rows[i].ret ||
		    memcmp(&head, &rows[i].want, sizeof(head)))
			fail_msg("%s: %llu entries, %llu slots, seed %llx", rows[i].name,
				 head.entries, head.slots_max, head.seed);
	}
}

/* Every third address can't be read; at the others lies a map of as many entries as the address. */
static int read_one(void *arg, u64 addr, void *buf, size_t len)
{
	const u64 word[5] = { addr, CLASSIC(0, 6, addr), 0xc000 };
	const u64 swiss[5] = { addr, addr, 0xc000, 1, 0 };

	assert_int_equal(len, GO_MAP_HEAD_BYTES);
	if (addr % 3 == 0)
		return -EFAULT;
	memcpy(buf, *(bool *)arg ? swiss : word, len);
	return 0;
}

static size_t read_pieces(void *arg, const struct memory_piece *pieces, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (read_one(arg, pieces[i].addr, pieces[i].buf, pieces[i].len))
			return i;
	}
	return n;
}

static void test_reading(void **state)
{
	bool swiss = true, known[GO_MAP_HEADS_MAX + 8] = { false };
	struct go_map_head head[GO_MAP_HEADS_MAX + 8];
	u64 address[GO_MAP_HEADS_MAX + 8];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(address); i++)
		address[i] = i + 1;
	for (int turn = 0; turn < 4; turn++) {
		struct memory_reader mem = { read_one, turn & 1 ? read_pieces : NULL, &swiss };

		swiss = turn & 2;
		memset(known, 0, sizeof(known));
		go_map_heads(&mem, swiss, address, ARRAY_SIZE(address), head, known);
		for (size_t i = 0; i < ARRAY_SIZE(address); i++) {
			assert_int_equal(known[i], i < GO_MAP_HEADS_MAX && address[i] % 3 != 0);
			if (known[i])
				assert_int_equal(head[i].entries, address[i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_reading),
	};

	return cmocka_run_group_tests_name("map heads", tests, NULL, NULL);
}
