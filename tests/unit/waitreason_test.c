/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The texts found in programs of every Go toolchain at hand (those of GOSONDE_GOROOTS, else `go`
 * and what scripts/toolchains unpacked) against scripts/data/go-waitreasons.csv, which was taken
 * from the sources of those releases. Run in the repository's root.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/macros.h"
#include "gobin/waitreason.h"

enum { PATH_BYTES = 256, LINE_BYTES = 256, VERSION_BYTES = 16, BSS_STEP_BYTES = 8 };

static const char build_script[] =
	"set -eu; dir=$1; cd \"$dir\"\n"
	"echo 'package main; func main() {}' >main.go\n"
	"printf 'module empty\\n\\ngo 1.15\\n' >go.mod\n"
	"cache=${GOSONDE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gosonde}/toolchains\n"
	"export GOTOOLCHAIN=local GOPROXY=off GOFLAGS= CGO_ENABLED=0\n"
	"n=0\n"
	"for root in ${GOSONDE_GOROOTS:-$(go env GOROOT || :) $cache/go-*/usr/lib/go-*}; do\n"
	"  [ -x \"$root/bin/go\" ] || continue\n"
	"  export GOROOT=\"$root\"; n=$((n + 1))\n"
	"  \"$root/bin/go\" build -ldflags '-s -w' -o program.$n . && echo \"$dir/program.$n\"\n"
	"done\n";

/* The file stands for the process: variables without a value in it are zero. */
static int read_file(void *arg, u64 addr, void *buf, size_t len)
{
	const struct gobin *bin = arg;
	struct bytes bytes = gobin_bytes(bin, addr, len);

	if (bytes.data) {
		memcpy(buf, bytes.data, len);
		return 0;
	}
	memset(buf, 0, len);
	for (size_t at = 0; at + BSS_STEP_BYTES <= len; at += BSS_STEP_BYTES) {
		bytes = gobin_bytes(bin, addr + at, BSS_STEP_BYTES);
		if (bytes.data)
			memcpy((u8 *)buf + at, bytes.data, BSS_STEP_BYTES);
	}
	return 0;
}

/* Rows of the table: goversion,value,const,text. Returns how many that version has. */
static u32 compare_with_table(const struct go_wait_reasons *reasons, const char *version)
{
	FILE *csv = fopen("scripts/data/go-waitreasons.csv", "re");
	char line[LINE_BYTES];
	u32 rows = 0;

	assert_non_null(csv);
	while (fgets(line, sizeof(line), csv)) {
		char *rest = line, *row_version = strsep(&rest, ",");
		char *number = strsep(&rest, ","), *text = rest ? rest : line;
		const char *found;

		(void)strsep(&text, ",");
		if (strcmp(row_version, version) != 0)
			continue;
		assert_non_null(text);
		text[strcspn(text, "\n")] = '\0';
		found = go_wait_reason(reasons, (u32)strtoul(number, NULL, 10));
		/* 0 alone has none */
		if (strcmp(found ? found : "", text) != 0)
			fail_msg("Go %s, %s: \"%s\" instead of \"%s\"", version, number,
				 found ? found : "", text);
		rows++;
	}
	fclose(csv);
	return rows;
}

/* Returns whether the table has that version. */
static bool check_program(const char *path)
{
	CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	CLEANUP(gobin_freep) struct gobin *bin = NULL;
	struct go_wait_reasons reasons;
	char version[VERSION_BYTES];
	struct err err = { "" };
	struct bytes file;
	struct stat st;
	u32 rows;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	file.size = (size_t)st.st_size;
	file.data = mmap(NULL, file.size, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_true(file.data != MAP_FAILED);
	assert_int_equal(gobin_open(&bin, file, &err), 0);
	if (go_wait_reasons_read(
		    &(struct go_process) { .bin = bin, .mem = { read_file, NULL, bin } }, &reasons,
		    &err))
		fail_msg("%s: %s", gobin_info(bin)->version_text, err.text);
	snprintf(version, sizeof(version), "1.%u", gobin_info(bin)->version.minor);
	rows = compare_with_table(&reasons, version);
	print_message("# %s: %u texts compared\n", gobin_info(bin)->version_text, rows);
	assert_null(go_wait_reason(&reasons, 0));
	assert_null(go_wait_reason(&reasons, WAIT_REASONS_MAX));
	gobin_free(TAKE_PTR(bin));
	munmap((void *)file.data, file.size);
	return rows > 0;
}

static void texts_are_those_of_the_sources(void **state)
{
	char dir[PATH_BYTES], path[PATH_BYTES], *command = NULL;
	size_t programs = 0, compared = 0;
	FILE *paths;

	(void)state;
	snprintf(dir, sizeof(dir), "%s/waitreason_test.XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(setenv("build_script", build_script, 1), 0);
	assert_true(asprintf(&command, "sh -c \"$build_script\" sh '%s'", dir) > 0);
	paths = popen(command, "re");
	free(command);
	assert_non_null(paths);
	while (fgets(path, sizeof(path), paths)) {
		path[strcspn(path, "\n")] = '\0';
		compared += check_program(path);
		programs++;
		unlink(path);
	}
	assert_int_equal(pclose(paths), 0);
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%.200s/%s", dir, i ? "go.mod" : "main.go");
		unlink(path);
	}
	assert_int_equal(rmdir(dir), 0);
	if (programs == 0) {
		print_message("# no Go toolchain at hand: neither go nor scripts/toolchains' "
			      "cache\n");
		skip();
	}
	assert_true(compared > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_those_of_the_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
