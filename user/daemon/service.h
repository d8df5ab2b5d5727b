/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon: finds Go processes as they begin, observes those that the
 * configuration wants, and tells the sinks and /metrics.
 */
#ifndef DAEMON_SERVICE_H
#define DAEMON_SERVICE_H

#include <stdbool.h>

#include "base/err.h"

/*
 * Runs until SIGINT or SIGTERM. SIGHUP reads the configuration again, and applies all of it or
 * nothing; systemd is told what goes on (sd_notify(3)).
 *
 * path, optional: as daemon_config_load() takes them. version: of gosonde, static.
 * Returns 0 or a negative errno: -EINVAL (the configuration is wrong), -EPERM, -ENOSYS, or another.
 */
int service_run(const char *path, bool optional, const char *version, struct err *err);

#endif
