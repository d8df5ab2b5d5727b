/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The version of a program without build information: runtime.buildVersion, a
 * variable that every Go program has. It is a string in the data whose text begins
 * with "go1."; a program that handles Go versions has more such strings, and then
 * runtime.schedinit, which looks whether the variable is empty, tells which it is.
 */
#ifndef GOBIN_BUILDVERSION_H
#define GOBIN_BUILDVERSION_H

#include "gobin/moduledata.h"

/*
 * schedinit: the function runtime.schedinit, NULL if it is not found.
 * Returns 0 and the text, borrowed from the file and not NUL-terminated, or
 * -ENOTSUP: there is none, or several and nothing tells which is meant.
 */
int buildversion_find(const struct elf_image *elf, const struct moduledata *module,
		      const struct gobin_func *schedinit, struct bytes *ret, struct err *err);

#endif
