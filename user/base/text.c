/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include <gosonde/types.h>

/* A text being written: always room for the NUL. */
struct text_out {
	char *buf;
	size_t size, len;
	size_t cut; /* the last length at which "..." still fits */
};

static struct text_out text_out_at(char *buf, size_t size)
{
	buf[0] = '\0';
	return (struct text_out) { .buf = buf, .size = size };
}

/* Appends a piece as a whole, or ends the text. Returns false once it is full. */
static bool put(struct text_out *out, const char *piece, size_t len)
{
	static const char mark[] = "...";

	if (len >= out->size - out->len) {
		out->len = out->cut;
		if (out->size > strlen(mark)) {
			memcpy(out->buf + out->len, mark, sizeof(mark));
			out->len += strlen(mark);
		}
		out->buf[out->len] = '\0';
		return false;
	}
	memcpy(out->buf + out->len, piece, len);
	out->len += len;
	out->buf[out->len] = '\0';
	if (out->len + strlen(mark) < out->size)
		out->cut = out->len;
	return true;
}

/*
 * The character at s: its length in bytes, its code point in *ret. 0 when the
 * bytes are no UTF-8 by RFC 3629: cut short, overlong, a surrogate or past U+10FFFF.
 */
static size_t utf8_decode(const char *s, u32 *ret)
{
	static const u32 least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	u8 first = (u8)s[0];
	u32 cp;
	size_t len;

	if (first < 0x80) {
		*ret = first;
		return 1;
	}
	if (first < 0xc0 || first >= 0xf8)
		return 0;
	len = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	cp = first & (0x7f >> len);
	for (size_t i = 1; i < len; i++) {
		u8 next = (u8)s[i]; /* a NUL ends the loop here */

		if ((next & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (next & 0x3f);
	}
	if (cp < least[len] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	*ret = cp;
	return len;
}

/* Characters that move, hide or reorder what stands around them. Unicode 15: Cf, Zl, Zp. */
static bool is_deceptive(u32 cp)
{
	static const struct {
		u32 first, last;
	} ranges[] = {
		{ 0x80, 0x9f },	      /* C1 controls: 0x9b is CSI */
		{ 0xad, 0xad },	      /* soft hyphen */
		{ 0x61c, 0x61c },     /* Arabic letter mark */
		{ 0x180e, 0x180e },   /* Mongolian vowel separator */
		{ 0x200b, 0x200f },   /* zero width, direction marks */
		{ 0x2028, 0x202e },   /* line separators, embeddings, overrides */
		{ 0x2060, 0x206f },   /* word joiner, isolates */
		{ 0xfeff, 0xfeff },   /* byte order mark */
		{ 0xfff9, 0xfffb },   /* interlinear annotation */
		{ 0xe0000, 0xe007f }, /* tags */
	};

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (cp >= ranges[i].first && cp <= ranges[i].last)
			return true;
	return false;
}

/* One character as it goes out, before quoting. Returns how many bytes of raw it stands for. */
static size_t escape_one(const char *raw, char piece[static 16], size_t *ret_len)
{
	u32 cp = 0;
	size_t len = utf8_decode(raw, &cp);
	int n;

	if (len == 0 || cp < 0x20 || cp == 0x7f) {
		n = snprintf(piece, 16, "\\x%02x", (unsigned int)(u8)raw[0]);
		len = 1;
	} else if (is_deceptive(cp)) {
		n = snprintf(piece, 16, "\\u{%x}", cp);
	} else {
		memcpy(piece, raw, len);
		n = (int)len;
	}
	*ret_len = (size_t)n;
	return len;
}

char *text_escape(char *buf, size_t size, const char *raw)
{
	struct text_out out = text_out_at(buf, size);
	char piece[16];
	size_t len;

	while (*raw) {
		raw += escape_one(raw, piece, &len);
		if (!put(&out, piece, len))
			break;
	}
	return buf;
}

char *text_quote(char *buf, size_t size, const char *raw, enum text_quoting quoting)
{
	const char *reserved = quoting == TEXT_SD ? "\"\\]" : "\"\\";
	struct text_out out = text_out_at(buf, size);
	char piece[16], quoted[2 * sizeof(piece)];
	size_t len;

	while (*raw) {
		size_t n = 0;

		raw += escape_one(raw, piece, &len);
		for (size_t i = 0; i < len; i++) {
			if (strchr(reserved, piece[i]))
				quoted[n++] = '\\';
			quoted[n++] = piece[i];
		}
		if (!put(&out, quoted, n))
			break;
	}
	return buf;
}

size_t text_columns(const char *escaped)
{
	size_t n = 0;

	for (; *escaped; escaped++)
		n += ((u8)*escaped & 0xc0) != 0x80;
	return n;
}

char *text_utf8(char *buf, size_t size, const char *raw)
{
	static const char replacement[] = "\uFFFD";
	struct text_out out = text_out_at(buf, size);
	u32 cp;

	while (*raw) {
		size_t len = utf8_decode(raw, &cp);
		bool fits = len ? put(&out, raw, len) : put(&out, replacement, strlen(replacement));

		if (!fits)
			break;
		raw += len ? len : 1;
	}
	return buf;
}
