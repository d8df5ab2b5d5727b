/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A Go program made by hand, for tests of what no toolchain at hand makes:
 * every layout of the function table, and tables that lie. Two segments, no
 * sections, three functions of 64 bytes; the last two have one name.
 */
#ifndef TESTS_GO_IMAGE_H
#define TESTS_GO_IMAGE_H

#include <elf.h>
#include <string.h>

#include "base/cursor.h"
#include "base/macros.h"

enum {
	IMAGE_BYTES = 0x3000,
	CODE_OFFSET = 0, /* the file's first 8 KiB: headers, function table, code, types */
	CODE_BYTES = 0x2000,
	DATA_BYTES = 0x1000,
	TABLE_OFFSET = 0x400, /* of the function table */
	TEXT_OFFSET = 0x1000,
	TYPES_OFFSET = 0x1800,
	TYPES_BYTES = 0x400,
	MODULE_OFFSET = 0x2100, /* of moduledata */
	BUILD_OFFSET = 0x2800,	/* of the build information */
	RELA_OFFSET = 0x2c00,
	FUNC_BYTES = 64,
	FUNC_COUNT = 3,
	PHDR_COUNT = 3,
	/* Parts of the table, from its start; _func of function i is at FUNCS_AT + i * 64. */
	NAMES_AT = 0x50,
	UNITS_AT = 0x90,
	FILES_AT = 0xa0,
	PCVALUES_AT = 0xc0,
	FUNCTAB_AT = 0xe0, /* Go >= 1.16 */
	FUNCS_AT = 0x140,
};

#define CODE_ADDR  0x400000ull
#define DATA_ADDR  0x600000ull
#define TEXT_ADDR  (CODE_ADDR + TEXT_OFFSET)
#define TEXT_END   (TEXT_ADDR + FUNC_COUNT * FUNC_BYTES)
#define TABLE_ADDR (CODE_ADDR + TABLE_OFFSET)
#define TYPES_ADDR (CODE_ADDR + TYPES_OFFSET)

struct go_image {
	unsigned int minor;
	bool pie; /* words that a loader relocates are zero in the file */
	size_t relocations;
	u8 bytes[IMAGE_BYTES];
};

static inline void image_put(struct go_image *image, size_t offset, u64 value, size_t width)
{
	memcpy(image->bytes + offset, &value, width);
}

static inline size_t image_text(struct go_image *image, size_t offset, const char *text)
{
	memcpy(image->bytes + offset, text, strlen(text) + 1);
	return offset + strlen(text) + 1;
}

/* A word that holds an address: in a PIE, a relocation instead. */
static inline void image_address(struct go_image *image, size_t offset, u64 value)
{
	u64 addr = offset < CODE_BYTES ? CODE_ADDR + offset : DATA_ADDR + offset - CODE_BYTES;
	Elf64_Rela rela = {
		.r_offset = addr,
		.r_info = ELF64_R_INFO(0, R_X86_64_RELATIVE),
		.r_addend = (Elf64_Sxword)value,
	};

	if (!image->pie) {
		image_put(image, offset, value, sizeof(value));
		return;
	}
	memcpy(image->bytes + RELA_OFFSET + image->relocations++ * sizeof(rela), &rela,
	       sizeof(rela));
}

static inline void image_headers(struct go_image *image)
{
	Elf64_Ehdr ehdr = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = image->pie ? ET_DYN : ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(ehdr),
		.e_ehsize = sizeof(ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = PHDR_COUNT,
	};
	Elf64_Phdr phdrs[PHDR_COUNT] = {
		{ .p_type = PT_LOAD,
		  .p_flags = PF_R | PF_X,
		  .p_vaddr = CODE_ADDR,
		  .p_filesz = CODE_BYTES,
		  .p_memsz = CODE_BYTES },
		{ .p_type = PT_LOAD,
		  .p_flags = PF_R | PF_W,
		  .p_offset = CODE_BYTES,
		  .p_vaddr = DATA_ADDR,
		  .p_filesz = DATA_BYTES,
		  .p_memsz = 2 * DATA_BYTES },
		{ .p_type = PT_DYNAMIC, .p_flags = PF_R, .p_offset = 0x200, .p_filesz = 48 },
	};
	Elf64_Dyn dynamic[3] = {
		{ .d_tag = DT_RELA, .d_un.d_ptr = DATA_ADDR + RELA_OFFSET - CODE_BYTES },
		{ .d_tag = DT_RELASZ, .d_un.d_val = image->relocations * sizeof(Elf64_Rela) },
	};

	memcpy(image->bytes, &ehdr, sizeof(ehdr));
	memcpy(image->bytes + sizeof(ehdr), phdrs, sizeof(phdrs));
	memcpy(image->bytes + 0x200, dynamic, sizeof(dynamic));
}

/* One runtime._func: name, and tables of files and lines. */
static inline void image_func(struct go_image *image, size_t i, u64 name, u64 pcfile, u64 pcln)
{
	size_t at = TABLE_OFFSET + FUNCS_AT + i * FUNC_BYTES, entry_bytes = 8;

	if (image->minor >= 18) {
		entry_bytes = 4;
		image_put(image, at, i * FUNC_BYTES, 4);
	}
	image_put(image, at + entry_bytes, name, 4);
	image_put(image, at + entry_bytes + 16, pcfile, 4);
	image_put(image, at + entry_bytes + 20, pcln, 4);
}

static inline void image_functab(struct go_image *image, size_t functab)
{
	u64 base = image->minor >= 16 ? functab : 0;

	for (size_t i = 0; i <= FUNC_COUNT; i++) {
		u64 func = FUNCS_AT + i * FUNC_BYTES - base;
		size_t at = TABLE_OFFSET + functab;

		if (image->minor >= 18) {
			image_put(image, at + i * 8, i * FUNC_BYTES, 4);
			image_put(image, at + i * 8 + 4, func, 4);
		} else {
			image_address(image, at + i * 16, TEXT_ADDR + i * FUNC_BYTES);
			if (i < FUNC_COUNT)
				image_put(image, at + i * 16 + 8, func, 8);
		}
	}
	if (image->minor < 16) /* the last function's end, then where the files are */
		image_put(image, TABLE_OFFSET + functab + FUNC_COUNT * 16 + 8, UNITS_AT, 4);
}

/* Lines 10 for 16 bytes, then 12; file "/src/main.go". */
static inline void image_pcvalues(struct go_image *image)
{
	static const u8 file[] = { 2, FUNC_BYTES, 0 }, file_1[] = { 4, FUNC_BYTES, 0 };
	static const u8 lines[] = { 22, 16, 4, FUNC_BYTES - 16, 0 };
	size_t at = TABLE_OFFSET + PCVALUES_AT;

	memcpy(image->bytes + at + 1, image->minor < 16 ? file_1 : file, sizeof(file));
	memcpy(image->bytes + at + 8, lines, sizeof(lines));
}

static inline size_t image_table(struct go_image *image)
{
	static const u64 parts[] = { NAMES_AT, UNITS_AT, FILES_AT, PCVALUES_AT, FUNCTAB_AT };
	u32 magic = image->minor < 16	? 0xfffffffb
		    : image->minor < 18 ? 0xfffffffa
		    : image->minor < 20 ? 0xfffffff0
					: 0xfffffff1;
	size_t at = TABLE_OFFSET, n = image->minor < 18 ? 3 : 4;
	u64 names = image->minor < 16 ? NAMES_AT + 0x20 : 0;
	u64 values = image->minor < 16 ? PCVALUES_AT : 0;

	image_put(image, at, magic, 4);
	image_put(image, at + 6, 1, 1);
	image_put(image, at + 7, 8, 1);
	image_put(image, at + 8, FUNC_COUNT, 8);
	if (image->minor >= 16) {
		image_put(image, at + 16, 1, 8);
		for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
			image_put(image, at + (n + i) * 8, parts[i], 8);
	}
	/* Go 1.15's functab stands where later headers are. */
	image_text(image, at + NAMES_AT + (image->minor < 16 ? 0x20 : 0), "main.main");
	image_text(image, at + NAMES_AT + (image->minor < 16 ? 0x20 : 0) + 0x10, "runtime.newproc");
	image_put(image, at + UNITS_AT + (image->minor < 16 ? 4 : 0),
		  image->minor < 16 ? FILES_AT : 0, 4);
	image_text(image, at + FILES_AT, "/src/main.go");
	image_pcvalues(image);
	for (size_t i = 0; i < FUNC_COUNT; i++)
		image_func(image, i, names + (i ? 0x10 : 0), values + 1, values + 8);
	image_functab(image, image->minor < 16 ? 16 : FUNCTAB_AT);
	return image->minor < 16 ? 16 : FUNCTAB_AT;
}

static inline void image_module(struct go_image *image, size_t functab)
{
	size_t ftab = image->minor < 16 ? 24 : 128, text = image->minor < 16 ? 96 : 176;
	size_t types = image->minor < 16 ? 200 : image->minor < 20 ? 280 : 296;

	image_address(image, MODULE_OFFSET, TABLE_ADDR);
	image_address(image, MODULE_OFFSET + ftab, TABLE_ADDR + functab);
	image_put(image, MODULE_OFFSET + ftab + 8, FUNC_COUNT + 1, 8);
	image_address(image, MODULE_OFFSET + text, TEXT_ADDR);
	image_address(image, MODULE_OFFSET + text + 8, TEXT_END);
	image_address(image, MODULE_OFFSET + text + 16, DATA_ADDR);
	image_address(image, MODULE_OFFSET + text + 72, DATA_ADDR + 2 * DATA_BYTES);
	image_address(image, MODULE_OFFSET + types, TYPES_ADDR);
	image_address(image, MODULE_OFFSET + types + (image->minor >= 27 ? 16 : 8),
		      TYPES_ADDR + TYPES_BYTES);
}

static inline void image_build(struct go_image *image, const char *version, const char *modinfo)
{
	size_t at = BUILD_OFFSET, text;

	memcpy(image->bytes + at, "\xff Go buildinf:\x08", 15);
	if (image->minor >= 18) {
		image_put(image, at + 15, 2, 1);
		image_put(image, at + 32, strlen(version), 1);
		text = image_text(image, at + 33, version) - 1;
		image_put(image, text, strlen(modinfo), 1);
		image_text(image, text + 1, modinfo);
		return;
	}
	image_address(image, at + 16, DATA_ADDR + at - CODE_BYTES + 32);
	image_address(image, at + 24, DATA_ADDR + at - CODE_BYTES + 48);
	image_address(image, at + 32, DATA_ADDR + at - CODE_BYTES + 64);
	image_put(image, at + 40, strlen(version), 8);
	image_address(image, at + 48, DATA_ADDR + at - CODE_BYTES + 128);
	image_put(image, at + 56, strlen(modinfo), 8);
	image_text(image, at + 64, version);
	image_text(image, at + 128, modinfo);
}

/* A program of Go 1.minor, by version text and module info ("" or with its two marks of 16 bytes).
 */
static inline void image_make(struct go_image *image, unsigned int minor, bool pie,
			      const char *version, const char *modinfo)
{
	*image = (struct go_image) { .minor = minor, .pie = pie };
	image_module(image, image_table(image));
	image_build(image, version, modinfo);
	image_headers(image);
}

static inline struct bytes image_file(const struct go_image *image)
{
	return (struct bytes) { .data = image->bytes, .size = sizeof(image->bytes) };
}

#endif
