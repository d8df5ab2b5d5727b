/* SPDX-License-Identifier: BSD-2-Clause */
/* The cache of opened binaries, on files of the real system. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "daemon/binaries.h"

static char program[4096]; /* a Go program */
static char folder[] = "/tmp/gosonde-binaries-XXXXXX";

static void copy_file(const char *to)
{
	CLEANUP(fd_closep) int in = open(program, O_RDONLY | O_CLOEXEC);
	CLEANUP(fd_closep) int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct stat st;

	assert_true(in >= 0 && out >= 0 && !fstat(in, &st));
	for (off_t left = st.st_size; left;) {
		ssize_t n = sendfile(out, in, NULL, (size_t)left);

		assert_true(n > 0);
		left -= n;
	}
}

static const char *copy_path(char *buf, size_t size, int i)
{
	snprintf(buf, size, "%s/%d", folder, i);
	return buf;
}

static int setup(void **state)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char pattern[4096];
	glob_t found;

	(void)state;
	snprintf(pattern, sizeof(pattern), "%s%s/gosonde/toolchains/go-*/usr/lib/go-*/bin/gofmt",
		 cache ? cache : home, cache ? "" : "/.cache");
	if (!glob(pattern, 0, NULL, &found)) {
		snprintf(program, sizeof(program), "%s", found.gl_pathv[0]);
		globfree(&found);
	}
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	char path[4096];

	(void)state;
	for (int i = 0; i <= BINARIES_IDLE_MAX + 1; i++)
		(void)unlink(copy_path(path, sizeof(path), i));
	return rmdir(folder);
}

static void require_program(void)
{
	if (program[0])
		return;
	print_message("skip: scripts/toolchains has not unpacked any\n");
	skip();
}

static void test_shared(void **state)
{
	CLEANUP(binaries_freep) struct binaries *binaries = binaries_new();
	const struct binary *first, *again, *other;
	char path[4096], link_path[4096];

	(void)state;
	require_program();
	copy_file(copy_path(path, sizeof(path), 0));
	assert_int_equal(binaries_get(binaries, path, &first, NULL), 0);
	assert_int_equal(link(path, copy_path(link_path, sizeof(link_path), 1)), 0);
	assert_int_equal(unlink(link_path), 0); /* a change of status: it is looked into again */
	assert_int_equal(binaries_get(binaries, path, &other, NULL), 0);
	assert_ptr_not_equal(first, other);
	assert_int_equal(binaries_get(binaries, path, &again, NULL), 0);
	assert_ptr_equal(other, again);
	binaries_put(binaries, first);
	binaries_put(binaries, other);
	/* Still in use by one, and kept when by none. */
	assert_string_equal(gobin_info(again->bin)->version_text, again->layout.go);
	binaries_put(binaries, again);
	assert_int_equal(binaries_get(binaries, path, &first, NULL), 0);
	assert_ptr_equal(first, again);
	binaries_put(binaries, first);
	binaries_put(binaries, NULL);
}

/* Another build of the same size in the same inode, its times set back: the build id tells. */
static void test_rewritten(void **state)
{
	CLEANUP(binaries_freep) struct binaries *binaries = binaries_new();
	const struct binary *first, *second;
	struct timespec times[2];
	char path[4096];
	struct stat st;
	int fd;

	(void)state;
	require_program();
	copy_file(copy_path(path, sizeof(path), 0));
	assert_int_equal(binaries_get(binaries, path, &first, NULL), 0);
	binaries_put(binaries, first);
	assert_int_equal(stat(path, &st), 0);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	copy_file(path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
	assert_int_equal(binaries_get(binaries, path, &second, NULL), 0);
	assert_ptr_not_equal(first, second);
	binaries_put(binaries, second);
}

/* The one that was not used for longest goes; those in use stay, however many. */
static void test_eviction(void **state)
{
	CLEANUP(binaries_freep) struct binaries *binaries = binaries_new();
	const struct binary *kept[BINARIES_IDLE_MAX + 1], *again;
	char path[4096];

	(void)state;
	require_program();
	for (int i = 0; i <= BINARIES_IDLE_MAX; i++) {
		copy_file(copy_path(path, sizeof(path), i));
		assert_int_equal(binaries_get(binaries, path, &kept[i], NULL), 0);
	}
	for (int i = 0; i <= BINARIES_IDLE_MAX; i++)
		assert_true(gobin_func_count(kept[i]->bin) > 1000);
	for (int i = 0; i <= BINARIES_IDLE_MAX; i++)
		binaries_put(binaries, kept[i]);
	for (int i = 1; i <= BINARIES_IDLE_MAX; i++) {
		assert_int_equal(
			binaries_get(binaries, copy_path(path, sizeof(path), i), &again, NULL), 0);
		assert_ptr_equal(again, kept[i]);
		binaries_put(binaries, again);
	}
}

static void test_failures(void **state)
{
	CLEANUP(binaries_freep) struct binaries *binaries = binaries_new();
	const struct binary *binary = NULL;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(binaries_get(binaries, "/nonexistent", &binary, &err), -ENOENT);
	assert_int_equal(binaries_get(binaries, "/etc/passwd", &binary, &err), -ENOEXEC);
	assert_int_equal(binaries_get(binaries, "/bin/true", &binary, &err), -ENODATA);
	assert_null(binary);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_rewritten),
		cmocka_unit_test(test_eviction),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
