/* SPDX-License-Identifier: BSD-2-Clause */
/* What never reached its receiver, told before the sink that knows it is closed. */
#ifndef DAEMON_UNDELIVERED_H
#define DAEMON_UNDELIVERED_H

#include <stddef.h>

#include "sink/sink.h"

/* How many alerts the sinks did not deliver; one that two did not counts twice. After
 * sinks_settle(). NULLs are passed over. */
u64 undelivered(struct sink *const *sinks, size_t count);

/* The same, said on stderr for each sink, with why. */
void undelivered_tell(struct sink *const *sinks, size_t count);

#endif
