/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/rules_text.h"

#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "output/names.h"

enum { LEVEL_BYTES = 48, MATCH_BYTES = 1024 };

/* "50.0 ms", "1000000": exactly what an alert is raised at, so no 1.0 M. */
static const char *level_text(char buf[static LEVEL_BYTES], double value, const char *unit)
{
	char duration[UNITS_BUF];

	if (unit_is_ns(unit))
		snprintf(buf, LEVEL_BYTES, "%s", fmt_duration_ns(duration, (u64)value));
	else
		snprintf(buf, LEVEL_BYTES, "%.10g", value);
	return buf;
}

static size_t add_glob(char *buf, size_t len, const char *key, const char *glob)
{
	char text[TEXT_ESCAPED_SIZE(64)];

	if (!glob)
		return len;
	text_quote(text, sizeof(text), glob, TEXT_LOGFMT);
	explain_write(buf + len, MATCH_BYTES - len, "%s%s=\"%s\"", len ? " " : "", key, text);
	return len + strlen(buf + len);
}

/* "-": all targets. */
static const char *match_text(char buf[static MATCH_BYTES], const struct rule_entry *entry)
{
	const struct yaml_match *match = entry ? entry->yaml->match : NULL;
	size_t len = 0;

	if (!entry || rule_entry_is_for_all(entry))
		return "-";
	len = add_glob(buf, len, "exe", match->exe);
	len = add_glob(buf, len, "module", match->module);
	len = add_glob(buf, len, "container", match->container);
	len = add_glob(buf, len, "pod", match->pod);
	add_glob(buf, len, "qos", match->qos);
	return buf;
}

static void print_labels(FILE *out, const struct labels *labels)
{
	char value[TEXT_ESCAPED_SIZE(LABEL_VALUE_MAX + 1)];

	for (size_t i = 0; i < labels->count; i++)
		fprintf(out, "%s%s=\"%s\"", i ? " " : "  labels: ", labels->label[i]->name,
			text_quote(value, sizeof(value), labels->label[i]->value, TEXT_LOGFMT));
}

static void print_rule(FILE *out, size_t detector, const struct rule *rule, const char *match)
{
	const struct detector *of = detectors[detector];

	for (size_t i = 0; i < of->measure_count; i++) {
		const struct level *level = &rule->level[i];
		bool judged = rule->enabled && level->raise > 0;
		char raise[LEVEL_BYTES], clear[LEVEL_BYTES], for_[UNITS_BUF], cooldown[UNITS_BUF];

		fprintf(out, "%-22s %-16s %-14s %10s %10s %8s %9s  %-8s %-7s  %s", of->name,
			of->measures[i].name, of->measures[i].unit,
			judged ? level_text(raise, level->raise, of->measures[i].unit) : "off",
			judged ? level_text(clear, level->clear, of->measures[i].unit) : "-",
			judged ? fmt_duration_ns(for_, level->for_ns) : "-",
			fmt_duration_ns(cooldown, rule->cooldown_ns),
			output_severity(rule->severity), rule->dry_run ? "yes" : "no", match);
		print_labels(out, &rule->labels);
		fputc('\n', out);
	}
}

/* The same match of the same rule may stand in several files. */
static bool is_shown_before(const struct ruleset *set, size_t index)
{
	const struct rule_entry *entry = ruleset_entry(set, index);

	for (size_t i = 0; i < index; i++) {
		const struct rule_entry *before = ruleset_entry(set, i);

		if (before->detector == entry->detector && rule_entry_same_match(before, entry))
			return true;
	}
	return false;
}

void rules_text(FILE *out, const struct ruleset *set)
{
	char match[MATCH_BYTES];
	struct rules rules;

	fprintf(out, "%-22s %-16s %-14s %10s %10s %8s %9s  %-8s %-7s  %s\n", "RULE", "MEASURE",
		"UNIT", "RAISE", "CLEAR", "FOR", "COOLDOWN", "SEVERITY", "DRY_RUN", "MATCH");
	ruleset_resolve_like(set, NULL, &rules);
	for (size_t i = 0; i < DETECTORS; i++)
		print_rule(out, i, &rules.rule[i], match_text(match, NULL));
	for (size_t i = 0; i < ruleset_count(set); i++) {
		const struct rule_entry *entry = ruleset_entry(set, i);

		if (rule_entry_is_for_all(entry) || is_shown_before(set, i))
			continue;
		ruleset_resolve_like(set, entry, &rules);
		print_rule(out, entry->detector, &rules.rule[entry->detector],
			   match_text(match, entry));
	}
}
