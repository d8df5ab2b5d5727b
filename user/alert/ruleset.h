/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everybody's rules: a preset that is compiled in, and what files say over it,
 * from which follow the rules of one target.
 *
 * A main file may name its preset and a folder to include, whose files are read
 * after it. Entries count in the order in which they are read, those that match
 * the target, and of a key the last one. scripts/dist/rules.yaml has every rule
 * and explains every key.
 */
#ifndef ALERT_RULESET_H
#define ALERT_RULESET_H

#include "alert/rule_entry.h"
#include "alert/rules.h"
#include "base/err.h"
#include "base/macros.h"

enum {
	RULESET_FILE_MAX_BYTES = 256 << 10,
	RULESET_FILES_MAX = 64, /* the main one among them */
};

struct ruleset;

/*
 * Reads the main file.
 *
 * name: of the file, for messages.
 * Returns 0; -EINVAL (err: "NAME:LINE: rules[3].raise: …, expected …"), -ENOMEM.
 */
int ruleset_new(struct ruleset **ret, const char *name, const char *yaml, size_t size,
		struct err *err);
void ruleset_free(struct ruleset *set);
DEFINE_FREEP(struct ruleset, ruleset_free)

/* The folder that the main file includes, as it is written there; NULL: none. Borrowed. */
const char *ruleset_include(const struct ruleset *set);

/* Reads a file of that folder; it may hold rules only. Returns as ruleset_new(), or -E2BIG: there
 * are too many. After a failure the set is good for ruleset_free() only. */
int ruleset_add(struct ruleset *set, const char *name, const char *yaml, size_t size,
		struct err *err);

/* The rules of a target. Their labels borrow from the set. */
void ruleset_resolve(const struct ruleset *set, const struct rule_target *target,
		     struct rules *ret);

/* The entries, in the order in which they count. */
size_t ruleset_count(const struct ruleset *set);
const struct rule_entry *ruleset_entry(const struct ruleset *set, size_t index);

/* The rules of a target that matches what `like` does and nothing else; NULL: that matches none. */
void ruleset_resolve_like(const struct ruleset *set, const struct rule_entry *like,
			  struct rules *ret);

#endif
