/* SPDX-License-Identifier: BSD-2-Clause */
/* uthash for the model's tables: a failed allocation is an error to return, not an exit. */
#ifndef MODEL_TABLE_H
#define MODEL_TABLE_H

/* An element that could not be added has hh.tbl == NULL. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#endif
