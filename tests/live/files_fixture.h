/* SPDX-License-Identifier: BSD-2-Clause */
/* A folder of its own for each test of cmocka; what is written there is removed with it. */
#ifndef TESTS_FILES_FIXTURE_H
#define TESTS_FILES_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/macros.h"

struct fixture {
	char dir[32];
	char *made[80];
	size_t count;
	const char *path; /* of the file that the test begins with; the test's to set */
};

static inline struct fixture *fixture_new(void)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "/tmp/gosonde-files-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	return f;
}

static inline const char *made(struct fixture *f, const char *name)
{
	assert_true(f->count < ARRAY_SIZE(f->made));
	assert_true(asprintf(&f->made[f->count], "%s/%s", f->dir, name) > 0);
	return f->made[f->count++];
}

static inline const char *write_file(struct fixture *f, const char *name, const char *text)
{
	const char *path = made(f, name);
	FILE *out = fopen(path, "we");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
	return path;
}

static inline void make_folder(struct fixture *f, const char *name)
{
	assert_int_equal(mkdir(made(f, name), 0700), 0);
}

static inline void remove_last(struct fixture *f)
{
	assert_int_equal(remove(f->made[--f->count]), 0);
	free(f->made[f->count]);
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	while (f->count)
		remove_last(f);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

#endif
