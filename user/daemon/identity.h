/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose process it is: what the entries of a configuration match, and of rules. */
#ifndef DAEMON_IDENTITY_H
#define DAEMON_IDENTITY_H

#include "alert/ruleset.h"
#include "daemon/daemon_config.h"
#include "daemon/target.h"

struct identity {
	struct daemon_candidate candidate; /* points into the rest, and to the target */
	char exe[sizeof(((struct process *)0)->exe)];
	char cgroup[4096];
	char user[64]; /* by name; a number where there is none */
};

/* What can't be read is "". */
void identity_read(const struct target *target, struct identity *ret);

/* The rules for the target as it is now; their labels borrow from set. NULL: the defaults. */
void identity_rules(const struct target *target, const struct ruleset *set, struct rules *ret);

#endif
