/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that lack what others have: section headers, build information, a place in
 * the tables. By hand, and with the `go` command of each toolchain that is here: a
 * program full of versions' names, with a decoy of the build information's magic.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "go_image.h"
#include "gobin/build_id.h"
#include "gobin/gobin.h"
#include "gobin/moduledata.h"

static struct go_image image;

/* Strings stand at 0x2900, their texts at 0x2a00, in image.bytes. */
enum { STRINGS_OFFSET = 0x2900, TEXTS_OFFSET = 0x2a00, TEXT_BYTES = 64 };

static u64 data_addr(size_t offset)
{
	return DATA_ADDR + offset - CODE_BYTES;
}

static void put_string(size_t i, const char *text)
{
	size_t at = TEXTS_OFFSET + i * TEXT_BYTES;

	image_text(&image, at, text);
	image_address(&image, STRINGS_OFFSET + i * 16, data_addr(at));
	image_put(&image, STRINGS_OFFSET + i * 16 + 8, strlen(text), 8);
}

/* Makes the second function schedinit: cmpq $0, the i-th string's length. */
static void put_schedinit(int i)
{
	static const u8 compare[] = { 0x48, 0x83, 0x3d };
	u64 code = TEXT_ADDR + FUNC_BYTES, length = data_addr(STRINGS_OFFSET + (size_t)i * 16 + 8);

	image_text(&image, TABLE_OFFSET + NAMES_AT + 0x10, "runtime.schedinit");
	memcpy(image.bytes + TEXT_OFFSET + FUNC_BYTES, compare, sizeof(compare));
	image_put(&image, TEXT_OFFSET + FUNC_BYTES + 3, length - (code + 8), 4);
}

static const struct {
	const char *why;
	const char *texts[3];
	int schedinit; /* the string that it looks at; -1: there is none */
	int rc;
	const char *version;
} programs[] = {
	{ "one string", { "go1.22.12" }, -1, 0, "go1.22.12" },
	{ "one text twice", { "go1.22.12", "go1.22.12" }, -1, 0, "go1.22.12" },
	{ "not a version", { "gopher", "go1.22.12", "go2" }, -1, 0, "go1.22.12" },
	{ "two, and nothing tells which", { "go1.22.12", "go1.21" }, -1, -ENOTSUP, NULL },
	{ "two, and the runtime looks at one", { "go1.21", "go1.22.12" }, 1, 0, "go1.22.12" },
	{ "the runtime looks at no version", { "go1.22.12", "x" }, 1, 0, "go1.22.12" },
	{ "none", { "" }, -1, -ENOTSUP, NULL },
	{ "unknown, as obfuscators write", { "unknown" }, 0, -ENOTSUP, NULL },
	{ "of another layout than the table", { "go1.19.8" }, -1, -ENOTSUP, NULL },
	{ "from before any table", { "go1.9" }, -1, -ENOTSUP, NULL },
	{ "an experiment", { "go1.24.4 X:noswissmap" }, -1, 0, "go1.24.4 X:noswissmap" },
};

static void test_version_in_data(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(programs); i++) {
		CLEANUP(gobin_freep) struct gobin *bin = NULL;
		size_t n = i / 2;
		struct err err = { 0 };
		int rc;

		image_make(&image, 22, i % 2, "go1.22.12", "");
		memset(image.bytes + BUILD_OFFSET, 0, 16);
		for (size_t k = 0; k < 3 && programs[n].texts[k]; k++)
			put_string(k, programs[n].texts[k]);
		if (programs[n].schedinit >= 0)
			put_schedinit(programs[n].schedinit);
		image_headers(&image);
		rc = gobin_open(&bin, image_file(&image), &err);
		if (rc != programs[n].rc)
			fail_msg("%s, PIE %zu: %d %s", programs[n].why, i % 2, rc, err.text);
		if (rc)
			continue;
		assert_string_equal(gobin_info(bin)->version_text, programs[n].version);
		assert_string_equal(gobin_info(bin)->module, "");
	}
}

/* Neither build information nor a table: whatever it is, it is no Go program. */
static void test_no_go(void **state)
{
	struct gobin *bin = NULL;
	struct err err = { 0 };

	(void)state;
	image_make(&image, 22, false, "go1.22.12", "");
	memset(image.bytes + BUILD_OFFSET, 0, 16);
	image_put(&image, TABLE_OFFSET, 0, 4);
	assert_int_equal(gobin_open(&bin, image_file(&image), &err), -ENODATA);

	/* A table that no module data describes is anybody's data. */
	image_make(&image, 22, false, "go1.22.12", "");
	memset(image.bytes + BUILD_OFFSET, 0, 16);
	image_put(&image, MODULE_OFFSET, 0, 8);
	assert_int_equal(gobin_open(&bin, image_file(&image), &err), -ENODATA);
	assert_null(bin);
}

static void test_build_id(void **state)
{
	static const u8 notes[] = "\4\0\0\0\3\0\0\0\4\0\0\0Go\0\0abc\0"
				  "\4\0\0\0\2\0\0\0\3\0\0\0GNU\0xy\0\0";
	Elf64_Phdr note = { .p_type = PT_NOTE, .p_offset = 0x300 };
	struct bytes id;

	(void)state;
	image_make(&image, 22, false, "go1.22.12", "");
	assert_null(build_id_find(image_file(&image)).data);
	memcpy(image.bytes + 0x300, notes, sizeof(notes) - 1);
	for (note.p_filesz = 0; note.p_filesz < sizeof(notes); note.p_filesz++) {
		const char *want = note.p_filesz >= 38 ? "xy" : note.p_filesz >= 19 ? "abc" : NULL;

		memcpy(image.bytes + 64 + 2 * sizeof(note), &note, sizeof(note));
		id = build_id_find(image_file(&image));
		assert_int_equal(id.size, want ? strlen(want) : 0);
		assert_true(!want || memcmp(id.data, want, id.size) == 0);
	}
	note.p_filesz = ~0ull;
	memcpy(image.bytes + 64 + 2 * sizeof(note), &note, sizeof(note));
	assert_null(build_id_find(image_file(&image)).data);
	assert_null(build_id_find((struct bytes) { image.bytes, 63 }).data);
}

/* The table of offsets, made from DWARF, says what the layouts from Go's source must say. */
static void compare_rodata(struct bytes file, const char *path)
{
	CLEANUP(gobin_freep) struct gobin *bin = NULL;
	CLEANUP(elf_image_done) struct elf_image elf = { 0 };
	CLEANUP(pclntab_done) struct pclntab tab = { 0 };
	struct moduledata_rodata tabled, derived = { 0 };
	const struct elf_section *section;
	struct moduledata module;
	struct goversion version;
	u64 budget = 1 << 20;

	assert_int_equal(gobin_open(&bin, file, NULL), 0);
	version = gobin_info(bin)->version; /* Go 1.15's own commands have no build information */
	assert_int_equal(elf_image_init(&elf, file, NULL, NULL), 0);
	section = elf_image_section(&elf, ".gopclntab");
	assert_non_null(section);
	assert_int_equal(pclntab_init(&tab, &elf, pclntab_layout(&version), section->addr, NULL),
			 0);
	assert_int_equal(moduledata_find(&elf, &tab, &budget, &module, NULL), 0);
	if (moduledata_tabled(&elf, &module, &version, &tabled))
		fail_msg("%s: the table of offsets lacks Go 1.%u", path, version.minor);
	if (version.minor < 16)
		return; /* the table has it, and there is nothing to derive it from */
	if (moduledata_derived(&elf, &module, &version, &derived))
		fail_msg("%s: nothing derived", path);
	assert_int_equal(derived.types, tabled.types);
	assert_int_equal(derived.etypes, tabled.etypes);
	assert_int_equal(derived.gofunc, tabled.gofunc);
	/* The layout of another version must not pass for this one's. */
	version.minor = version.minor < 20 ? 20 : 19;
	assert_int_equal(moduledata_derived(&elf, &module, &version, &derived), -ENOENT);
	assert_memory_equal(&derived, &tabled, sizeof(derived));
}

static int find_module(const struct elf_image *elf, u64 budget)
{
	CLEANUP(pclntab_done) struct pclntab tab = { 0 };
	const struct goversion version = { .major = 1, .minor = 22 };
	struct moduledata module;

	assert_int_equal(pclntab_init(&tab, elf, pclntab_layout(&version), TABLE_ADDR, NULL), 0);
	return moduledata_find(elf, &tab, &budget, &module, NULL);
}

/* Each word that may be module data costs a walk through the relocations that are not sorted. */
static void test_relocations_have_a_budget(void **state)
{
	CLEANUP(elf_image_done) struct elf_image elf = { 0 };
	Elf64_Rela first, *relas = (Elf64_Rela *)(image.bytes + RELA_OFFSET);
	size_t n;

	(void)state;
	image_make(&image, 22, true, "go1.22.12", "");
	n = image.relocations;
	memcpy(&first, relas, sizeof(first));
	memmove(relas, relas + 1, (n - 1) * sizeof(first));
	memcpy(relas + n - 1, &first, sizeof(first));
	assert_int_equal(elf_image_init(&elf, image_file(&image), NULL, NULL), 0);
	assert_int_equal(elf_image_relocations(&elf), n);
	assert_int_equal(elf_image_unsorted(&elf), 1);
	assert_int_equal(find_module(&elf, n + 1), 0);
	assert_int_equal(find_module(&elf, n), -EBADMSG);
	assert_int_equal(find_module(&elf, n - 1), -EBADMSG);
}

static void strip_bare(u8 *data, size_t size)
{
	static const char magic[] = "\xff Go buildinf:\x08";

	memset(data + offsetof(Elf64_Ehdr, e_shoff), 0, 8);
	memset(data + offsetof(Elf64_Ehdr, e_shnum), 0, 4); /* e_shstrndx too */
	for (u8 *at = data; (at = memmem(at, size - (size_t)(at - data), magic, 15)); at++)
		if (at[15] == 2 || at[15] == 0) /* not what the program itself looks for */
			memset(at, 0, 14);
}

static void compare_bare(u8 *data, size_t size, const char *path)
{
	static const char *const names[] = { "runtime.newproc1", "runtime.gcStart", "main.main",
					     "runtime.nonesuch" };
	CLEANUP(gobin_freep) struct gobin *whole = NULL, *bare = NULL;
	CLEANUP(freep) u8 *copy = malloc(size);
	u64 types[2] = { 0 }, bare_types[2] = { 1 };
	struct gobin_func func, bare_func;
	struct err err = { 0 };

	assert_non_null(copy);
	memcpy(copy, data, size);
	strip_bare(copy, size);
	assert_int_equal(gobin_open(&whole, (struct bytes) { data, size }, &err), 0);
	if (gobin_open(&bare, (struct bytes) { copy, size }, &err))
		fail_msg("%s: %s", path, err.text);
	assert_string_equal(gobin_info(bare)->module, ""); /* it is indeed without */
	assert_true(gobin_info(bare)->stripped);
	assert_string_equal(gobin_info(bare)->version_text, gobin_info(whole)->version_text);
	assert_int_equal(gobin_func_count(bare), gobin_func_count(whole));
	assert_int_equal(gobin_types_range(whole, &types[0], &types[1]), 0);
	assert_int_equal(gobin_types_range(bare, &bare_types[0], &bare_types[1]), 0);
	assert_memory_equal(types, bare_types, sizeof(types));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int rc = gobin_func_by_name(whole, names[i], &func);

		assert_int_equal(gobin_func_by_name(bare, names[i], &bare_func), rc);
		assert_int_equal(rc, i == ARRAY_SIZE(names) - 1 ? -ENOENT : 0);
		assert_true(rc || func.addr == bare_func.addr);
	}
}

static void compare_file(const char *path)
{
	CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	CLEANUP(freep) u8 *data = NULL;
	struct stat st;

	assert_true(fd >= 0 && !fstat(fd, &st));
	data = malloc((size_t)st.st_size);
	assert_non_null(data);
	assert_int_equal(read(fd, data, (size_t)st.st_size), st.st_size);
	compare_rodata((struct bytes) { data, (size_t)st.st_size }, path);
	compare_bare(data, (size_t)st.st_size, path);
}

static void test_toolchains(void **state)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char pattern[4096];
	glob_t found;

	(void)state;
	snprintf(pattern, sizeof(pattern), "%s%s/gosonde/toolchains/go-*/usr/lib/go-*/bin/go",
		 cache ? cache : home, cache ? "" : "/.cache");
	if (glob(pattern, 0, NULL, &found)) {
		print_message("skip: scripts/toolchains has not unpacked any\n");
		skip();
	}
	for (size_t i = 0; i < found.gl_pathc; i++)
		compare_file(found.gl_pathv[i]);
	print_message("# %zu toolchains' go commands compared\n", found.gl_pathc);
	globfree(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version_in_data),
		cmocka_unit_test(test_no_go),
		cmocka_unit_test(test_build_id),
		cmocka_unit_test(test_relocations_have_a_budget),
		cmocka_unit_test(test_toolchains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
