/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Building one JSON object field by field: straight-line code with a sticky
 * error, which json_build_finish() tells at the end. Private to output/.
 */
#ifndef OUTPUT_JSON_BUILD_H
#define OUTPUT_JSON_BUILD_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "base/clock.h"

#include <gosonde/types.h>

struct json_build {
	json_t *root; /* owned until json_build_finish() */
	bool failed;
};

/* Starts with "type". Always to be finished. */
struct json_build json_build_start(const char *type);

/* "time" and "pid", which follow "type" in most lines. */
void json_put_origin(struct json_build *b, u64 time_ns, const struct timebase *timebase, u32 pid);

/* A field of obj, which is the root or what json_put_object() gave. Key: ASCII. */
void json_put_text(struct json_build *b, json_t *obj, const char *key, const char *raw);
void json_put_bool(struct json_build *b, json_t *obj, const char *key, bool value);
void json_put_null(struct json_build *b, json_t *obj, const char *key);

/* Above INT64_MAX, which only hostile words reach, the value is INT64_MAX: jansson has no more. */
void json_put_u64(struct json_build *b, json_t *obj, const char *key, u64 value);

/* null if the value is no finite number. */
void json_put_real(struct json_build *b, json_t *obj, const char *key, double value);

/* null unless known. */
void json_put_u64_if(struct json_build *b, json_t *obj, const char *key, bool known, u64 value);
void json_put_real_if(struct json_build *b, json_t *obj, const char *key, bool known, double value);
void json_put_text_if(struct json_build *b, json_t *obj, const char *key, bool known,
		      const char *raw);

/* An address as "0x…". */
void json_put_hex(struct json_build *b, json_t *obj, const char *key, u64 value);

/* A new object or array as a field; borrowed, NULL after a failure, which later calls accept. */
json_t *json_put_object(struct json_build *b, json_t *obj, const char *key);
json_t *json_put_array(struct json_build *b, json_t *obj, const char *key);

/* At the end of an array. */
json_t *json_append_object(struct json_build *b, json_t *array);
void json_append_text(struct json_build *b, json_t *array, const char *raw);

/* Writes the line and frees the object. Returns 0, -ENOMEM, -EIO. */
int json_build_finish(struct json_build *b, FILE *out);

#endif
