/* SPDX-License-Identifier: BSD-2-Clause */
/* Where syslog is, from what people write: sink_syslog's targets. */
#ifndef SINK_SYSLOG_TARGET_H
#define SINK_SYSLOG_TARGET_H

#include "base/err.h"

enum syslog_kind { SYSLOG_UNIX, SYSLOG_UDP, SYSLOG_TCP };

/*
 * target: NULL is "local".
 * ret_where: a path, or what should be HOST:PORT; borrowed from target, or static.
 * Returns 0 or -EINVAL.
 */
int syslog_target_parse(const char *target, enum syslog_kind *ret, const char **ret_where,
			struct err *err);

/* Whether it is one, be there such a host or not. Returns 0 or -EINVAL. */
int syslog_target_check(const char *target, struct err *err);

#endif
