/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bounds-checked reader over foreign bytes, with a sticky error: a parser is
 * straight-line code that asks cursor_failed() once, at the end. A read past
 * the end gives zero and marks the cursor; nothing is ever read outside.
 * Little-endian: every architecture that gosonde supports is.
 */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>

#include <gosonde/types.h>

/* Borrowed bytes; the owner must outlive every slice of them. */
struct bytes {
	const u8 *data;
	size_t size;
};

struct cursor {
	struct bytes bytes;
	size_t pos;
	bool failed;
};

/* A cursor over bytes that starts at pos; already failed if pos is past the end. */
struct cursor cursor_at(struct bytes bytes, size_t pos);

u8 cursor_u8(struct cursor *c);
u16 cursor_u16(struct cursor *c);
u32 cursor_u32(struct cursor *c);
u64 cursor_u64(struct cursor *c);

/* Unsigned LEB128, as Go's pc-value tables and build info use it. Fails past 10 bytes or 64 bits.
 */
u64 cursor_uvarint(struct cursor *c);

/* Moves n bytes on. */
void cursor_skip(struct cursor *c, size_t n);

/* The next n bytes, borrowed; NULL once the cursor has failed. */
const u8 *cursor_take(struct cursor *c, size_t n);

/*
 * The NUL-terminated text at the cursor, borrowed, and moves past its NUL.
 * NULL (and failed) when no NUL stands within the bytes or within max_len of them.
 */
const char *cursor_cstr(struct cursor *c, size_t max_len);

static inline bool cursor_failed(const struct cursor *c)
{
	return c->failed;
}

/* The part [off, off + size) of bytes; {NULL, 0} when it does not lie within them. */
struct bytes bytes_slice(struct bytes bytes, u64 off, u64 size);

#endif
