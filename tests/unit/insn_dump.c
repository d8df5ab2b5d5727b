/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints what insn/ makes of a Go program, for comparison with a disassembler:
 *
 *	insn_dump insns FILE	ADDRESS of every instruction, ADDRESS NAME of every function before
 *	insn_dump sites FILE	ADDRESS, site's class and offset, reason or error, NAME of every
 *function insn_dump probes FILE	GROUP SYMBOL and its site, of every function that is probed
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "gobin/gobin.h"
#include "gobin/probeset.h"
#include "insn/insn.h"
#include "insn/site.h"

static int dump_insns(struct bytes code, const struct gobin_func *func)
{
	struct insn_walk walk = insn_walk_at(code, func->addr);
	struct insn insn;
	int rc;

	printf("%llx %llx %s\n", func->addr, func->addr + func->size, func->name);
	while ((rc = insn_next(&walk, &insn)) == 1)
		printf("%llx\n", func->addr + insn.offset);
	if (rc)
		printf("undecodable at %llx\n", func->addr + walk.pos);
	return 0;
}

static void print_site(struct bytes code, unsigned int int_args)
{
	struct err err = { "" };
	struct site site;

	if (site_choose(code, int_args, &site, &err))
		printf("refused: %s", err.text);
	else
		printf("%s+%u flags=%d sp=%u: %s", site_class_name(site.class), site.offset,
		       site.flags_test, site.sp_shift, site.reason);
}

static int dump_site(struct bytes code, const struct gobin_func *func)
{
	printf("%llx\t", func->addr);
	print_site(code, 3);
	printf("\t%s\n", func->name);
	return 0;
}

static int each_func(const struct gobin *bin, int (*dump)(struct bytes, const struct gobin_func *))
{
	struct gobin_func func;

	for (size_t i = 0; i < gobin_func_count(bin); i++) {
		struct bytes code;
		int rc = gobin_func_at(bin, i, &func);

		if (rc)
			return rc;
		code = gobin_bytes(bin, func.addr, func.size);
		if (code.data)
			dump(code, &func);
	}
	return 0;
}

static int dump_probes(const struct gobin *bin)
{
	const struct probe_spec *spec;
	struct gobin_func func;

	for (size_t i = 0; (spec = probe_spec_at(i)); i++) {
		if (!probe_spec_applies(spec, gobin_info(bin)))
			continue;
		printf("%s\t%s\t", probe_group_name(spec->group), spec->symbol);
		if (gobin_func_by_name(bin, spec->symbol, &func))
			printf("missing");
		else
			print_site(gobin_bytes(bin, func.addr, func.size), spec->int_args);
		printf("\n");
	}
	return 0;
}

static int dump(const char *what, const struct gobin *bin)
{
	if (strcmp(what, "insns") == 0)
		return each_func(bin, dump_insns);
	if (strcmp(what, "sites") == 0)
		return each_func(bin, dump_site);
	if (strcmp(what, "probes") == 0)
		return dump_probes(bin);
	return -1;
}

int main(int argc, char **argv)
{
	CLEANUP(gobin_freep) struct gobin *bin = NULL;
	CLEANUP(fd_closep) int fd = -1;
	struct err err = { "" };
	struct stat st;
	void *map;

	if (argc != 3)
		return 2;
	fd = open(argv[2], O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return 1;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return 1;
	if (gobin_open(&bin, (struct bytes) { map, (size_t)st.st_size }, &err)) {
		fprintf(stderr, "insn_dump: %s\n", err.text);
		return 1;
	}
	return dump(argv[1], bin) ? 1 : 0;
}
