/* SPDX-License-Identifier: BSD-2-Clause */
/* Every read of a Go binary that is cut short or has flipped bits stays inside: run with SAN=1. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "go_image.h"
#include "gobin/gobin.h"

static struct go_image image;

/* One of each layout of the function table, and the relocated ones. */
static const struct {
	unsigned int minor;
	bool pie;
	const char *version;
} layouts[] = {
	{ 15, false, "go1.15.15" }, { 15, true, "go1.15.15" }, { 17, true, "go1.17.13" },
	{ 18, false, "go1.18.3" },  { 22, true, "go1.22.12" },
};

static void make_image(size_t i)
{
	image_make(&image, layouts[i].minor, layouts[i].pie, layouts[i].version,
		   "0123456789abcdefmod\texample.com/app\t\n0123456789abcdef");
}

/* Asks for all that a file tells, so that ASan sees every read. */
static void walk(const struct gobin *bin)
{
	struct gobin_func func;
	struct gobin_line line;
	u64 addr, size;
	size_t count = gobin_func_count(bin);

	for (size_t i = 0; i < count; i += 1 + count / 200) {
		if (gobin_func_at(bin, i, &func))
			continue;
		assert_true(strlen(func.name) < IMAGE_BYTES * 1000ul);
		if (!gobin_line(bin, func.addr + func.size / 2, &line))
			assert_true(strlen(line.file) < IMAGE_BYTES * 1000ul);
	}
	(void)gobin_func_by_name(bin, "runtime.newproc1", &func);
	(void)gobin_symbol(bin, "runtime.work", &addr, &size);
}

/* Opens a copy that ends exactly where the file does, so that ASan sees a read behind it. */
static int open_copy(struct bytes file, size_t size)
{
	CLEANUP(gobin_freep) struct gobin *bin = NULL;
	CLEANUP(freep) u8 *copy = malloc(size ? size : 1);
	struct err err = { 0 };
	int rc;

	assert_non_null(copy);
	memcpy(copy, file.data, size);
	rc = gobin_open(&bin, (struct bytes) { .data = copy, .size = size }, &err);
	if (!rc)
		walk(bin);
	else
		assert_true(rc < 0 && err.text[0]);
	return rc;
}

static void test_truncated_image(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++) {
		make_image(i);
		assert_int_equal(open_copy(image_file(&image), IMAGE_BYTES), 0);
		for (size_t size = 0; size < IMAGE_BYTES; size += 7)
			assert_int_equal(open_copy(image_file(&image), size), -ENOEXEC);
	}
}

static void test_flipped_image(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++) {
		make_image(i);
		for (size_t at = 0; at < IMAGE_BYTES; at++) {
			u8 before = image.bytes[at];

			if (!before && at % 16)
				continue; /* most is zero and not read */
			for (unsigned int bit = 0; bit < 8; bit += 1 + (bit > 1)) {
				image.bytes[at] = before ^ (u8)(1 << bit);
				(void)open_copy(image_file(&image), IMAGE_BYTES);
			}
			image.bytes[at] = before;
		}
	}
}

/* A program of whatever Go is installed; {NULL, 0} if there is none. */
static struct bytes build_program(void)
{
	char dir[] = "/tmp/gobin_test.XXXXXX", command[512];
	struct bytes file = { 0 };
	struct stat st;
	u8 *data;
	FILE *in;

	if (system("command -v go >/dev/null") != 0 || !mkdtemp(dir))
		return file;
	snprintf(command, sizeof(command),
		 "cd %s && echo 'package main; func main() { println(len(map[int]int{1: 2})) }' "
		 ">a.go"
		 " && GOFLAGS= GOTOOLCHAIN=local GOCACHE=%s/cache GOPATH=%s/path CGO_ENABLED=0"
		 " go build -o a.out a.go",
		 dir, dir, dir);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "%s/a.out", dir);
	in = fopen(command, "rb");
	assert_non_null(in);
	assert_int_equal(fstat(fileno(in), &st), 0);
	data = malloc((size_t)st.st_size);
	assert_non_null(data);
	assert_int_equal(fread(data, 1, (size_t)st.st_size, in), st.st_size);
	fclose(in);
	snprintf(command, sizeof(command), "chmod -R u+w %s; rm -rf %s", dir, dir);
	assert_int_equal(system(command), 0);
	return (struct bytes) { .data = data, .size = (size_t)st.st_size };
}

static u32 next_random(u64 *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull; /* Knuth's MMIX */
	return (u32)(*seed >> 32);
}

static void sweep(u8 *data, size_t size)
{
	struct bytes file = { .data = data, .size = size };
	u64 seed = 1;
	unsigned int refused = 0;

	for (size_t n = 0; n < 64; n++)
		(void)open_copy(file, n * (size / 64) + next_random(&seed) % (size / 64));
	for (int n = 0; n < 400; n++) {
		size_t at = next_random(&seed) % (n % 2 ? 0x1000 : size);
		u8 before = data[at];

		data[at] ^= (u8)(1 + next_random(&seed) % 255);
		refused += open_copy(file, size) != 0;
		data[at] = before;
	}
	assert_in_range(refused, 1, 399);
}

static void test_real_program(void **state)
{
	CLEANUP(gobin_freep) struct gobin *bin = NULL;
	struct bytes file = build_program();
	CLEANUP(freep) u8 *data = (u8 *)file.data;
	struct gobin_func func;
	struct err err = { 0 };
	u64 addr, size, start, end;

	(void)state;
	if (!data) {
		print_message("skip: no `go` to build a program with\n");
		skip();
	}
	if (gobin_open(&bin, file, &err))
		fail_msg("%s", err.text);
	assert_false(gobin_info(bin)->stripped);
	assert_int_equal(gobin_func_by_name(bin, "main.main", &func), 0);
	assert_int_equal(gobin_func_by_pc(bin, func.addr, &func), 0);
	assert_string_equal(func.name, "main.main");
	assert_int_equal(gobin_symbol(bin, "runtime.work", &addr, &size), 0);
	assert_int_equal(gobin_data_range(bin, &start, &end), 0);
	assert_in_range(addr, start, end - size);
	assert_int_equal(gobin_symbol(bin, "runtime.wor", &addr, &size), -ENOENT);
	assert_int_equal(gobin_symbol(bin, "main.main", &addr, &size), -ENOENT); /* a function */
	gobin_free(TAKE_PTR(bin));
	sweep(data, file.size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_truncated_image),
		cmocka_unit_test(test_flipped_image),
		cmocka_unit_test(test_real_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
