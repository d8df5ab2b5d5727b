/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The goroutine count for versions whose lists of free goroutines can't be found: by the goroutines
 * themselves, as runtime.gcount would count those that are alive and not the runtime's own.
 */
#ifndef GOBIN_LIVE_WALK_H
#define GOBIN_LIVE_WALK_H

#include "gobin/live.h"

/* A walk takes the loop, which has records to fetch; so many take it a second or so. */
enum { LIVE_WALK_MAX = 1 << 20 };

/* Run-time address of a variable. Returns 0 or what go_layout_global() returned. */
int live_global_addr(const struct go_process *p, enum go_global var, u64 *ret, struct err *err);

/* What the walk needs. Returns 0, or -ENOENT with what is missing. */
int live_walk_words(const struct go_process *p, struct go_goroutine_words *w, struct err *err);

/* Returns 0, -E2BIG (more than LIVE_WALK_MAX, dead ones included), -EFAULT or what the reader
 * returned. */
int live_walk_count(const struct go_process *p, const struct go_goroutine_words *w, s64 *ret,
		    struct err *err);

#endif
