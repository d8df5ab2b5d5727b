/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the oracle tests: the innermost frame of addresses all over a Go binary.
 *
 *	frames_dump FILE STEP	ADDRESS FUNCTION FILE:LINE of every STEP-th byte of a function
 *				(and, to stderr, how many addresses have how many frames)
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "gobin/gobin.h"
#include "gobin/readable.h"

enum { FRAMES_MAX = 32, NAME_BYTES = 4096 };

static size_t depths[FRAMES_MAX + 1];

static int dump_pc(const struct gobin *bin, u64 pc)
{
	struct gobin_line lines[FRAMES_MAX];
	char name[NAME_BYTES];
	int n = gobin_frames(bin, pc, lines, FRAMES_MAX);

	if (n < 1) {
		fprintf(stderr, "no frame at %#llx: %d\n", pc, n);
		return 1;
	}
	depths[n]++;
	printf("%llx %s %s:%u\n", pc, go_readable_func(name, sizeof(name), lines[0].func),
	       go_readable_file(lines[0].file), lines[0].line);
	return 0;
}

static int dump(const struct gobin *bin, u64 step)
{
	struct gobin_func func;
	int failed = 0;

	for (size_t i = 0; i < gobin_func_count(bin) && !failed; i++) {
		failed = gobin_func_at(bin, i, &func);
		/* Whoever looks the address up as a return address adds 1 and must stay within. */
		for (u64 at = 0; at + 1 < func.size && !failed; at += step)
			failed = dump_pc(bin, func.addr + at);
	}
	for (size_t i = 1; i <= FRAMES_MAX && !failed; i++)
		if (depths[i])
			fprintf(stderr, "%zu addresses of %zu frames\n", depths[i], i);
	return failed;
}

static int open_file(const char *path, struct bytes *ret)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) || !st.st_size)
		return -1;
	ret->size = (size_t)st.st_size;
	ret->data = mmap(NULL, ret->size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	return ret->data == MAP_FAILED ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct gobin *bin = NULL;
	struct bytes file;
	struct err err = { "" };
	u64 step = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
	int rc;

	if (!step) {
		fprintf(stderr, "usage: frames_dump FILE STEP\n");
		return 2;
	}
	if (open_file(argv[1], &file)) {
		perror(argv[1]);
		return 1;
	}
	rc = gobin_open(&bin, file, &err);
	if (rc)
		fprintf(stderr, "%s: %s\n", argv[1], err.text);
	else
		rc = dump(bin, step);
	gobin_free(bin);
	return rc ? 1 : 0;
}
