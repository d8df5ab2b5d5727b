/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Functions of an ELF file by address: of C libraries and the C parts of a
 * cgo program, from .symtab, else .dynsym. The file is read, not mapped: a
 * library that somebody cuts short while we look must not kill us.
 */
#ifndef PROC_ELF_SYMBOLS_H
#define PROC_ELF_SYMBOLS_H

#include <stdbool.h>

#include <gosonde/types.h>

#include "base/err.h"

struct elf_symbols;

/*
 * Reads the symbols of the file, unless they take more than most_bytes of memory; a
 * file without any is fine. Takes fd, also on failure.
 * Returns 0, -ENOEXEC (no ELF file of 64 bits, or an absurd one) or -ENOMEM.
 */
int elf_symbols_open(struct elf_symbols **ret, int fd, u64 most_bytes, struct err *err);
void elf_symbols_free(struct elf_symbols *symbols);
DEFINE_FREEP(struct elf_symbols, elf_symbols_free)

/* The memory that it takes at most. */
u64 elf_symbols_bytes(const struct elf_symbols *symbols);

/* The link-time address of a file offset, by segment. Returns 0 or -ENOENT. */
int elf_symbols_addr(const struct elf_symbols *symbols, u64 offset, u64 *ret);

/*
 * The function that holds the link-time address; raw, borrowed. A symbol
 * without a size reaches to the next one. NULL: none does.
 */
const char *elf_symbols_find(const struct elf_symbols *symbols, u64 addr);

/* Whether the file may hold Go code: it has a section of Go's, or no sections that would tell. */
bool elf_symbols_maybe_go(const struct elf_symbols *symbols);

#endif
