/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the parts of the function table's reader only. */
#ifndef GOBIN_PCLNTAB_PRIV_H
#define GOBIN_PCLNTAB_PRIV_H

#include "gobin/pclntab.h"

/* The i-th function's entry; i may be count: the end of the last function. */
u64 pclntab_entry(const struct pclntab *tab, size_t i);

/* A cursor at a field of the i-th function's runtime._func; i < count. */
struct cursor pclntab_func_at(const struct pclntab *tab, size_t i, size_t field);

/*
 * The value of a pc-value table (an offset into pcvalues; 0: none) of func at pc.
 * Each stretch that it passes is taken from steps.
 * Returns false if the table does not reach pc, or no steps are left.
 */
bool pclntab_value(const struct pclntab *tab, u32 table, const struct gobin_func *func, u64 pc,
		   u64 *steps, s32 *ret);

#endif
