/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "base/macros.h"

static struct bytes bytes_of(const void *data, size_t size)
{
	return (struct bytes) { .data = data, .size = size };
}

static void test_fixed_width(void **state)
{
	static const u8 data[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
	struct cursor c = cursor_at(bytes_of(data, sizeof(data)), 0);

	(void)state;
	assert_int_equal(cursor_u8(&c), 0x01);
	assert_int_equal(cursor_u16(&c), 0x0302);
	assert_int_equal(cursor_u32(&c), 0x07060504);
	assert_int_equal(cursor_u64(&c), 0x0f0e0d0c0b0a0908ull);
	assert_false(cursor_failed(&c));
	assert_int_equal(c.pos, sizeof(data));
}

/* Whatever is read behind the end is zero, and the failure stays although bytes are left. */
static void test_sticky_failure(void **state)
{
	static const u8 data[] = { 0xff, 0xff, 0xff };
	struct cursor c = cursor_at(bytes_of(data, sizeof(data)), 0);

	(void)state;
	assert_int_equal(cursor_u32(&c), 0);
	assert_true(cursor_failed(&c));
	assert_int_equal(cursor_u8(&c), 0);
	assert_null(cursor_take(&c, 0));
	assert_null(cursor_cstr(&c, 1));
	assert_int_equal(cursor_uvarint(&c), 0);
	assert_true(cursor_failed(&c));
}

static void test_start(void **state)
{
	static const u8 data[] = { 7 };
	struct cursor at_end = cursor_at(bytes_of(data, 1), 1);
	struct cursor past = cursor_at(bytes_of(data, 1), 2);
	struct cursor far = cursor_at(bytes_of(data, 1), SIZE_MAX);
	struct cursor empty = cursor_at((struct bytes) { 0 }, 0);

	(void)state;
	assert_false(cursor_failed(&at_end));
	assert_non_null(cursor_take(&at_end, 0));
	assert_true(cursor_failed(&past));
	assert_true(cursor_failed(&far));
	assert_int_equal(cursor_u8(&empty), 0);
	assert_true(cursor_failed(&empty));
}

static void test_skip(void **state)
{
	static const u8 data[] = { 1, 2, 3 };
	struct cursor c = cursor_at(bytes_of(data, sizeof(data)), 1);

	(void)state;
	cursor_skip(&c, 1);
	assert_int_equal(cursor_u8(&c), 3);
	cursor_skip(&c, SIZE_MAX); /* must not wrap around */
	assert_true(cursor_failed(&c));
}

static const struct {
	const char *why;
	u8 data[12];
	size_t size;
	u64 value;
	bool fails;
} varints[] = {
	{ "zero", { 0x00 }, 1, 0, false },
	{ "one byte", { 0x7f }, 1, 127, false },
	{ "two bytes", { 0x80, 0x01 }, 2, 128, false },
	{ "not the shortest form", { 0x80, 0x00 }, 2, 0, false },
	{ "2^63",
	  { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01 },
	  10,
	  1ull << 63,
	  false },
	{ "2^64 - 1",
	  { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01 },
	  10,
	  ~0ull,
	  false },
	{ "2^64", { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02 }, 10, 0, true },
	{ "eleven bytes",
	  { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x81, 0x00 },
	  11,
	  0,
	  true },
	{ "cut short after a byte that has a value", { 0xff }, 1, 0, true },
	{ "nothing", { 0 }, 0, 0, true },
};

static void test_uvarint(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(varints); i++) {
		struct cursor c = cursor_at(bytes_of(varints[i].data, varints[i].size), 0);
		u64 value = cursor_uvarint(&c);

		if (value != varints[i].value || cursor_failed(&c) != varints[i].fails)
			fail_msg("%s: %#llx, failed %d", varints[i].why, value, cursor_failed(&c));
		if (!varints[i].fails)
			assert_int_equal(c.pos, varints[i].size);
	}
}

/* Encodes as the format is defined and reads that back, for every length. */
static void test_uvarint_round_trip(void **state)
{
	(void)state;
	for (unsigned int shift = 0; shift < 64; shift++) {
		for (int add = -1; add <= 1; add++) {
			u64 value = (1ull << shift) + (u64)add, rest = value;
			u8 data[10];
			size_t n = 0;
			struct cursor c;

			for (; rest >= 0x80; rest >>= 7)
				data[n++] = (u8)(rest | 0x80);
			data[n++] = (u8)rest;
			c = cursor_at(bytes_of(data, n), 0);
			assert_true(cursor_uvarint(&c) == value);
			assert_int_equal(c.pos, n);
			assert_false(cursor_failed(&c));
		}
	}
}

static void test_cstr(void **state)
{
	static const char data[] = { 'a', 'b', 0, 0, 'c', 'd' };
	struct cursor c = cursor_at(bytes_of(data, sizeof(data)), 0);

	(void)state;
	assert_string_equal(cursor_cstr(&c, SIZE_MAX), "ab");
	assert_string_equal(cursor_cstr(&c, SIZE_MAX), "");
	assert_null(cursor_cstr(&c, SIZE_MAX)); /* no NUL before the end */
	assert_true(cursor_failed(&c));
	c = cursor_at(bytes_of(data, sizeof(data)), 0);
	assert_null(cursor_cstr(&c, 2)); /* its NUL is the third byte */
	c = cursor_at(bytes_of(data, sizeof(data)), 0);
	assert_string_equal(cursor_cstr(&c, 3), "ab");
}

static void test_slice(void **state)
{
	static const u8 data[8];
	static const struct {
		u64 offset, size;
		bool inside;
	} rows[] = {
		{ 0, 8, true },	     { 8, 0, true },	  { 3, 5, true },
		{ 3, 6, false },     { 9, 0, false },	  { 0, 9, false },
		{ ~0ull, 1, false }, { 1, ~0ull, false }, { ~0ull, ~0ull, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bytes part =
			bytes_slice(bytes_of(data, sizeof(data)), rows[i].offset, rows[i].size);

		assert_ptr_equal(part.data, rows[i].inside ? data + rows[i].offset : NULL);
		assert_int_equal(part.size, rows[i].inside ? rows[i].size : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fixed_width), cmocka_unit_test(test_sticky_failure),
		cmocka_unit_test(test_start),	    cmocka_unit_test(test_skip),
		cmocka_unit_test(test_uvarint),	    cmocka_unit_test(test_uvarint_round_trip),
		cmocka_unit_test(test_cstr),	    cmocka_unit_test(test_slice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
