/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses mined from code against the symbol table of the same program, for every Go
 * toolchain at hand: those of GOSONDE_GOROOTS, else `go` and what scripts/toolchains unpacked.
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
#include "gobin/globals.h"

enum { PROGRAMS_MAX = 64, PATH_BYTES = 256 };

/* An empty program has the whole runtime. It prints "plain", "pie" and "stripped" programs. */
static const char build_script[] =
	"set -eu; dir=$1; cd \"$dir\"\n"
	"echo 'package main; func main() {}' >main.go\n"
	"printf 'module empty\\n\\ngo 1.15\\n' >go.mod\n"
	"cache=${GOSONDE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gosonde}/toolchains\n"
	"export GOTOOLCHAIN=local GOPROXY=off GOFLAGS= CGO_ENABLED=0\n"
	"n=0\n"
	"for root in ${GOSONDE_GOROOTS:-$(go env GOROOT || :) $cache/go-*/usr/lib/go-*}; do\n"
	"  [ -x \"$root/bin/go\" ] || continue\n"
	"  export GOROOT=\"$root\"; go=$root/bin/go; n=$((n + 1))\n"
	"  \"$go\" build -o plain.$n . && echo \"$dir/plain.$n\"\n"
	"  strip -o stripped.$n plain.$n && echo \"$dir/stripped.$n\"\n"
	"  \"$go\" build -buildmode=pie -o pie.$n . && echo \"$dir/pie.$n\"\n"
	"done\n";

struct program {
	char path[PATH_BYTES];
	struct bytes file;
	struct gobin *bin;
};

struct fixture {
	char dir[PATH_BYTES];
	struct program programs[PROGRAMS_MAX];
	size_t count;
};

static void open_program(struct program *program)
{
	CLEANUP(fd_closep) int fd = open(program->path, O_RDONLY | O_CLOEXEC);
	struct err err = { "" };
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	program->file.size = (size_t)st.st_size;
	program->file.data = mmap(NULL, program->file.size, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_true(program->file.data != MAP_FAILED);
	if (gobin_open(&program->bin, program->file, &err))
		fail_msg("%s: %s", program->path, err.text);
}

static int build_programs(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char *command = NULL;
	FILE *paths;
	int status;

	*state = f;
	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "%s/globals_test.XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(setenv("build_script", build_script, 1), 0);
	assert_true(asprintf(&command, "sh -c \"$build_script\" sh '%s'", f->dir) > 0);
	paths = popen(command, "r");
	free(command);
	assert_non_null(paths);
	while (f->count < PROGRAMS_MAX && fgets(f->programs[f->count].path, PATH_BYTES, paths)) {
		struct program *program = &f->programs[f->count++];

		program->path[strcspn(program->path, "\n")] = '\0';
		open_program(program);
	}
	status = pclose(paths);
	assert_int_equal(status, 0);
	return 0;
}

static int remove_programs(void **state)
{
	struct fixture *f = *state;
	static const char *const sources[] = { "main.go", "go.mod" };
	char path[2 * PATH_BYTES];

	for (size_t i = 0; i < f->count; i++) {
		gobin_free(f->programs[i].bin);
		munmap((void *)f->programs[i].file.data, f->programs[i].file.size);
		unlink(f->programs[i].path);
	}
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->dir, sources[i]);
		unlink(path);
	}
	rmdir(f->dir);
	free(f);
	return 0;
}

static void need_programs(const struct fixture *f)
{
	if (f->count == 0) {
		print_message(
			"# no Go toolchain at hand: neither go nor scripts/toolchains' cache\n");
		skip();
	}
}

static void mined_is_what_the_symbol_says(void **state)
{
	const struct fixture *f = *state;
	size_t compared = 0;

	need_programs(f);
	for (size_t i = 0; i < f->count; i++) {
		const struct gobin *bin = f->programs[i].bin;

		for (int which = 0; which < GO_GLOBAL_COUNT; which++) {
			struct go_global_place place = { 0 };
			struct err err = { "" };
			u64 addr, size;

			if (gobin_info(bin)->stripped)
				continue;
			assert_int_equal(gobin_symbol(bin, go_global_name((enum go_global)which),
						      &addr, &size),
					 0);
			if (go_global_mine(bin, (enum go_global)which, &place, &err))
				fail_msg("%s %s: %s", f->programs[i].path,
					 gobin_info(bin)->version_text, err.text);
			if (place.addr != addr)
				fail_msg("%s %s: %s mined at %#llx, its symbol says %#llx",
					 f->programs[i].path, gobin_info(bin)->version_text,
					 go_global_name((enum go_global)which), place.addr, addr);
			compared++;
		}
	}
	print_message("# %zu addresses compared\n", compared);
	assert_true(compared >= GO_GLOBAL_COUNT);
}

/*
 * plain and stripped of a toolchain stand next to each other, and differ in symbols only; what
 * Go's linker makes with -s is laid out a little differently.
 */
static void stripped_gives_the_same(void **state)
{
	const struct fixture *f = *state;
	size_t compared = 0;

	need_programs(f);
	for (size_t i = 1; i < f->count; i++) {
		const struct gobin *plain = f->programs[i - 1].bin, *bin = f->programs[i].bin;

		for (int which = 0; gobin_info(bin)->stripped && which < GO_GLOBAL_COUNT; which++) {
			struct go_global_place want = { 0 }, place = { 0 };
			struct err err = { "" };

			assert_int_equal(gobin_global(plain, (enum go_global)which, &want, &err),
					 0);
			assert_string_equal(want.how, "symbol");
			assert_int_equal(gobin_global(bin, (enum go_global)which, &place, &err), 0);
			assert_non_null(strstr(place.how, "operand in runtime."));
			assert_int_equal(place.addr, want.addr);
			compared++;
		}
	}
	assert_true(compared >= GO_GLOBAL_COUNT);
}

/*
 * A program whose code was changed never yields an address outside its data, and mostly none:
 * every byte of the function that tells is replaced in turn.
 */
static void changed_code_is_not_believed(void **state)
{
	const struct fixture *f = *state;
	CLEANUP(freep) u8 *copy = NULL;
	CLEANUP(gobin_freep) struct gobin *bin = NULL;
	struct gobin_func func;
	u64 start, end, offset;
	struct bytes file;
	size_t refused = 0;

	need_programs(f);
	file = f->programs[0].file;
	copy = malloc(file.size);
	assert_non_null(copy);
	memcpy(copy, file.data, file.size);
	assert_int_equal(gobin_open(&bin, (struct bytes) { copy, file.size }, NULL), 0);
	assert_int_equal(gobin_data_range(bin, &start, &end), 0);
	assert_int_equal(gobin_func_by_name(bin, "runtime.allgadd", &func), 0);
	assert_int_equal(gobin_file_offset(bin, func.addr, &offset), 0);
	for (u64 i = 0; i < func.size; i++) {
		struct go_global_place place = { 0 };
		u8 before = copy[offset + i];

		copy[offset + i] ^= 0xff;
		if (go_global_mine(bin, GO_ALLGLEN, &place, NULL) == 0)
			assert_true(place.addr >= start && place.addr < end);
		else
			refused++;
		copy[offset + i] = before;
	}
	/* the pattern alone has ten bytes, six of them opcodes */
	assert_true(refused >= 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mined_is_what_the_symbol_says),
		cmocka_unit_test(stripped_gives_the_same),
		cmocka_unit_test(changed_code_is_not_believed),
	};

	return cmocka_run_group_tests_name("globals", tests, build_programs, remove_programs);
}
