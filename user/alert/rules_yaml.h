/* SPDX-License-Identifier: BSD-2-Clause */
/* A rules file as it is written: what is not given is NULL. What the texts mean is rule_entry's. */
#ifndef ALERT_RULES_YAML_H
#define ALERT_RULES_YAML_H

#include <stddef.h>

#include "alert/alert.h"
#include "alert/yaml_doc.h"
#include "base/err.h"
#include "base/macros.h"

enum rules_preset { RULES_PRESET_DEFAULT, RULES_PRESET_STRICT };

struct yaml_level {
	char *raise, *clear, *for_;
};

struct yaml_extra_level {
	char *measure;
	struct yaml_level level;
};

/* Globs. */
struct yaml_match {
	char *exe, *module, *container, *pod, *qos;
};

/* Its labels stand in the document alone: libcyaml has no mappings with free keys. */
struct yaml_rule {
	char *rule;
	struct yaml_match *match;
	int *enabled, *dry_run; /* 0 or 1 */
	enum severity *severity;
	char *cooldown;
	struct yaml_level level; /* of the detector's first measure */
	struct yaml_extra_level *levels;
	unsigned int levels_count;
};

struct yaml_rules {
	enum rules_preset *preset;
	char *include; /* a folder */
	struct yaml_rule *rules;
	unsigned int rules_count;
};

/* Returns 0, -EINVAL (err says where, and what was expected), or -ENOMEM. */
int yaml_rules_parse(struct yaml_rules **ret, const struct yaml_doc *doc, const char *name,
		     const char *yaml, size_t size, struct err *err);

void yaml_rules_free(struct yaml_rules *rules);
DEFINE_FREEP(struct yaml_rules, yaml_rules_free)

#endif
