/* SPDX-License-Identifier: BSD-2-Clause */
/* uthash for bounded tables: a failed allocation is an error to return, not an exit. */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

/* An element that could not be added has hh.tbl == NULL. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#endif
