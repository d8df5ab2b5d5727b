/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/json_build.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"

enum {
	STACK_TEXT_BYTES = 1024, /* longer texts go through the heap */
	UTF8_GROWTH = 3,	 /* one bad byte becomes the three of U+FFFD */
	REAL_DIGITS = 15,	 /* what a double holds of any decimal: 0.1 stays 0.1 */
};

/* jansson refuses a NULL value or object, and frees the value then. */
static void put(struct json_build *b, json_t *obj, const char *key, json_t *value)
{
	if (json_object_set_new(obj, key, value) != 0)
		b->failed = true;
}

static json_t *text_value(const char *raw)
{
	char small[STACK_TEXT_BYTES];
	size_t size = UTF8_GROWTH * strlen(raw) + 1;
	CLEANUP(freep) char *large = NULL;

	if (size <= sizeof(small))
		return json_string(text_utf8(small, sizeof(small), raw));
	large = malloc(size);
	return large ? json_string(text_utf8(large, size, raw)) : NULL;
}

static json_t *integer_value(u64 value)
{
	return json_integer(value > LLONG_MAX ? LLONG_MAX : (json_int_t)value);
}

struct json_build json_build_start(const char *type)
{
	struct json_build b = { .root = json_object() };

	json_put_text(&b, b.root, "type", type);
	return b;
}

void json_put_origin(struct json_build *b, u64 time_ns, const struct timebase *timebase, u32 pid)
{
	char time[CLOCK_BUF];

	fmt_time_rfc3339(time, timebase_wall_ns(timebase, time_ns));
	json_put_text(b, b->root, "time", time);
	json_put_u64(b, b->root, "pid", pid);
}

void json_put_text(struct json_build *b, json_t *obj, const char *key, const char *raw)
{
	put(b, obj, key, text_value(raw));
}

void json_put_bool(struct json_build *b, json_t *obj, const char *key, bool value)
{
	put(b, obj, key, json_boolean(value));
}

void json_put_null(struct json_build *b, json_t *obj, const char *key)
{
	put(b, obj, key, json_null());
}

void json_put_u64(struct json_build *b, json_t *obj, const char *key, u64 value)
{
	put(b, obj, key, integer_value(value));
}

void json_put_real(struct json_build *b, json_t *obj, const char *key, double value)
{
	put(b, obj, key, isfinite(value) ? json_real(value) : json_null());
}

void json_put_u64_if(struct json_build *b, json_t *obj, const char *key, bool known, u64 value)
{
	put(b, obj, key, known ? integer_value(value) : json_null());
}

void json_put_real_if(struct json_build *b, json_t *obj, const char *key, bool known, double value)
{
	json_put_real(b, obj, key, known ? value : NAN);
}

void json_put_text_if(struct json_build *b, json_t *obj, const char *key, bool known,
		      const char *raw)
{
	put(b, obj, key, known ? text_value(raw) : json_null());
}

void json_put_hex(struct json_build *b, json_t *obj, const char *key, u64 value)
{
	char hex[2 + 16 + 1];

	snprintf(hex, sizeof(hex), "0x%llx", value);
	put(b, obj, key, json_string(hex));
}

json_t *json_put_object(struct json_build *b, json_t *obj, const char *key)
{
	put(b, obj, key, json_object());
	return json_object_get(obj, key);
}

json_t *json_put_array(struct json_build *b, json_t *obj, const char *key)
{
	put(b, obj, key, json_array());
	return json_object_get(obj, key);
}

json_t *json_append_object(struct json_build *b, json_t *array)
{
	json_t *obj = json_object();

	if (json_array_append_new(array, obj) == 0)
		return obj;
	b->failed = true;
	return NULL;
}

void json_append_text(struct json_build *b, json_t *array, const char *raw)
{
	if (json_array_append_new(array, text_value(raw)) != 0)
		b->failed = true;
}

/* DEL is the one control byte that JSON leaves as it is. */
static int write_line(FILE *out, const char *line)
{
	size_t n = strcspn(line, "\x7f");

	for (; line[n]; n = strcspn(line, "\x7f")) {
		fprintf(out, "%.*s\\u007f", (int)n, line);
		line += n + 1;
	}
	return fprintf(out, "%s\n", line) < 0 ? -EIO : 0;
}

int json_build_finish(struct json_build *b, FILE *out)
{
	const size_t flags = JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII |
			     JSON_REAL_PRECISION(REAL_DIGITS);
	CLEANUP(freep) char *line = b->failed ? NULL : json_dumps(b->root, flags);

	json_decref(b->root);
	b->root = NULL;
	if (!line)
		return -ENOMEM;
	return write_line(out, line);
}
