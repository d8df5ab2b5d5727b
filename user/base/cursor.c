/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/cursor.h"

#include <string.h>

struct cursor cursor_at(struct bytes bytes, size_t pos)
{
	return (struct cursor) { .bytes = bytes, .pos = pos, .failed = pos > bytes.size };
}

const u8 *cursor_take(struct cursor *c, size_t n)
{
	const u8 *p;

	if (c->failed || n > c->bytes.size - c->pos) {
		c->failed = true;
		return NULL;
	}
	p = c->bytes.data + c->pos;
	c->pos += n;
	return p;
}

void cursor_skip(struct cursor *c, size_t n)
{
	(void)cursor_take(c, n);
}

static void take_copy(struct cursor *c, void *to, size_t n)
{
	const u8 *p = cursor_take(c, n);

	if (p)
		memcpy(to, p, n);
	else
		memset(to, 0, n);
}

u8 cursor_u8(struct cursor *c)
{
	u8 v;

	take_copy(c, &v, sizeof(v));
	return v;
}

u16 cursor_u16(struct cursor *c)
{
	u16 v;

	take_copy(c, &v, sizeof(v));
	return v;
}

u32 cursor_u32(struct cursor *c)
{
	u32 v;

	take_copy(c, &v, sizeof(v));
	return v;
}

u64 cursor_u64(struct cursor *c)
{
	u64 v;

	take_copy(c, &v, sizeof(v));
	return v;
}

u64 cursor_uvarint(struct cursor *c)
{
	u64 value = 0;

	for (unsigned int shift = 0; shift < 64; shift += 7) {
		u8 byte = cursor_u8(c);

		if (shift == 63 && byte > 1)
			break;
		value |= (u64)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return c->failed ? 0 : value;
	}
	c->failed = true;
	return 0;
}

const char *cursor_cstr(struct cursor *c, size_t max_len)
{
	size_t left = c->failed ? 0 : c->bytes.size - c->pos;
	const u8 *start, *nul = NULL;

	if (left) {
		start = c->bytes.data + c->pos;
		nul = memchr(start, 0, left < max_len ? left : max_len);
	}
	if (!nul) {
		c->failed = true;
		return NULL;
	}
	c->pos += (size_t)(nul - start) + 1;
	return (const char *)start;
}

struct bytes bytes_slice(struct bytes bytes, u64 off, u64 size)
{
	if (off > bytes.size || size > bytes.size - off)
		return (struct bytes) { 0 };
	/* Of no bytes at all a part is no bytes: C forbids NULL + 0. */
	return (struct bytes) { .data = bytes.data ? bytes.data + off : NULL, .size = size };
}
