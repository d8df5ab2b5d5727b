/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "go_image.h"
#include "gobin/gobin.h"
#include "gobin/pclntab_priv.h"

#define MARK   "0123456789abcdef" /* stands for the 16 bytes around the module info */
#define MODULE MARK "path\texample.com/cmd\nmod\texample.com/app\t(devel)\t\n" MARK

static struct go_image image;

static const struct {
	unsigned int minor;
	bool pie;
	const char *version;
} layouts[] = {
	{ 15, false, "go1.15.15" }, /* no header, one block */
	{ 15, true, "go1.15.15" },  /* entries are relocated words */
	{ 16, false, "go1.16.9" },  /* no toolchain at hand has 1.16's or 1.17's layout */
	{ 17, true, "go1.17.13" },  { 18, false, "go1.18.3" },	{ 18, true, "go1.18.3" },
	{ 20, false, "go1.20.14" }, { 22, false, "go1.22.12" }, { 22, true, "go1.22.12" },
	{ 27, true, "go1.27.3" },   { 31, false, "go1.31.0" }, /* unknown: what needs no offsets
								  still works */
};

static struct gobin *open_image(void)
{
	struct gobin *bin = NULL;
	struct err err = { 0 };

	if (gobin_open(&bin, image_file(&image), &err))
		fail_msg("Go 1.%u: %s", image.minor, err.text);
	return bin;
}

static void check_functions(const struct gobin *bin)
{
	static const char *const names[] = { "main.main", "runtime.newproc", "runtime.newproc" };
	struct gobin_func func;

	assert_int_equal(gobin_func_count(bin), FUNC_COUNT);
	for (size_t i = 0; i < FUNC_COUNT; i++) {
		assert_int_equal(gobin_func_at(bin, i, &func), 0);
		assert_string_equal(func.name, names[i]);
		assert_int_equal(func.addr, TEXT_ADDR + i * FUNC_BYTES);
		assert_int_equal(func.size, FUNC_BYTES);
	}
	assert_int_equal(gobin_func_at(bin, FUNC_COUNT, &func), -ENOENT);
	assert_int_equal(gobin_func_by_name(bin, "runtime.newproc", &func), 0);
	assert_int_equal(func.addr, TEXT_ADDR + FUNC_BYTES); /* not the wrapper behind it */
	assert_int_equal(gobin_func_by_name(bin, "main.mai", &func), -ENOENT);
	assert_int_equal(gobin_func_by_name(bin, "", &func), -ENOENT);
}

static void check_lines(const struct gobin *bin)
{
	static const struct {
		u64 pc;
		const char *func; /* NULL: none */
		u32 line;
	} rows[] = {
		{ TEXT_ADDR - 1, NULL, 0 },
		{ TEXT_ADDR, "main.main", 10 },
		{ TEXT_ADDR + 15, "main.main", 10 },
		{ TEXT_ADDR + 16, "main.main", 12 },
		{ TEXT_ADDR + FUNC_BYTES - 1, "main.main", 12 },
		{ TEXT_ADDR + FUNC_BYTES, "runtime.newproc", 10 },
		{ TEXT_END - 1, "runtime.newproc", 12 },
		{ TEXT_END, NULL, 0 },
		{ 0, NULL, 0 },
		{ ~0ull, NULL, 0 },
	};
	struct gobin_line line;
	struct gobin_func func;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int want = rows[i].func ? 0 : -ENOENT;

		assert_int_equal(gobin_line(bin, rows[i].pc, &line), want);
		assert_int_equal(gobin_func_by_pc(bin, rows[i].pc, &func), want);
		if (want)
			continue;
		assert_string_equal(line.func, rows[i].func);
		assert_string_equal(func.name, rows[i].func);
		assert_string_equal(line.file, "/src/main.go");
		assert_int_equal(line.line, rows[i].line);
	}
}

static void test_layouts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++) {
		CLEANUP(gobin_freep) struct gobin *bin = NULL;
		const struct gobin_info *info;
		u64 start, end;

		image_make(&image, layouts[i].minor, layouts[i].pie, layouts[i].version, MODULE);
		bin = open_image();
		info = gobin_info(bin);
		assert_string_equal(info->version_text, layouts[i].version);
		assert_string_equal(info->module, "example.com/app");
		assert_int_equal(info->version.minor, layouts[i].minor);
		assert_int_equal(info->pie, layouts[i].pie);
		assert_true(info->stripped);
		assert_int_equal(info->register_abi, layouts[i].minor >= 17);
		assert_int_equal(info->swiss_maps, layouts[i].minor >= 24);
		assert_int_equal(info->text_start, TEXT_ADDR);
		assert_int_equal(info->text_end, TEXT_END);
		assert_int_equal(gobin_data_range(bin, &start, &end), 0);
		assert_int_equal(start, DATA_ADDR);
		assert_int_equal(end, DATA_ADDR + 2 * DATA_BYTES);
		check_functions(bin);
		check_lines(bin);
	}
}

static void test_types_range(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++) {
		CLEANUP(gobin_freep) struct gobin *bin = NULL;
		unsigned int minor = layouts[i].minor;
		bool known = minor == 15 || minor == 22 || minor == 27;
		u64 start = 0, end = 0;

		image_make(&image, minor, layouts[i].pie, layouts[i].version, MODULE);
		bin = open_image();
		assert_int_equal(gobin_types_range(bin, &start, &end), known ? 0 : -ENOENT);
		assert_int_equal(start, known ? TYPES_ADDR : 0);
		assert_int_equal(end, known ? TYPES_ADDR + TYPES_BYTES : 0);
	}
}

static void test_versions(void **state)
{
	static const struct {
		const char *text;
		int rc;
		u16 patch;
		bool experiment, swiss;
	} rows[] = {
		{ "go1.24.4", 0, 4, false, true },
		{ "go1.24", 0, 0, false, true },
		{ "go1.24rc2", 0, 0, false, true },
		{ "go1.24.4-vendor", 0, 4, false, true },
		{ "go1.24.4 X:noswissmap", 0, 4, true, false },
		{ "go1.24.4 X:boringcrypto,noswissmap", 0, 4, true, false },
		{ "go1.24.4 X:noswissmap2", 0, 4, true, true },	 /* another experiment */
		{ "go1.24.4 X:a noswissmap", 0, 4, true, true }, /* behind the list */
		{ "devel go1.24-0a1b2c Mon Jan 1", 0, 0, true, true },
		{ "devel +0a1b2c Mon Jan 1", -ENOTSUP, 0, false, false }, /* no release named */
		{ "go1.14.15", -ENOTSUP, 0, false, false }, /* older than any known layout */
		{ "go2.24.0", -ENOTSUP, 0, false, false },
		{ "go1.", -ENOTSUP, 0, false, false },
		{ "go1.24.", -ENOTSUP, 0, false, false },
		{ "go1.99999.1", -ENOTSUP, 0, false, false }, /* over 16 bits */
		{ "", -ENOTSUP, 0, false, false },
		{ "go1.19.8", -ENOTSUP, 0, false, false }, /* the table is of a later layout */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(gobin_freep) struct gobin *bin = NULL;
		struct err err = { 0 };
		int rc;

		image_make(&image, 24, false, rows[i].text, MODULE);
		rc = gobin_open(&bin, image_file(&image), &err);
		if (rc != rows[i].rc)
			fail_msg("%s: %d %s", rows[i].text, rc, err.text);
		if (rc) {
			assert_null(bin);
			assert_string_not_equal(err.text, "");
			continue;
		}
		assert_int_equal(gobin_info(bin)->version.patch, rows[i].patch);
		assert_int_equal(gobin_info(bin)->version.experiment, rows[i].experiment);
		assert_int_equal(gobin_info(bin)->swiss_maps, rows[i].swiss);
	}
}

static void test_modules(void **state)
{
	static const struct {
		const char *modinfo, *module;
	} rows[] = {
		{ MODULE, "example.com/app" },
		{ MARK "path\tcmd/x\n" MARK, "cmd/x" }, /* Debian's packages name no module */
		{ MARK "mod\texample.com/a" MARK, "example.com/a" }, /* no tab, no newline */
		{ MARK "dep\tmod\tx\n" MARK, "" },
		{ MARK MARK, "" },
		{ "mod\tshort\t", "" }, /* shorter than its marks */
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (unsigned int minor = 16; minor <= 22; minor += 6) {
			CLEANUP(gobin_freep) struct gobin *bin = NULL;

			image_make(&image, minor, false, minor == 16 ? "go1.16.9" : "go1.22.12",
				   rows[i].modinfo);
			bin = open_image();
			assert_string_equal(gobin_info(bin)->module, rows[i].module);
		}
	}
}

/* One change to a good Go 1.22 program and what becomes of it. */
static const struct {
	const char *why;
	size_t offset, width;
	u64 value;
	int rc;
} lies[] = {
	{ "no ELF magic", 0, 1, 0, -ENOEXEC },
	{ "32 bits", EI_CLASS, 1, ELFCLASS32, -EPFNOSUPPORT },
	{ "big-endian", EI_DATA, 1, ELFDATA2MSB, -EPFNOSUPPORT },
	{ "another machine", 18, 2, EM_RISCV, -EPFNOSUPPORT },
	{ "an object file", 16, 2, ET_REL, -ENODATA },
	{ "program headers past the end", 32, 8, IMAGE_BYTES, -ENOEXEC },
	{ "more program headers than allowed", 56, 2, 65, -ENOEXEC },
	{ "as many program headers as the first section says", 56, 2, PN_XNUM, -ENOEXEC },
	{ "as many sections as the first one says", 40, 8, 0x200, -ENOEXEC },
	{ "more sections than allowed", 60, 2, 4097, -ENOEXEC },
	{ "section headers past the end", 40, 8, IMAGE_BYTES + 1, -ENOEXEC },
	{ "a segment past the end", 64 + 56 + 8, 8, CODE_BYTES + 1, -ENOEXEC },
	{ "a segment at the end of the address space", 64 + 56 + 16, 8, ~0xfffull, -ENOEXEC },
	{ "a segment over another", 64 + 56 + 16, 8, CODE_ADDR + 0x1000, -ENOEXEC },
	{ "no build information, and no variable with the version", BUILD_OFFSET, 1, 0, -ENOTSUP },
	{ "build information of 2^63 bytes, which is none", BUILD_OFFSET + 32, 8, ~0ull, -ENOTSUP },
	{ "old build information that points nowhere", BUILD_OFFSET + 15, 1, 0, -ENOTSUP },
	{ "magic of another layout", TABLE_OFFSET, 4, 0xfffffffa, -ENOTSUP },
	{ "pointers of 4 bytes", TABLE_OFFSET + 7, 1, 4, -ENOTSUP },
	{ "no functions", TABLE_OFFSET + 8, 8, 0, -EBADMSG },
	{ "2^64 - 1 functions", TABLE_OFFSET + 8, 8, ~0ull, -EBADMSG },
	{ "more functions than the file can hold", TABLE_OFFSET + 8, 8, 1 << 20, -EBADMSG },
	{ "a function more than module data says", TABLE_OFFSET + 8, 8, FUNC_COUNT + 1, -EBADMSG },
	{ "names behind their end", TABLE_OFFSET + 32, 8, UNITS_AT + 1, -EBADMSG },
	{ "functions past the end", TABLE_OFFSET + 64, 8, 1ull << 40, -EBADMSG },
	{ "functions not in order", TABLE_OFFSET + FUNCTAB_AT + 8, 4, 129, -EBADMSG },
	{ "a function past the text", TABLE_OFFSET + FUNCTAB_AT + 24, 4, 193, -EBADMSG },
	{ "a _func outside the table", TABLE_OFFSET + FUNCTAB_AT + 4, 4, ~0u, -EBADMSG },
	{ "a name outside the table", TABLE_OFFSET + FUNCS_AT + 4, 4, ~0u, -EBADMSG },
	{ "module data that points elsewhere", MODULE_OFFSET, 8, TABLE_ADDR + 8, -EBADMSG },
	{ "another functab", MODULE_OFFSET + 128, 8, TABLE_ADDR, -EBADMSG },
	{ "another number of functions", MODULE_OFFSET + 136, 8, FUNC_COUNT, -EBADMSG },
	{ "text in the data", MODULE_OFFSET + 176, 8, DATA_ADDR, -EBADMSG },
	{ "text that ends before it starts", MODULE_OFFSET + 184, 8, TEXT_ADDR - 1, -EBADMSG },
	{ "text past its segment", MODULE_OFFSET + 184, 8, CODE_ADDR + CODE_BYTES + 1, -EBADMSG },
	{ "data that ends before it starts", MODULE_OFFSET + 248, 8, 0, -EBADMSG },
	{ "types that end before they start", MODULE_OFFSET + 304, 8, 0, -EBADMSG },
	/* What is not worth refusing the program for. */
	{ "a line table outside", TABLE_OFFSET + FUNCS_AT + 24, 4, ~0u, 0 },
	{ "a file table outside", TABLE_OFFSET + FUNCS_AT + 20, 4, ~0u, 0 },
	{ "a file number outside", TABLE_OFFSET + FUNCS_AT + 32, 4, ~0u, 0 },
	{ "a dropped file", TABLE_OFFSET + UNITS_AT, 4, ~0u, 0 },
};

static void test_lies(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		CLEANUP(gobin_freep) struct gobin *bin = NULL;
		struct gobin_line line;
		struct err err = { 0 };
		int rc;

		image_make(&image, 22, false, "go1.22.12", MODULE);
		image_put(&image, lies[i].offset, lies[i].value, lies[i].width);
		rc = gobin_open(&bin, image_file(&image), &err);
		if (rc != lies[i].rc)
			fail_msg("%s: %d, not %d: %s", lies[i].why, rc, lies[i].rc, err.text);
		assert_int_equal(bin == NULL, rc != 0);
		if (rc)
			continue;
		assert_int_equal(gobin_line(bin, TEXT_ADDR, &line), 0);
		assert_string_equal(line.func, "main.main");
		assert_true(line.line == 0 || strcmp(line.file, "?") == 0);
	}
}

/* Each segment costs a search of its part of the file, so they can't all have all of it. */
static void test_segments_of_the_same_bytes(void **state)
{
	(void)state;
	for (size_t count = 2; count <= 3; count++) {
		struct gobin *bin = NULL;
		struct err err = { 0 };

		image_make(&image, 22, false, "go1.22.12", MODULE);
		image_put(&image, 56, count, 2);
		for (size_t i = 0; i < count; i++) {
			Elf64_Phdr all = { .p_type = PT_LOAD,
					   .p_flags = PF_R,
					   .p_vaddr = (i + 1) << 32,
					   .p_filesz = IMAGE_BYTES,
					   .p_memsz = IMAGE_BYTES };

			memcpy(image.bytes + sizeof(Elf64_Ehdr) + i * sizeof(all), &all,
			       sizeof(all));
		}
		assert_int_equal(gobin_open(&bin, image_file(&image), &err),
				 count == 2 ? -ENODATA : -ENOEXEC);
	}
}

/* A program may carry the table of another; only its own is described by its module data. */
static void test_decoy_table(void **state)
{
	CLEANUP(gobin_freep) struct gobin *bin = NULL;

	(void)state;
	image_make(&image, 22, false, "go1.22.12", MODULE);
	memcpy(image.bytes + TABLE_OFFSET - 0x100, image.bytes + TABLE_OFFSET, 0x100);
	bin = open_image();
	check_functions(bin);
}

/* Each place that points to the table costs a look at all relocations, so they are not all tried.
 */
static void test_many_places(void **state)
{
	struct gobin *bin = NULL;
	struct err err = { 0 };

	(void)state;
	for (size_t decoys = 60; decoys <= 70; decoys += 10) {
		image_make(&image, 22, false, "go1.22.12", MODULE);
		memmove(image.bytes + MODULE_OFFSET + 0x300, image.bytes + MODULE_OFFSET, 0x200);
		memset(image.bytes + MODULE_OFFSET, 0, 0x300);
		for (size_t i = 0; i < decoys; i++)
			image_put(&image, CODE_BYTES + i * 8, TABLE_ADDR, 8);
		assert_int_equal(gobin_open(&bin, image_file(&image), &err),
				 decoys == 60 ? 0 : -EBADMSG);
		gobin_free(TAKE_PTR(bin));
	}
}

/* A table of lines whose stretches have no length must not be walked for long. */
static void test_endless_lines(void **state)
{
	CLEANUP(gobin_freep) struct gobin *bin = NULL;
	struct gobin_line line;

	(void)state;
	image_make(&image, 22, false, "go1.22.12", MODULE);
	for (size_t i = 1; i < FUNCTAB_AT - PCVALUES_AT; i++)
		image.bytes[TABLE_OFFSET + PCVALUES_AT + i] = i % 2 ? 2 : 0;
	bin = open_image();
	assert_int_equal(gobin_line(bin, TEXT_ADDR, &line), 0);
	assert_int_equal(line.line, 0);
	assert_string_equal(line.file, "?");
}

/* A function is as large as its table says, so it does not bound the walk either. */
static void test_steps_are_counted(void **state)
{
	static const u8 pairs[64] = { 0, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1 };
	const struct pclntab tab = { .quantum = 1, .pcvalues = { pairs, sizeof(pairs) } };
	const struct gobin_func func = { .addr = 0x1000, .size = 1ull << 40 };
	s32 value = 0;

	(void)state;
	for (u64 left = 0; left < 8; left++) {
		u64 steps = left;
		bool found = pclntab_value(&tab, 1, &func, 0x1002, &steps, &value);

		assert_int_equal(found, left >= 3);
		assert_int_equal(steps, found ? left - 2 : 0);
		assert_true(!found || value == 2);
	}
}

static void test_addresses(void **state)
{
	CLEANUP(gobin_freep) struct gobin *bin = NULL;
	struct bytes bytes;
	u64 offset, addr, size;

	(void)state;
	image_make(&image, 22, false, "go1.22.12", MODULE);
	bin = open_image();
	assert_int_equal(gobin_file_offset(bin, DATA_ADDR + 16, &offset), 0);
	assert_int_equal(offset, CODE_BYTES + 16);
	assert_int_equal(gobin_file_offset(bin, TEXT_ADDR, &offset), 0);
	assert_int_equal(offset, TEXT_OFFSET);
	assert_int_equal(gobin_file_offset(bin, DATA_ADDR + DATA_BYTES, &offset),
			 -ENOENT); /* bss */
	assert_int_equal(gobin_file_offset(bin, 16, &offset), -ENOENT);
	bytes = gobin_bytes(bin, DATA_ADDR, DATA_BYTES);
	assert_ptr_equal(bytes.data, image.bytes + CODE_BYTES);
	assert_int_equal(bytes.size, DATA_BYTES);
	assert_null(gobin_bytes(bin, DATA_ADDR, DATA_BYTES + 1).data);
	assert_null(gobin_bytes(bin, DATA_ADDR + 1, ~0ull).data);
	assert_int_equal(gobin_symbol(bin, "runtime.work", &addr, &size), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layouts),
		cmocka_unit_test(test_types_range),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_modules),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_decoy_table),
		cmocka_unit_test(test_many_places),
		cmocka_unit_test(test_endless_lines),
		cmocka_unit_test(test_steps_are_counted),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_segments_of_the_same_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
