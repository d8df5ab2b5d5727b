/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Go modules of a process besides the program itself: plugins, which
 * plugin.Open() links to the list that runtime.firstmoduledata begins. Each has
 * copies of the runtime's functions that its own code calls.
 */
#ifndef GOBIN_MODULES_H
#define GOBIN_MODULES_H

#include "gobin/live.h"

enum { GO_PLUGINS_MAX = 16 };

/*
 * Where the Go code of each plugin begins, as run-time addresses in the order of
 * loading; the list never shrinks. Costs a read of the process's memory per plugin.
 *
 * Returns how many, counted to GO_PLUGINS_MAX + 1 at most, of which ret_text has
 * the first GO_PLUGINS_MAX; -ENOENT: this version's list is not known; or what the
 * reader returned.
 */
int go_plugins(const struct go_process *p, u64 ret_text[static GO_PLUGINS_MAX]);

#endif
