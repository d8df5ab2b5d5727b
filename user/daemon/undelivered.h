/* SPDX-License-Identifier: BSD-2-Clause */
/* What never reached its receiver, told before the sink that knows it is closed. */
#ifndef DAEMON_UNDELIVERED_H
#define DAEMON_UNDELIVERED_H

#include <stddef.h>

#include "sink/sink.h"

/* Gives the sinks the time that sinks_settle() gives, and says on stderr what they did not deliver,
 * and why. NULLs are passed over. */
void undelivered_tell(struct sink *const *sinks, size_t count, const struct timebase *timebase);

#endif
