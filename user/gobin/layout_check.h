/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether what is believed about a binary holds in a process of it: the goroutines and the figures
 * of the last collection must make sense where the layout says they are. A table may be of another
 * build than the version text claims, and what was derived from code is a theory.
 */
#ifndef GOBIN_LAYOUT_CHECK_H
#define GOBIN_LAYOUT_CHECK_H

#include "gobin/live.h"

/*
 * Marks every field and word of layout as checked, or makes it unknown with the reason; what an
 * idle process does not tell stays as it was. Reads some KiB of the target, racy against it: what
 * fails is tried again before it is believed to be wrong.
 *
 * p: a process of that binary; its own layout is not looked at.
 * Returns 0, or what the reader returned when the target's memory can't be read at all.
 */
int go_layout_check(const struct go_process *p, struct go_layout *layout, struct err *err);

#endif
