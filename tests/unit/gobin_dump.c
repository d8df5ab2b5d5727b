/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints what gobin reads from a file, for comparison with the Go tools:
 *
 *	gobin_dump info FILE	version, module and flags
 *	gobin_dump funcs FILE	ADDRESS SIZE NAME of every function
 *	gobin_dump names FILE	ADDRESS NAME of every function as found by its name
 *	gobin_dump places FILE N	N addresses of every function, its first and last byte among
 *them gobin_dump lines FILE	FUNCTION, then FILE:LINE, of each hexadecimal address on stdin
 *	gobin_dump symbol FILE NAME…	ADDRESS SIZE NAME
 *	gobin_dump types FILE	kind and name of the type at each hexadecimal offset in the types
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "gobin/gobin.h"
#include "gobin/types.h"

static int dump_info(const struct gobin *bin)
{
	const struct gobin_info *info = gobin_info(bin);
	u64 start = 0, end = 0;

	printf("%s %u.%u.%u module=%s", info->version_text, info->version.major,
	       info->version.minor, info->version.patch, info->module);
	printf(" experiment=%d pie=%d stripped=%d swiss=%d regabi=%d", info->version.experiment,
	       info->pie, info->stripped, info->swiss_maps, info->register_abi);
	printf(" text=%#llx-%#llx", info->text_start, info->text_end);
	if (!gobin_data_range(bin, &start, &end))
		printf(" data=%#llx-%#llx", start, end);
	if (!gobin_types_range(bin, &start, &end))
		printf(" types=%#llx-%#llx", start, end);
	printf(" functions=%zu\n", gobin_func_count(bin));
	return 0;
}

static int dump_funcs(const struct gobin *bin)
{
	struct gobin_func func;

	for (size_t i = 0; i < gobin_func_count(bin); i++) {
		int rc = gobin_func_at(bin, i, &func);

		if (rc)
			return rc;
		printf("%llx %llu %s\n", func.addr, func.size, func.name);
	}
	return 0;
}

static int dump_names(const struct gobin *bin)
{
	struct gobin_func func, found;

	for (size_t i = 0; i < gobin_func_count(bin); i++) {
		int rc = gobin_func_at(bin, i, &func);

		if (!rc)
			rc = gobin_func_by_name(bin, func.name, &found);
		if (rc)
			return rc;
		printf("%llx %s\n", found.addr, found.name);
	}
	return 0;
}

static int dump_places(const struct gobin *bin, const char *count)
{
	u64 n = count ? strtoull(count, NULL, 10) : 0;
	struct gobin_func func;

	if (n < 2)
		return -EINVAL;
	for (size_t i = 0; i < gobin_func_count(bin); i++) {
		int rc = gobin_func_at(bin, i, &func);

		if (rc)
			return rc;
		for (u64 k = 0; k < n; k++)
			printf("%#llx\n",
			       func.addr + (func.size ? func.size - 1 : 0) * k / (n - 1));
	}
	return 0;
}

static int dump_lines(const struct gobin *bin)
{
	struct gobin_line line;
	u64 pc;

	while (scanf("%llx", &pc) == 1) {
		if (gobin_line(bin, pc, &line))
			printf("?\n?:0\n");
		else
			printf("%s\n%s:%u\n", line.func, line.file, line.line);
	}
	return 0;
}

static int dump_symbols(const struct gobin *bin, char *const *names)
{
	u64 addr, size;

	for (; *names; names++) {
		int rc = gobin_symbol(bin, *names, &addr, &size);

		if (rc)
			return rc;
		printf("%llx %llu %s\n", addr, size, *names);
	}
	return 0;
}

/* The file stands for the memory of a process that was loaded with bias 0. */
static int read_file(void *arg, u64 addr, void *buf, size_t len)
{
	struct bytes bytes = gobin_bytes(arg, addr, len);

	if (!bytes.data)
		return -EFAULT;
	memcpy(buf, bytes.data, len);
	return 0;
}

static int dump_types(struct gobin *bin)
{
	struct memory_reader mem = { .read = read_file, .arg = bin };
	char name[GOTYPE_NAME_MAX];
	u64 start, end, offset;
	struct err err = { 0 };
	u8 kind;

	if (gobin_types_range(bin, &start, &end))
		return -ENOENT;
	while (scanf("%llx", &offset) == 1) {
		if (gotype_kind(&mem, start + offset, &kind, &err) ||
		    gotype_name(bin, 0, &mem, start + offset, name, &err))
			printf("? %s\n", err.text);
		else
			printf("%u %s\n", kind, name);
	}
	return 0;
}

static int dump(struct gobin *bin, const char *what, char *const *names)
{
	if (strcmp(what, "info") == 0)
		return dump_info(bin);
	if (strcmp(what, "funcs") == 0)
		return dump_funcs(bin);
	if (strcmp(what, "names") == 0)
		return dump_names(bin);
	if (strcmp(what, "places") == 0)
		return dump_places(bin, *names);
	if (strcmp(what, "lines") == 0)
		return dump_lines(bin);
	if (strcmp(what, "symbol") == 0)
		return dump_symbols(bin, names);
	if (strcmp(what, "types") == 0)
		return dump_types(bin);
	return -EINVAL;
}

static int map_file(const char *path, struct bytes *ret)
{
	CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *map;

	if (fd < 0 || fstat(fd, &st))
		return -errno;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	*ret = (struct bytes) { .data = map, .size = (size_t)st.st_size };
	return 0;
}

int main(int argc, char **argv)
{
	CLEANUP(gobin_freep) struct gobin *bin = NULL;
	struct err err = { 0 };
	struct bytes file;
	int rc;

	if (argc < 3) {
		fprintf(stderr,
			"usage: gobin_dump info|funcs|names|places|lines|types|symbol FILE [NAME…]\n");
		return 2;
	}
	rc = map_file(argv[2], &file);
	if (!rc)
		rc = gobin_open(&bin, file, &err);
	if (!rc)
		rc = dump(bin, argv[1], argv + 3);
	if (rc)
		fprintf(stderr, "gobin_dump: %s: %s: %s\n", argv[2], strerror(-rc), err.text);
	return rc ? 1 : 0;
}
