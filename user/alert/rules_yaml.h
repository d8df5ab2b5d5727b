/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules file as it is written: what is not given is NULL. Values are checked by rules.c. */
#ifndef ALERT_RULES_YAML_H
#define ALERT_RULES_YAML_H

#include <stddef.h>

#include "alert/alert.h"
#include "base/err.h"
#include "base/macros.h"

struct yaml_level {
	char *raise, *clear, *for_;
};

struct yaml_extra_level {
	char *measure;
	struct yaml_level level;
};

struct yaml_rule {
	char *rule;
	int *enabled, *dry_run; /* 0 or 1 */
	enum severity *severity;
	char *cooldown;
	struct yaml_level level; /* of the detector's first measure */
	struct yaml_extra_level *levels;
	unsigned int levels_count;
};

struct yaml_rules {
	struct yaml_rule *rules;
	unsigned int rules_count;
};

/* Returns 0, -EINVAL with libcyaml's own words in err, or -ENOMEM. */
int yaml_rules_parse(struct yaml_rules **ret, const char *yaml, size_t size, struct err *err);

void yaml_rules_free(struct yaml_rules *rules);
DEFINE_FREEP(struct yaml_rules, yaml_rules_free)

#endif
