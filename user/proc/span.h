/* SPDX-License-Identifier: BSD-2-Clause */
/* Parts of a text, taken off its front one by one; nothing is copied. Pure. */
#ifndef PROC_SPAN_H
#define PROC_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* A part of a text that ends before a byte; not NUL-terminated. */
struct span {
	const char *at;
	size_t len;
};

/* What stands up to the separator or the end of the rest, which moves past it. */
static inline struct span span_take(struct span *rest, char separator)
{
	const char *end = memchr(rest->at, separator, rest->len);
	struct span part = { rest->at, end ? (size_t)(end - rest->at) : rest->len };

	rest->at += part.len + (end ? 1 : 0);
	rest->len -= part.len + (end ? 1 : 0);
	return part;
}

static inline bool span_is(struct span part, const char *word)
{
	return part.len == strlen(word) && !memcmp(part.at, word, part.len);
}

/* Whether it begins with the word, which is then taken off. */
static inline bool span_skip(struct span *part, const char *word)
{
	size_t len = strlen(word);

	if (part->len < len || memcmp(part->at, word, len) != 0)
		return false;
	part->at += len;
	part->len -= len;
	return true;
}

static inline bool span_ends_with(struct span part, const char *word)
{
	size_t len = strlen(word);

	return part.len >= len && !memcmp(part.at + part.len - len, word, len);
}

#endif
