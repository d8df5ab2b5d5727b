/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Functions by name. The table is in address order, and a probe plan asks for
 * some forty names of up to some hundred thousand, so one pass makes an index
 * of 8 bytes a function: a sorted array, which no choice of names makes slow
 * to build, as it would a hash table.
 */
#ifndef GOBIN_PCLNTAB_NAMES_H
#define GOBIN_PCLNTAB_NAMES_H

#include "gobin/pclntab.h"

struct pclntab_name {
	u32 hash;
	u32 index;
};

struct pclntab_names {
	struct pclntab_name *sorted; /* owned; by hash, then index */
	size_t count;
};

/* Returns 0, -ENOMEM or -EBADMSG: a function without a name. */
int pclntab_names_init(struct pclntab_names *ret, const struct pclntab *tab, struct err *err);
void pclntab_names_done(struct pclntab_names *names);

/*
 * The function of that name; of several the one at the lowest address, since
 * the linker puts an ABI wrapper behind all that it may wrap.
 * Returns 0 or -ENOENT.
 */
int pclntab_names_find(const struct pclntab_names *names, const struct pclntab *tab,
		       const char *name, struct gobin_func *ret);

#endif
