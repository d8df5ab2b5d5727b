/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which container of systemd-nspawn or LXC a control group belongs to, as its path
 * tells. These have names that an administrator gave, where others have digests. Pure.
 *
 *   LXC             /lxc.payload.NAME (src/lxc/cgroups/cgroup.h), before 4.0 /lxc/NAME
 *   systemd-nspawn  systemd-nspawn@NAME.service, or machine-NAME.scope (systemd-machined)
 */
#ifndef PROC_MACHINE_H
#define PROC_MACHINE_H

#include <stddef.h>

enum { MACHINE_NAME_CHARS = 64 };

/*
 * Writes the name of the innermost one: letters, digits, ".", "_" and "-" alone. Returns the
 * engine, "lxc" or "systemd-nspawn", or NULL: in none, or one of another kind of name.
 */
const char *machine_from_path(const char *path, size_t len,
			      char ret[static MACHINE_NAME_CHARS + 1]);

#endif
