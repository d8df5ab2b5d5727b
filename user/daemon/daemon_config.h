/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's configuration: /etc/gosonde/gosonde.yaml and the files of
 * conf.d beside it. scripts/dist/gosonde.yaml has every key and explains it.
 */
#ifndef DAEMON_DAEMON_CONFIG_H
#define DAEMON_DAEMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <gosonde/types.h>

#include "alert/ruleset.h"
#include "base/err.h"
#include "base/macros.h"
#include "probe/plan.h"

enum {
	DAEMON_WATCH_MAX = 64, /* entries of `watch`, and as many of `ignore` */
	DAEMON_TEXT_MAX = 256, /* bytes of a text */
	DAEMON_FILES_MAX = 64, /* the main one among them */
	DAEMON_TARGETS_MAX = 255,
	DAEMON_FILE_MAX_BYTES = 64 << 10,
};

/* An entry of `watch` or `ignore`: globs, of which every given one must match. NULL: anything. */
struct daemon_watch {
	char *exe, *module, *container, *pod, *qos, *cgroup, *user;
};

/* All texts are owned. */
struct daemon_config {
	u64 interval_ns;    /* length of a window */
	double budget;	    /* share of one CPU that probes may cost each process; 0: no limit */
	double host_budget; /* and all processes together: 0.04 of one CPU; 0: no limit */
	u64 min_age_ns;	    /* a younger process is not attached to */
	u32 max_targets;    /* processes at a time, 1 to DAEMON_TARGETS_MAX */
	struct probe_groups groups;
	struct daemon_watch *watch; /* none: every Go process */
	size_t watch_count;
	struct daemon_watch *ignore;
	size_t ignore_count;
	struct ruleset *rules; /* NULL: the defaults */
	char *rules_path;      /* which `rules` are; NULL as well */
	size_t rules_included; /* files that the rules include */
	char *syslog;	       /* a target of sink_syslog; NULL: off */
	char *journald;	       /* the path of journald's socket; NULL: off */
	char *alertmanager;    /* a URL; NULL: off */
	char *metrics;	       /* what listen_parse() takes; NULL: off */
	bool dry_run;	       /* alerts are shown and sent nowhere */
	size_t fragments;      /* files of conf.d that were read */
};

/*
 * Reads the file at path, then every *.yaml in the folder conf.d beside it, if
 * there is one, in the order of their names. Each may hold any key: the last
 * one counts, but entries of `watch` and `ignore` add up. At the end the file of rules.
 *
 * optional: a file at path that is not there says nothing, as an empty one.
 * Returns 0; -EINVAL (something in a file is wrong: err says which, where, and what was expected),
 * -ENOMEM, or that a file or folder can't be read: -ENOENT, -EACCES, -EFBIG, -E2BIG… No host is
 * looked up and nothing is opened: that a receiver is known and an address free turns out later.
 */
int daemon_config_load(struct daemon_config **ret, const char *path, bool optional,
		       struct err *err);
void daemon_config_free(struct daemon_config *config);
DEFINE_FREEP(struct daemon_config, daemon_config_free)

/* What is known of a process. All raw; NULL or "" where there is none. */
struct daemon_candidate {
	const char *exe;       /* path of the executable */
	const char *module;    /* path of its Go module */
	const char *container; /* id of the container that it runs in */
	const char *pod;       /* UID of its pod */
	const char *qos;       /* and that one's class of quality of service */
	const char *cgroup;    /* path of its control group */
	const char *user;      /* name of its user */
};

/* Whether it is to be watched: no entry of `ignore` matches, and one of `watch`, if there are any.
 */
bool daemon_config_wants(const struct daemon_config *config, const struct daemon_candidate *c);

/* Every setting, a line or an entry each, in the syntax of the file. Texts are escaped. */
void daemon_config_text(FILE *out, const struct daemon_config *config);

/*
 * Whether a file is one of alert rules and not of the daemon: it has a key that only those have
 * (preset, include), or its `rules` are no file's name. What is no YAML is neither, so the
 * daemon's.
 */
bool daemon_config_is_rules(const char *yaml, size_t size);

#endif
