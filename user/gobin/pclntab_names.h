/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Functions by name. A probe plan and the search for variables ask for some
 * sixty names, all of them the runtime's, of up to a million functions: one pass
 * at opening indexes the runtime's (8 bytes each) and checks everybody's. It is
 * a sorted array, which no choice of names makes slow to build, as it would a
 * hash table. Other names are looked for one by one.
 */
#ifndef GOBIN_PCLNTAB_NAMES_H
#define GOBIN_PCLNTAB_NAMES_H

#include "gobin/pclntab.h"

struct pclntab_name {
	u32 hash;
	u32 index;
};

struct pclntab_names {
	struct pclntab_name *sorted; /* owned; the runtime's functions by hash, then index */
	size_t count, capacity;
};

/* Returns 0, -ENOMEM or -EBADMSG: a function without a name, or names beyond all measure. */
int pclntab_names_init(struct pclntab_names *ret, const struct elf_image *elf,
		       const struct pclntab *tab, struct err *err);
void pclntab_names_done(struct pclntab_names *names);

/*
 * The function of that name; of several the one at the lowest address, since
 * the linker puts an ABI wrapper behind all that it may wrap.
 * Returns 0 or -ENOENT.
 */
int pclntab_names_find(const struct pclntab_names *names, const struct elf_image *elf,
		       const struct pclntab *tab, const char *name, struct gobin_func *ret);

#endif
