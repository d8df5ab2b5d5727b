/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two halves of the check share. */
#ifndef GOBIN_LAYOUT_CHECK_PRIV_H
#define GOBIN_LAYOUT_CHECK_PRIV_H

#include "gobin/layout_check.h"

#define GOID_MAX (1ull << 48) /* of 100,000 goroutines a second that is 89 years */

int check_read(const struct go_process *p, u64 addr, void *ret, size_t size);

/* Makes a field unknown. */
void check_reject(struct go_layout *layout, enum go_field field, const char *why);

/* The words of a GC cycle, and the fields of sched, p and memstats. Same returns. */
int check_variables(const struct go_process *p, struct go_layout *layout, struct err *err);

#endif
