/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runtime.firstmoduledata: where a program's code, data and types begin and
 * end. The section table tells less: with cgo, .text starts before Go's text.
 */
#ifndef GOBIN_MODULEDATA_H
#define GOBIN_MODULEDATA_H

#include "gobin/pclntab.h"

struct moduledata {
	u64 addr;
	u64 text, etext;	  /* the Go code */
	u64 data_start, data_end; /* noptrdata … enoptrbss: the runtime's variables among others */
};

/*
 * Finds the module that the function table belongs to: the one place in
 * writable memory that points to the table and describes it.
 * Returns 0, or -EBADMSG: nothing does.
 */
int moduledata_find(const struct elf_image *elf, const struct pclntab *tab, struct moduledata *ret,
		    struct err *err);

/*
 * [types, etypes) of a module, which name offsets count from.
 * Returns 0, -ENOENT (not known for this version) or -EBADMSG.
 */
int moduledata_types(const struct elf_image *elf, const struct moduledata *module,
		     const struct goversion *version, u64 *ret_types, u64 *ret_etypes);

#endif
