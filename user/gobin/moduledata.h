/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runtime.firstmoduledata (of a plugin, its own): where a program's code, data and
 * types begin and end. The section table tells less: with cgo, .text starts before
 * Go's text.
 */
#ifndef GOBIN_MODULEDATA_H
#define GOBIN_MODULEDATA_H

#include "gobin/pclntab.h"

struct moduledata {
	u64 addr;
	u64 text, etext;	  /* the Go code */
	u64 data_start, data_end; /* all variables, the runtime's among them */
};

/* The read-only data that offsets count from. 0: this version has none, or it is not known. */
struct moduledata_rodata {
	u64 types, etypes; /* type descriptors and their names */
	u64 gofunc;	   /* FUNCDATA, Go >= 1.18 */
};

/*
 * Finds the module that the function table belongs to: the one place in
 * writable memory that points to the table and describes it. What it looks at
 * costs the budget, which counts relocations.
 * Returns 0, or -EBADMSG: nothing does, or the budget is spent.
 */
int moduledata_find(const struct elf_image *elf, const struct pclntab *tab, u64 *budget,
		    struct moduledata *ret, struct err *err);

/* As the table of offsets has it. Returns 0, -ENOENT (not in the table) or -EBADMSG. */
int moduledata_tabled(const struct elf_image *elf, const struct moduledata *module,
		      const struct goversion *version, struct moduledata_rodata *ret);

/*
 * By the layout that Go's source has, for versions that the table of offsets lacks; taken only
 * if types can be read there.
 * Returns 0 or -ENOENT: no layout fits.
 */
int moduledata_derived(const struct elf_image *elf, const struct moduledata *module,
		       const struct goversion *version, struct moduledata_rodata *ret);

#endif
