/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A Go binary, as its file tells it: version, functions, lines, code bytes.
 *
 * Pure: works on bytes that the caller mapped and must keep until gobin_free();
 * nothing is copied that can be borrowed, tables are read where they lie. Every
 * address here is a link-time address; a process adds its load bias. The bytes
 * are foreign (a hostile process chose them): every read is bounded, counts are
 * capped, and texts that are handed out are raw, so escape them on the way out.
 */
#ifndef GOBIN_GOBIN_H
#define GOBIN_GOBIN_H

#include <stdbool.h>

#include "base/cursor.h"
#include "base/err.h"

struct gobin;

/* A release of Go: {1, 22, 12} is go1.22.12. */
struct goversion {
	u16 major, minor, patch;
	bool experiment; /* built with a GOEXPERIMENT ("X:…") or from a development tree */
};

struct gobin_info {
	struct goversion version;
	const char *version_text; /* "go1.22.12", as found; owned by the gobin */
	const char *module;	  /* main module's path, else the main package's, else ""; owned */
	bool pie;		  /* ET_DYN: addresses need a load bias */
	bool stripped;		  /* no .symtab */
	bool swiss_maps;	  /* Go >= 1.24 and not built with noswissmap */
	bool register_abi;	  /* arguments in registers (amd64: Go >= 1.17) */
	u64 text_start, text_end; /* of the Go code (moduledata.text, etext) */
};

struct gobin_func {
	const char *name; /* borrowed from the file, NUL-terminated, unescaped */
	u64 addr;	  /* of its entry */
	u64 size;	  /* up to the next function's entry */
};

struct gobin_line {
	const char *func; /* borrowed, unescaped */
	const char *file; /* borrowed, unescaped; "?" if the table does not tell */
	u32 line;	  /* 0: unknown */
	bool wrapper;	  /* made by the compiler; told by gobin_frames() alone */
};

/*
 * Opens a Go binary.
 *
 * file: the whole ELF file; borrowed until gobin_free().
 * Returns 0, or
 *   -ENOEXEC  not an ELF file, or cut short
 *   -ENODATA  an ELF file, but not a Go program
 *   -EPFNOSUPPORT  for another architecture than this program's
 *   -ENOTSUP  a Go version with a layout that we don't know, or nothing tells the version
 *   -EBADMSG  a table contradicts itself
 */
int gobin_open(struct gobin **ret, struct bytes file, struct err *err);

/*
 * The same for a file that is mapped: release() hears of ranges that were read
 * through once, so that a large binary does not fill the memory. They must stay
 * readable.
 */
typedef void bytes_release(struct bytes range);
int gobin_open_mapped(struct gobin **ret, struct bytes file, bytes_release *release,
		      struct err *err);

/*
 * The same for a plugin of a program, whose version it has: plugin.Open() refuses
 * others, and a file need not tell its own (Go 1.19 writes no build information).
 */
int gobin_open_plugin(struct gobin **ret, struct bytes file, const struct gobin *program,
		      struct err *err);
void gobin_free(struct gobin *bin);
DEFINE_FREEP(struct gobin, gobin_free)

const struct gobin_info *gobin_info(const struct gobin *bin);

/*
 * The function of that name; of several (an ABI wrapper has its function's
 * name) the one that is not a wrapper.
 * Returns 0, or -ENOENT: the linker dropped it or this version has none.
 */
int gobin_func_by_name(const struct gobin *bin, const char *name, struct gobin_func *ret);

/* The function that holds the link-time address pc. Returns 0 or -ENOENT. */
int gobin_func_by_pc(const struct gobin *bin, u64 pc, struct gobin_func *ret);

/*
 * Function, file and line of pc. For a return address pass the address minus 1,
 * else it may name the line after the call. Returns 0 or -ENOENT.
 */
int gobin_line(const struct gobin *bin, u64 pc, struct gobin_line *ret);

/*
 * The calls that pc is in, innermost first: what the compiler inlined, then the
 * function itself; each with the position that runtime.CallersFrames gives it.
 * For a return address pass the address minus 1. max >= 1; what exceeds it is
 * left out.
 * Returns how many, at least 1, or -ENOENT.
 */
int gobin_frames(const struct gobin *bin, u64 pc, struct gobin_line *ret, size_t max);

/* Where the program keeps its runtime.firstmoduledata; a plugin, its own. Link-time. */
u64 gobin_moduledata(const struct gobin *bin);

/* The file's bytes at a link-time address; {NULL, 0} if the file has none there. Borrowed. */
struct bytes gobin_bytes(const struct gobin *bin, u64 addr, u64 size);

/* The file offset of a link-time address, by segment. Returns 0 or -ENOENT. */
int gobin_file_offset(const struct gobin *bin, u64 addr, u64 *ret);

/*
 * Link-time address of the first executable segment, whose place in memory the
 * kernel tells of a process (mm->start_code): the difference is the load bias.
 * Returns 0 or -ENOENT.
 */
int gobin_code_addr(const struct gobin *bin, u64 *ret);

/* Functions in the table, and the i-th of them in address order (for oracles and lists). */
size_t gobin_func_count(const struct gobin *bin);
int gobin_func_at(const struct gobin *bin, size_t i, struct gobin_func *ret);

/*
 * A symbol of .symtab, for what the function table lacks: variables.
 * Returns 0, or -ENOENT: no such symbol, as always in a stripped binary.
 */
int gobin_symbol(const struct gobin *bin, const char *name, u64 *ret_addr, u64 *ret_size);

/*
 * [start, end) of the Go variables, initialised or not (moduledata: noptrdata, data, bss and
 * noptrbss). Returns 0, or -ENOENT: there are none.
 */
int gobin_data_range(const struct gobin *bin, u64 *ret_start, u64 *ret_end);

/*
 * [start, end) of the type descriptors and their names (moduledata.types, etypes).
 * Returns 0, or -ENOENT: not known for this version of Go.
 */
int gobin_types_range(const struct gobin *bin, u64 *ret_start, u64 *ret_end);

#endif
