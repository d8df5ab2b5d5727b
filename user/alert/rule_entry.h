/* SPDX-License-Identifier: BSD-2-Clause */
/* One entry of a rules file: which targets it is for, and what it changes of a detector's rule. */
#ifndef ALERT_RULE_ENTRY_H
#define ALERT_RULE_ENTRY_H

#include "alert/rules.h"
#include "alert/rules_yaml.h"

/* What an entry's `match` looks at. All raw; "" where there is none. */
struct rule_target {
	const char *exe;       /* path of the executable */
	const char *module;    /* path of its Go module */
	const char *container; /* as struct placement has it, like the rest */
	const char *pod;
	const char *qos;
};

struct rule_entry {
	const struct yaml_rule *yaml; /* borrowed; its texts have been checked */
	size_t detector;
	struct label *label; /* owned */
	size_t labels;
};

/*
 * Checks an entry, and takes what it says.
 *
 * at: its path in the document. base: the preset's rules, which the entry is over.
 * Returns 0, -EINVAL (err says where, and what was expected), -ENOMEM.
 */
int rule_entry_init(struct rule_entry *ret, const struct yaml_rule *yaml,
		    const struct yaml_doc *doc, const char *at, const struct rules *base,
		    struct err *err);
void rule_entry_done(struct rule_entry *entry);

/* Changes what the entry gives. base: as for rule_entry_init(); labels stay borrowed. */
void rule_entry_apply(const struct rule_entry *entry, const struct rules *base,
		      struct rules *rules);

bool rule_entry_is_for_all(const struct rule_entry *entry);
bool rule_entry_matches(const struct rule_entry *entry, const struct rule_target *target);

/* The same globs. */
bool rule_entry_same_match(const struct rule_entry *a, const struct rule_entry *b);

#endif
