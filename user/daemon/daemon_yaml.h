/* SPDX-License-Identifier: BSD-2-Clause */
/* A file of the daemon's configuration as it is written: what is not given is NULL. What the texts
 * mean is daemon_settings'. Pure. */
#ifndef DAEMON_DAEMON_YAML_H
#define DAEMON_DAEMON_YAML_H

#include "alert/yaml_doc.h"
#include "daemon/daemon_config.h"

struct yaml_daemon {
	char *interval, *min_age;
	char *budget_pct, *host_budget_pct;
	char *max_targets;
	int *probes; /* of enum probe_group */
	unsigned int probes_count;
	struct daemon_watch *watch, *ignore;
	unsigned int watch_count, ignore_count;
	char *rules;
	char *syslog, *journald, *alertmanager, *metrics;
	int *dry_run; /* 0 or 1 */
};

/* Returns 0, -EINVAL (err says where, and what was expected), or -ENOMEM. */
int yaml_daemon_parse(struct yaml_daemon **ret, const struct yaml_doc *doc, const char *name,
		      const char *yaml, size_t size, struct err *err);

/* Texts may have been taken out of it before. */
void yaml_daemon_free(struct yaml_daemon *daemon);
DEFINE_FREEP(struct yaml_daemon, yaml_daemon_free)

#endif
