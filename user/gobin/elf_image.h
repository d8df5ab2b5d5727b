/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An ELF file as its loader sees it: segments, relative relocations, and the
 * sections and symbols, which are hints that a stripped file lacks.
 *
 * Works on bytes that the caller keeps; every address is a link-time address.
 */
#ifndef GOBIN_ELF_IMAGE_H
#define GOBIN_ELF_IMAGE_H

#include <elf.h>
#include <stdbool.h>

#include "base/cursor.h"
#include "base/err.h"
#include "gobin/gobin.h"

/* gc and gcc make less than 16 PT_LOADs; the kernel itself refuses a table of more than 64 KiB. */
enum { ELF_MAX_SEGMENTS = 64 };

/* A file of 384 MiB of them, where large programs have a million. */
enum { ELF_MAX_RELOCATIONS = 1 << 24 };

/* A PT_LOAD. What memory has past file_size is zero. */
struct elf_segment {
	u64 addr;
	u64 mem_size, file_size; /* bytes */
	u64 offset;		 /* in the file */
	bool writable, executable;
};

struct elf_section {
	const char *name; /* borrowed from the file */
	u32 type;	  /* SHT_… */
	u32 link;
	u64 addr, offset, size;
};

struct elf_image {
	struct bytes file;	/* borrowed */
	bytes_release *release; /* may be NULL */
	bool pie;		/* ET_DYN */
	size_t segment_count;
	struct elf_segment segments[ELF_MAX_SEGMENTS]; /* ascending, without overlap */
	size_t section_count;
	struct elf_section *sections; /* owned */
	struct bytes relocations;     /* Elf64_Rela of PT_DYNAMIC, raw */
	size_t sorted; /* so many of them, from the first on, ascend and are relative */
	struct bytes symbols,
		symbol_names; /* .symtab and its string table, raw; empty if stripped */
};

/*
 * Returns 0, or -ENOEXEC (not ELF, or the tables or segments end past the
 * file, or are more than a program has), -EPFNOSUPPORT (other class, byte order or machine than
 * this program's), -ENODATA (not something that is executed), -ENOMEM.
 */
int elf_image_init(struct elf_image *ret, struct bytes file, bytes_release *release,
		   struct err *err);
void elf_image_done(struct elf_image *elf);

/*
 * For whoever gives a file to libelf: it makes room for as many sections as the
 * file says it has, before one can ask how many these are. Returns 0 or -ENOEXEC:
 * more sections or segments than a program has.
 */
int elf_image_check_counts(const Elf64_Ehdr *header, struct err *err);

/* The first section of that name, or NULL. */
const struct elf_section *elf_image_section(const struct elf_image *elf, const char *name);

/* The segment that holds addr in memory, or NULL. */
const struct elf_segment *elf_image_segment(const struct elf_image *elf, u64 addr);

/* The file's bytes of [addr, addr + size); {NULL, 0} if the file has not all of them. Borrowed. */
struct bytes elf_image_bytes(const struct elf_image *elf, u64 addr, u64 size);

/* The file's bytes from addr to the end of its segment; {NULL, 0} if there are none. Borrowed. */
struct bytes elf_image_tail(const struct elf_image *elf, u64 addr);

/*
 * Reads n 64-bit words at addr as the program has them when loaded with bias 0:
 * where the loader relocates a word, the relocation's addend counts, because
 * what the file has in its place is the linker's business.
 * Returns 0 or -ENOENT.
 */
int elf_image_words(const struct elf_image *elf, u64 addr, u64 *ret, size_t n);

/*
 * Calls found(arg, addr) for every aligned word of a writable segment that holds value once
 * loaded, until it returns non-zero; returns that, or 0.
 */
int elf_image_find_word(const struct elf_image *elf, u64 value, int (*found)(void *arg, u64 addr),
			void *arg);

/* An aligned word that is searched for: what it is under a mask. */
struct elf_pattern {
	u64 value, mask;
};

/*
 * Calls found(arg, addr) for every such word that one segment has in the file, until it returns
 * non-zero; returns that, or 0. What was read through is released.
 */
int elf_image_find_in(const struct elf_image *elf, const struct elf_segment *segment,
		      struct elf_pattern pattern, int (*found)(void *arg, u64 addr), void *arg);

/*
 * Calls found(arg, addr, value) for every word of [start, end) that the loader relocates by the
 * load bias, until it returns non-zero; returns that, or 0.
 */
int elf_image_relocated(const struct elf_image *elf, u64 start, u64 end,
			int (*found)(void *arg, u64 addr, u64 value), void *arg);

/* How many there are, and how many of them every lookup of words walks through: Go's own linker
 * sorts none. */
size_t elf_image_relocations(const struct elf_image *elf);
size_t elf_image_unsorted(const struct elf_image *elf);

/* Counts elf->sorted; for elf_image_init(). */
void elf_image_sort_check(struct elf_image *elf);

/* The caller has read through bytes and does not need them soon. */
void elf_image_release(const struct elf_image *elf, struct bytes range);

/* A variable that .symtab defines, by its exact name. Returns 0 or -ENOENT. */
int elf_image_symbol(const struct elf_image *elf, const char *name, u64 *ret_addr, u64 *ret_size);

#endif
