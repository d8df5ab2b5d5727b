/* SPDX-License-Identifier: BSD-2-Clause */
#include "alert/ruleset.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct ruleset {
	struct rules base; /* the preset */
	struct yaml_rules *file[RULESET_FILES_MAX];
	size_t files;
	struct rule_entry *entry;
	size_t entries;
	struct labels largest[DETECTORS]; /* of each label that the rule's entries name */
};

void ruleset_free(struct ruleset *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->entries; i++)
		rule_entry_done(&set->entry[i]);
	for (size_t i = 0; i < set->files; i++)
		yaml_rules_free(set->file[i]);
	free(set->entry);
	free(set);
}

/* Whichever entries match: their labels must find room together. */
static int reserve_labels(struct labels *largest, const struct rule_entry *entry)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < entry->labels; i++) {
		const struct label *label = &entry->label[i], *had;

		had = labels_find(largest, label->name);
		if (!had || strlen(had->value) < strlen(label->value))
			rc = labels_set(largest, label);
	}
	return rc;
}

static int check_entry(struct ruleset *set, size_t first, const struct rule_entry *entry,
		       const struct yaml_doc *doc, const char *path, struct err *err)
{
	for (size_t i = first; i < set->entries; i++) {
		if (set->entry[i].detector == entry->detector &&
		    rule_entry_same_match(&set->entry[i], entry))
			return yaml_fail(doc, err, path,
					 "rule %s is given twice (rules[%zu] too); expected "
					 "another `match`",
					 entry->yaml->rule, i - first);
	}
	if (reserve_labels(&set->largest[entry->detector], entry))
		return yaml_fail(doc, err, path,
				 "the entries of rule %s have too many labels; expected at most %d "
				 "names, and %d bytes of names and values",
				 entry->yaml->rule, LABELS_MAX, LABELS_BYTES_MAX);
	return 0;
}

static int add_entries(struct ruleset *set, const struct yaml_rules *yaml,
		       const struct yaml_doc *doc, struct err *err)
{
	size_t first = set->entries;
	struct rule_entry *larger =
		reallocarray(set->entry, first + yaml->rules_count + 1, sizeof(*larger));
	int rc = 0;

	if (!larger)
		return err_set(err, -ENOMEM, "out of memory");
	set->entry = larger;
	for (unsigned int i = 0; !rc && i < yaml->rules_count; i++) {
		struct rule_entry *entry = &set->entry[set->entries];
		char path[YAML_PATH_MAX];

		yaml_path(path, "rules[%u]", i);
		rc = rule_entry_init(entry, &yaml->rules[i], doc, path, &set->base, err);
		if (rc)
			break;
		rc = check_entry(set, first, entry, doc, path, err);
		set->entries++; /* it owns its labels, be it wrong */
	}
	return rc;
}

static void choose_preset(struct ruleset *set, const struct yaml_rules *yaml)
{
	if (yaml->preset && *yaml->preset == RULES_PRESET_STRICT)
		rules_strict(&set->base);
	else
		set->base = *rules_default();
}

static int check_fragment(const struct yaml_rules *yaml, const struct yaml_doc *doc,
			  struct err *err)
{
	const char *key = yaml->preset ? "preset" : yaml->include ? "include" : NULL;

	return key ? yaml_fail(doc, err, key, "expected in the main file only") : 0;
}

int ruleset_add(struct ruleset *set, const char *name, const char *yaml, size_t size,
		struct err *err)
{
	CLEANUP(yaml_rules_freep) struct yaml_rules *parsed = NULL;
	CLEANUP(yaml_doc_freep) struct yaml_doc *doc = NULL;
	int rc;

	if (set->files == RULESET_FILES_MAX)
		return err_set(err, -E2BIG, "%s: more than %d files", name, RULESET_FILES_MAX);
	if (size > RULESET_FILE_MAX_BYTES)
		return err_set(err, -E2BIG, "%s: %zu bytes; expected at most %d", name, size,
			       RULESET_FILE_MAX_BYTES);
	rc = yaml_doc_open(&doc, name, yaml, size, err);
	if (!rc)
		rc = yaml_rules_parse(&parsed, doc, name, yaml, size, err);
	if (rc)
		return rc;
	if (!set->files)
		choose_preset(set, parsed);
	else
		rc = check_fragment(parsed, doc, err);
	if (rc)
		return rc;
	set->file[set->files++] = parsed;
	return add_entries(set, TAKE_PTR(parsed), doc, err);
}

int ruleset_new(struct ruleset **ret, const char *name, const char *yaml, size_t size,
		struct err *err)
{
	CLEANUP(ruleset_freep) struct ruleset *set = calloc(1, sizeof(*set));
	int rc;

	if (!set)
		return err_set(err, -ENOMEM, "%s: out of memory", name);
	rc = ruleset_add(set, name, yaml, size, err);
	if (!rc)
		*ret = TAKE_PTR(set);
	return rc;
}

const char *ruleset_include(const struct ruleset *set)
{
	return set->file[0]->include;
}

size_t ruleset_count(const struct ruleset *set)
{
	return set->entries;
}

const struct rule_entry *ruleset_entry(const struct ruleset *set, size_t index)
{
	return &set->entry[index];
}

void ruleset_resolve(const struct ruleset *set, const struct rule_target *target, struct rules *ret)
{
	*ret = set->base;
	for (size_t i = 0; i < set->entries; i++) {
		if (rule_entry_matches(&set->entry[i], target))
			rule_entry_apply(&set->entry[i], &set->base, ret);
	}
}

void ruleset_resolve_like(const struct ruleset *set, const struct rule_entry *like,
			  struct rules *ret)
{
	*ret = set->base;
	for (size_t i = 0; i < set->entries; i++) {
		const struct rule_entry *entry = &set->entry[i];

		if (rule_entry_is_for_all(entry) || (like && rule_entry_same_match(entry, like)))
			rule_entry_apply(entry, &set->base, ret);
	}
}
