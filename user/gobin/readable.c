/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/readable.h"

#include <string.h>

#include <gosonde/types.h>

#include "base/macros.h"

struct writer {
	char *buf;
	size_t size, len;
};

static void put(struct writer *w, const char *text, size_t n)
{
	n = MIN(n, w->size - 1 - w->len);
	memcpy(w->buf + w->len, text, n);
	w->len += n;
	w->buf[w->len] = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; /* PathToPrefix writes small ones */
}

/* The byte that an escape at s stands for, or -1. Only what PathToPrefix escapes is one. */
static int unescape(const char *s)
{
	int high, low, c;

	if (s[0] != '%')
		return -1;
	high = hex_digit(s[1]);
	low = high < 0 ? -1 : hex_digit(s[2]);
	if (low < 0)
		return -1;
	c = high * 16 + low;
	return c && (c <= ' ' || c == '.' || c == '%' || c == '"' || c >= 0x7f) ? c : -1;
}

static void put_unescaped(struct writer *w, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int c = unescape(text + i); /* stops at the NUL at the latest */
		char byte = (char)c;

		if (c >= 0 && i + 2 < n) {
			put(w, &byte, 1);
			i += 2;
		} else {
			put(w, text + i, 1);
		}
	}
}

/* The bracket that closes the one at open; NULL: none does. */
static const char *closing(const char *open)
{
	int depth = 0;

	for (const char *s = open; *s; s++) {
		depth += *s == '[';
		depth -= *s == ']';
		if (!depth)
			return s;
	}
	return NULL;
}

/* type:.eq.[2]main.T compares arrays: its brackets are of the type. "type.." before Go 1.20. */
static bool is_generated(const char *name)
{
	return !strncmp(name, "type:.", strlen("type:.")) ||
	       !strncmp(name, "type..", strlen("type.."));
}

char *go_readable_func(char *buf, size_t size, const char *name)
{
	struct writer w = { .buf = buf, .size = size };
	bool has_arguments = !is_generated(name);
	const char *open, *close;

	buf[0] = '\0';
	while (has_arguments && (open = strchr(name, '[')) && (close = closing(open))) {
		put_unescaped(&w, name, (size_t)(open - name));
		put(&w, "[...]", strlen("[...]"));
		name = close + 1;
	}
	put_unescaped(&w, name, strlen(name));
	return buf;
}

/* The `_0` that ends the shape which begins at s, or where it would be; NULL: there is none. */
static const char *shape_number(const char *s)
{
	int depth = 0;

	for (; *s && depth >= 0; s++) {
		size_t digits = *s == '_' ? strspn(s + 1, "0123456789") : 0;

		if (!depth && digits && (!s[1 + digits] || strchr("],;) }", s[1 + digits])))
			return s;
		depth += *s == '[' || *s == '{' || *s == '(';
		depth -= *s == ']' || *s == '}' || *s == ')';
	}
	return NULL;
}

char *go_readable_type(char *buf, size_t size, const char *name, bool numbered)
{
	static const char shape[] = "go.shape.";
	struct writer w = { .buf = buf, .size = size };
	const char *found;

	buf[0] = '\0';
	while ((found = strstr(name, shape))) {
		const char *type = found + strlen(shape);
		const char *number = numbered ? shape_number(type) : NULL;

		put(&w, name, (size_t)(found - name));
		name = type;
		if (number) {
			put(&w, type, (size_t)(number - type));
			name = number + 1 + strspn(number + 1, "0123456789");
		}
	}
	put(&w, name, strlen(name));
	return buf;
}

const char *go_readable_file(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool go_shows_wrapper(const char *callee)
{
	static const char *const functions[] = { "runtime.gopanic", "runtime.sigpanic",
						 "runtime.panicwrap" };

	for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
		if (strcmp(callee, functions[i]) == 0)
			return true;
	return false;
}
