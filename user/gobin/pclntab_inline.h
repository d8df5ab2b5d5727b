/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inlined calls: the compiler leaves a tree of them with each function that has
 * any (FUNCDATA_InlTree), and for each pc the tree's node that it belongs to
 * (PCDATA_InlTreeIndex). runtime/symtabinl.go walks them, before Go 1.21
 * runtime/symtab.go.
 */
#ifndef GOBIN_PCLNTAB_INLINE_H
#define GOBIN_PCLNTAB_INLINE_H

#include "gobin/pclntab.h"

/* Where a binary keeps its trees. */
struct inline_trees {
	const struct elf_image *elf;
	const struct goversion *version;
	u64 gofunc; /* moduledata.gofunc, from which offsets count; Go <= 1.17 has pointers, and 0
		     */
};

/*
 * The calls that pc is in, innermost first, the function that was really called
 * last; the inner max of them (max >= 1). A tree that contradicts itself ends
 * the list early with that function.
 * Returns how many, at least 1; -ENOENT: pc is in no function; -EBADMSG.
 */
int pclntab_frames(const struct pclntab *tab, const struct inline_trees *trees, u64 pc,
		   struct gobin_line *ret, size_t max);

#endif
