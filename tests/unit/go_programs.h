/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs built by every Go toolchain at hand, those of GOSONDE_GOROOTS, else `go` and what
 * scripts/toolchains unpacked; for tests that compare what is read from code with what is known.
 */
#ifndef TESTS_GO_PROGRAMS_H
#define TESTS_GO_PROGRAMS_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macros.h"
#include "gobin/gobin.h"

enum { PROGRAMS_MAX = 64, PATH_BYTES = 256 };

/*
 * The program has the whole runtime, collects once, prints how many goroutines it has and lives
 * until its input ends. The script prints "plain", "stripped" and "pie" programs.
 */
static const char build_script[] =
	"set -eu; dir=$1; cd \"$dir\"\n"
	"cat >main.go <<'END'\n"
	"package main\n"
	"import (\"os\"; \"runtime\"; \"strconv\")\n"
	"func main() {\n"
	"	for i := 0; i < 40; i++ { go func() { select {} }() }\n"
	"	runtime.GC()\n"
	"	os.Stdout.WriteString(strconv.Itoa(runtime.NumGoroutine()) + \"\\n\")\n"
	"	os.Stdin.Read(make([]byte, 1))\n"
	"}\n"
	"END\n"
	"printf 'module program\\n\\ngo 1.15\\n' >go.mod\n"
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

struct programs {
	char dir[PATH_BYTES];
	struct program program[PROGRAMS_MAX];
	size_t count;
};

static inline void program_open(struct program *program)
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

static inline void program_close(struct program *program)
{
	gobin_free(program->bin);
	munmap((void *)program->file.data, program->file.size);
	unlink(program->path);
}

/* A cmocka group setup: *state gets the programs. */
static inline int programs_build(void **state)
{
	struct programs *all = calloc(1, sizeof(*all));
	char *command = NULL;
	FILE *paths;
	int status;

	*state = all;
	assert_non_null(all);
	snprintf(all->dir, sizeof(all->dir), "%s/go_programs.XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(all->dir));
	assert_int_equal(setenv("build_script", build_script, 1), 0);
	assert_true(asprintf(&command, "sh -c \"$build_script\" sh '%s'", all->dir) > 0);
	paths = popen(command, "r");
	free(command);
	assert_non_null(paths);
	while (all->count < PROGRAMS_MAX &&
	       fgets(all->program[all->count].path, PATH_BYTES, paths)) {
		struct program *program = &all->program[all->count++];

		program->path[strcspn(program->path, "\n")] = '\0';
		program_open(program);
	}
	status = pclose(paths);
	assert_int_equal(status, 0);
	return 0;
}

static inline int programs_remove(void **state)
{
	static const char *const sources[] = { "main.go", "go.mod" };
	struct programs *all = *state;
	char path[2 * PATH_BYTES];

	for (size_t i = 0; i < all->count; i++)
		program_close(&all->program[i]);
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		snprintf(path, sizeof(path), "%s/%s", all->dir, sources[i]);
		unlink(path);
	}
	rmdir(all->dir);
	free(all);
	return 0;
}

static inline void programs_need(const struct programs *all)
{
	if (all->count == 0) {
		print_message(
			"# no Go toolchain at hand: neither go nor scripts/toolchains' cache\n");
		skip();
	}
}

#endif
