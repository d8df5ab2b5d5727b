/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The runtime's function table: which function holds a pc, what it is called,
 * and which line a pc stands for. It survives `strip`, since tracebacks and
 * stack growth need it (go/src/runtime/symtab.go, cmd/link/internal/ld/pcln.go).
 */
#ifndef GOBIN_PCLNTAB_H
#define GOBIN_PCLNTAB_H

#include "gobin/elf_image.h"
#include "gobin/gobin.h"

/* How a range of releases lays the table out. */
struct pclntab_layout {
	u16 min_minor, max_minor; /* Go 1.min … 1.max */
	u32 magic;
	u8 entry_bytes;	 /* of each of the two words of a functab entry: 8 absolute, 4 relative to
			    text */
	bool has_header; /* Go >= 1.16: a header that names the parts; before, all offsets are from
			    the start */
	bool has_text_start; /* Go >= 1.18: a word of the header, which nothing here needs */
	/* Offsets in runtime._func. */
	u8 func_name, func_pcfile, func_pcln, func_cu;
};

struct pclntab {
	const struct pclntab_layout *layout;
	u64 addr; /* of the table */
	u64 functab_addr;
	u64 text;	      /* what entries are relative to; 0 where they are absolute */
	u32 count;	      /* functions */
	u8 quantum;	      /* pc deltas count in this many bytes */
	struct bytes functab; /* count entries and the end of the last function */
	struct bytes funcs;   /* what a functab entry's second word points into */
	struct bytes names, units, files, pcvalues;
	u64 *relocated; /* owned: functab of a PIE with absolute entries; else NULL */
};

/* The layout of that release, NULL if it is not known. */
const struct pclntab_layout *pclntab_layout(const struct goversion *version);

/* What all tables begin with, whatever their layout and quantum: cheap, for scanning. */
#define PCLNTAB_PATTERN ((struct elf_pattern) { 0x08000000fffffff0, 0xff00fffffffffff0 })

/* The layout of the table that seems to start here, NULL if there is none. */
const struct pclntab_layout *pclntab_layout_at(struct bytes bytes);

/*
 * Reads the header of the table at addr and bounds its parts. No function can be
 * asked for before pclntab_bind().
 * Returns 0 or -EBADMSG.
 */
int pclntab_init(struct pclntab *ret, const struct elf_image *elf,
		 const struct pclntab_layout *layout, u64 addr, struct err *err);

/*
 * Tells the table where the code is ([text, etext) of moduledata) and checks
 * that the functions lie there in ascending order.
 * Returns 0, -EBADMSG or -ENOMEM.
 */
int pclntab_bind(struct pclntab *tab, const struct elf_image *elf, u64 text, u64 etext,
		 struct err *err);
void pclntab_done(struct pclntab *tab);

/* The i-th function in address order. Returns 0, -ENOENT (no such) or -EBADMSG. */
int pclntab_func(const struct pclntab *tab, size_t i, struct gobin_func *ret);

/* The index of the function that holds pc. Returns 0 or -ENOENT. */
int pclntab_find(const struct pclntab *tab, u64 pc, size_t *ret);

/*
 * Steps in tables that naming one address takes at most, over all its frames:
 * milliseconds. The longest functions have some 10 000 lines. Sizes of functions
 * bound nothing, since the table claims them.
 */
enum { PCLNTAB_STEPS_MAX = 1 << 20 };

/* Function, file and line of pc in the i-th function; "?" and 0 for what takes more than the steps
 * that are left. Returns 0, -ENOENT or -EBADMSG. */
int pclntab_line(const struct pclntab *tab, size_t i, u64 pc, u64 *steps, struct gobin_line *ret);

#endif
