/* SPDX-License-Identifier: BSD-2-Clause */
/* What a linker names its work by: tells two builds apart that stood in one file. */
#ifndef GOBIN_BUILD_ID_H
#define GOBIN_BUILD_ID_H

#include "base/cursor.h"

/*
 * The note of an ELF file that names the build: GNU's (ld, Go >= 1.24), else Go's. Borrowed from
 * the file; {NULL, 0} if it has none. Not to be trusted to tell two files of a hostile owner apart.
 */
struct bytes build_id_find(struct bytes file);

#endif
