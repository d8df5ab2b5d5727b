/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon's configuration out of the texts of its files. Pure: reads none of them itself. */
#ifndef DAEMON_DAEMON_SETTINGS_H
#define DAEMON_DAEMON_SETTINGS_H

#include <limits.h>

#include "daemon/daemon_config.h"

/* The defaults. Returns 0 or -ENOMEM. */
int daemon_settings_new(struct daemon_config **ret, struct err *err);

/*
 * Takes over what a file says. Its rules are not read: rules_path says where they are.
 *
 * path: of the file; what is relative in it is so to its folder.
 * Returns 0, -EINVAL (err: "PATH:LINE: watch[2].exe: …, expected …"), -ENOMEM. After a failure the
 * configuration is good for daemon_config_free() only.
 */
int daemon_settings_add(struct daemon_config *config, const char *path, const char *yaml,
			size_t size, struct err *err);

/* Writes the path of `name` as a file at `path` means it. Returns 0 or -ENAMETOOLONG. */
int daemon_settings_beside(char ret[static PATH_MAX], const char *path, const char *name,
			   struct err *err);

#endif
