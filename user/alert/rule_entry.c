/* SPDX-License-Identifier: BSD-2-Clause */
#include "alert/rule_entry.h"

#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

/* Where a value stands. doc NULL: the entry was checked before, and nobody reads an error. */
struct place {
	const struct yaml_doc *doc;
	const char *path;
	struct err *err;
};

/* A measure of time is written with a unit, any other as a plain number. */
static int parse_value(const char *text, const char *unit, double *ret)
{
	char *end;
	u64 ns;

	if (unit_is_ns(unit)) {
		if (strspn(text, "0123456789.eE+-") == strlen(text) || parse_duration_ns(text, &ns))
			return -EINVAL;
		*ret = (double)ns;
		return 0;
	}
	*ret = strtod(text, &end);
	return end == text || *end || !isfinite(*ret) ? -EINVAL : 0;
}

static int apply_value(double *into, const char *key, const char *text, const char *unit,
		       const struct place *at)
{
	char path[YAML_PATH_MAX];
	double value;

	if (!text)
		return 0;
	if (parse_value(text, unit, &value) || value <= 0)
		return yaml_fail(at->doc, at->err, yaml_path(path, "%s.%s", at->path, key),
				 "\"%s\": expected %s above 0%s", text,
				 unit_is_ns(unit) ? "a duration with its unit (50ms)" : "a number",
				 strcmp(key, "raise") ? "" : ", or off");
	*into = value;
	return 0;
}

static int apply_duration(u64 *into, const char *key, const char *text, const struct place *at)
{
	char path[YAML_PATH_MAX];

	if (text && parse_duration_ns(text, into))
		return yaml_fail(at->doc, at->err, yaml_path(path, "%s.%s", at->path, key),
				 "\"%s\": expected a duration (200ms, 30s, 5m)", text);
	return 0;
}

/* Raise and clear are one thing: whichever entries match, clear is not above raise. */
static int apply_raise(struct level *level, const struct level *base, const struct yaml_level *yaml,
		       const char *unit, const struct place *at)
{
	double proportion = base->raise > 0 ? base->clear / base->raise : 0.5;
	char path[YAML_PATH_MAX];
	int rc;

	if (!yaml->raise && yaml->clear)
		return yaml_fail(at->doc, at->err, yaml_path(path, "%s.clear", at->path),
				 "expected `raise` beside it");
	if (!yaml->raise)
		return 0;
	if (!strcmp(yaml->raise, "off")) {
		level->raise = 0;
		return 0;
	}
	rc = apply_value(&level->raise, "raise", yaml->raise, unit, at);
	if (rc)
		return rc;
	level->clear = level->raise * proportion;
	rc = apply_value(&level->clear, "clear", yaml->clear, unit, at);
	if (!rc && level->clear > level->raise)
		rc = yaml_fail(at->doc, at->err, yaml_path(path, "%s.clear", at->path),
			       "\"%s\": expected at most raise, \"%s\"", yaml->clear, yaml->raise);
	return rc;
}

static int apply_level(struct level *level, const struct level *base, const struct yaml_level *yaml,
		       const char *unit, const struct place *at)
{
	int rc = apply_raise(level, base, yaml, unit, at);

	return rc ? rc : apply_duration(&level->for_ns, "for", yaml->for_, at);
}

/* "moved, large-grows, doublings" */
static const char *measure_names(const struct detector *detector, char *buf, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; i < detector->measure_count && len < size; i++) {
		explain_write(buf + len, size - len, "%s%s", i ? ", " : "",
			      detector->measures[i].name);
		len += strlen(buf + len);
	}
	return buf;
}

static bool is_named_before(const struct yaml_rule *yaml, unsigned int index)
{
	for (unsigned int i = 0; i < index; i++) {
		if (!strcmp(yaml->levels[i].measure, yaml->levels[index].measure))
			return true;
	}
	return false;
}

static int apply_extra_level(struct rule *rule, const struct rule *base,
			     const struct detector *detector, const struct yaml_extra_level *yaml,
			     const struct place *at)
{
	int measure = detector_measure(detector, yaml->measure);
	char path[YAML_PATH_MAX], names[256];

	if (measure < 0)
		return yaml_fail(at->doc, at->err, yaml_path(path, "%s.measure", at->path),
				 "\"%s\": expected a measure of %s: %s", yaml->measure,
				 detector->name, measure_names(detector, names, sizeof(names)));
	return apply_level(&rule->level[measure], &base->level[measure], &yaml->level,
			   detector->measures[measure].unit, at);
}

static int apply_levels(struct rule *rule, const struct rule *base, const struct detector *detector,
			const struct yaml_rule *yaml, const struct place *at)
{
	int rc = apply_level(&rule->level[0], &base->level[0], &yaml->level,
			     detector->measures[0].unit, at);

	for (unsigned int i = 0; !rc && i < yaml->levels_count; i++) {
		char path[YAML_PATH_MAX];
		const struct place below = { at->doc, yaml_path(path, "%s.levels[%u]", at->path, i),
					     at->err };

		if (is_named_before(yaml, i))
			return yaml_fail(at->doc, at->err, path, "measure \"%s\" is given twice",
					 yaml->levels[i].measure);
		rc = apply_extra_level(rule, base, detector, &yaml->levels[i], &below);
	}
	return rc;
}

static int apply_labels(struct rule *rule, const struct rule_entry *entry, const struct place *at)
{
	char path[YAML_PATH_MAX];

	for (size_t i = 0; i < entry->labels; i++) {
		if (labels_set(&rule->labels, &entry->label[i]))
			return yaml_fail(at->doc, at->err, yaml_path(path, "%s.labels", at->path),
					 "expected at most %d bytes of names and values",
					 LABELS_BYTES_MAX);
	}
	return 0;
}

static int apply(struct rule *rule, const struct rule *base, const struct rule_entry *entry,
		 const struct place *at)
{
	const struct yaml_rule *yaml = entry->yaml;
	int rc;

	if (yaml->enabled)
		rule->enabled = *yaml->enabled;
	if (yaml->dry_run)
		rule->dry_run = *yaml->dry_run;
	if (yaml->severity)
		rule->severity = *yaml->severity;
	rc = apply_duration(&rule->cooldown_ns, "cooldown", yaml->cooldown, at);
	if (!rc)
		rc = apply_levels(rule, base, detectors[entry->detector], yaml, at);
	return rc ? rc : apply_labels(rule, entry, at);
}

static int take_labels(struct rule_entry *entry, const struct place *at)
{
	const char *name, *value, *wrong;
	char labels[YAML_PATH_MAX], path[YAML_PATH_MAX];

	yaml_path(labels, "%s.labels", at->path);
	while (yaml_doc_pair(at->doc, labels, entry->labels, &name, &value)) {
		struct label *label = &entry->label[entry->labels];

		wrong = label_check(name, value);
		if (wrong)
			return yaml_fail(at->doc, at->err, yaml_path(path, "%s.%s", labels, name),
					 "%s", wrong);
		explain_write(label->name, sizeof(label->name), "%s", name);
		explain_write(label->value, sizeof(label->value), "%s", value);
		entry->labels++;
	}
	return 0;
}

static int find_detector(struct rule_entry *entry, const struct place *at)
{
	char path[YAML_PATH_MAX], names[320] = "";
	int detector = detector_find(entry->yaml->rule);

	for (size_t i = 0; detector < 0 && i < DETECTORS; i++) {
		size_t len = strlen(names);

		explain_write(names + len, sizeof(names) - len, "%s%s", i ? ", " : "",
			      detectors[i]->name);
	}
	if (detector < 0)
		return yaml_fail(at->doc, at->err, yaml_path(path, "%s.rule", at->path),
				 "\"%s\": expected one of: %s", entry->yaml->rule, names);
	entry->detector = (size_t)detector;
	return 0;
}

int rule_entry_init(struct rule_entry *ret, const struct yaml_rule *yaml,
		    const struct yaml_doc *doc, const char *path, const struct rules *base,
		    struct err *err)
{
	CLEANUP(rule_entry_done) struct rule_entry entry = { .yaml = yaml };
	const struct place at = { doc, path, err };
	struct rule scratch;
	int rc;

	entry.label = calloc(LABELS_MAX, sizeof(*entry.label));
	if (!entry.label)
		return err_set(err, -ENOMEM, "out of memory");
	rc = find_detector(&entry, &at);
	if (!rc)
		rc = take_labels(&entry, &at);
	if (rc)
		return rc;
	scratch = base->rule[entry.detector];
	rc = apply(&scratch, &base->rule[entry.detector], &entry, &at);
	if (rc)
		return rc;
	*ret = entry;
	entry.label = NULL;
	return 0;
}

void rule_entry_done(struct rule_entry *entry)
{
	free(entry->label);
	entry->label = NULL;
}

void rule_entry_apply(const struct rule_entry *entry, const struct rules *base, struct rules *rules)
{
	const struct place nowhere = { .path = "" };

	(void)apply(&rules->rule[entry->detector], &base->rule[entry->detector], entry, &nowhere);
}

enum { GLOBS = 5 };

static void globs_of(const struct rule_entry *entry, const char *globs[static GLOBS])
{
	const struct yaml_match *match = entry->yaml->match, any = { NULL };

	match = match ? match : &any;
	globs[0] = match->exe;
	globs[1] = match->module;
	globs[2] = match->container;
	globs[3] = match->pod;
	globs[4] = match->qos;
}

bool rule_entry_is_for_all(const struct rule_entry *entry)
{
	const char *globs[GLOBS];

	globs_of(entry, globs);
	for (size_t i = 0; i < GLOBS; i++) {
		if (globs[i])
			return false;
	}
	return true;
}

bool rule_entry_matches(const struct rule_entry *entry, const struct rule_target *target)
{
	const char *const texts[GLOBS] = { target->exe, target->module, target->container,
					   target->pod, target->qos };
	const char *globs[GLOBS];

	globs_of(entry, globs);
	for (size_t i = 0; i < GLOBS; i++) {
		if (globs[i] && fnmatch(globs[i], texts[i], 0) != 0)
			return false;
	}
	return true;
}

bool rule_entry_same_match(const struct rule_entry *a, const struct rule_entry *b)
{
	const char *of_a[GLOBS], *of_b[GLOBS];

	globs_of(a, of_a);
	globs_of(b, of_b);
	for (size_t i = 0; i < GLOBS; i++) {
		if (!of_a[i] != !of_b[i] || (of_a[i] && strcmp(of_a[i], of_b[i]) != 0))
			return false;
	}
	return true;
}
