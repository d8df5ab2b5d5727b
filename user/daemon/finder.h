/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes that may be worth observing once they are old enough: most live for
 * milliseconds and are none. Time comes with the calls; bounded.
 */
#ifndef DAEMON_FINDER_H
#define DAEMON_FINDER_H

#include <gosonde/types.h>

#include "base/macros.h"

enum { FINDER_MAX = 8192 };

struct finder;

/* NULL: out of memory. */
struct finder *finder_new(void);
void finder_free(struct finder *finder);
DEFINE_FREEP(struct finder, finder_free)

/* A process is to be looked at when due_ns has come. A call with the same PID takes the place of
 * the last one; for what it was postponed is known until finder_drop(). */
void finder_add(struct finder *finder, int pid, u64 due_ns);

/* Again one that could not be observed, which may change. why: a negative errno that comes with it.
 */
void finder_postpone(struct finder *finder, int pid, u64 due_ns, int why);

/* It is gone, or begins another program. */
void finder_drop(struct finder *finder, int pid);

/* Takes out one that is due; 0: none is. ret_why: for what it was postponed; 0: it was not. */
int finder_due(struct finder *finder, u64 now_ns, int *ret_why);

/* For which there was no room. */
u64 finder_refused(const struct finder *finder);

#endif
