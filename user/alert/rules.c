/* SPDX-License-Identifier: BSD-2-Clause */
#include "alert/rules.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "alert/rules_yaml.h"
#include "base/units.h"

#define MS ((double)NS_PER_MS)

/* Calibrated so that healthy servers under steady load raise nothing. */
static const struct rules defaults = {
	.rule = {
		[DETECT_REHASH_STORM] = {
			.enabled = true,
			.severity = SEVERITY_WARNING,
			.cooldown_ns = 5 * NS_PER_MIN,
			/* moved, large-grows, doublings */
			.level = { { 1e6, 5e5, 2 * NS_PER_S }, { 100, 50, 2 * NS_PER_S }, { 8, 4, 0 } },
		},
		[DETECT_GC_PAUSE_SPIKE] = {
			.enabled = true,
			.severity = SEVERITY_WARNING,
			.cooldown_ns = 5 * NS_PER_MIN,
			/*
			 * longest, second-longest, third-outlier. The last not from 1 ms on: where
			 * a median pause takes 50 us, that is what one wait for a busy CPU adds.
			 */
			.level = { { 50 * MS, 25 * MS, 0 },
				   { 10 * MS, 5 * MS, 0 },
				   { 3 * MS, 1.5 * MS, 0 } },
		},
		[DETECT_GOROUTINE_GROWTH] = {
			.enabled = true,
			.severity = SEVERITY_WARNING,
			.cooldown_ns = 5 * NS_PER_MIN,
			/* slope, live */
			.level = { { 100, 50, 30 * NS_PER_S }, { 10000, 9000, 5 * NS_PER_MIN } },
		},
		[DETECT_FAULT] = {
			.enabled = true,
			.severity = SEVERITY_CRITICAL,
			.cooldown_ns = NS_PER_MIN,
			/* faults */
			.level = { { 1, 1, 0 } },
		},
	},
};

const struct rules *rules_default(void)
{
	return &defaults;
}

void rules_free(struct rules *rules)
{
	free(rules);
}

/* A measure of time is written with a unit, any other as a plain number. */
static int parse_value(const char *text, const char *unit, double *ret)
{
	char *end;
	u64 ns;

	if (!strcmp(unit, "ns")) {
		if (strspn(text, "0123456789.eE+-") == strlen(text) || parse_duration_ns(text, &ns))
			return -EINVAL;
		*ret = (double)ns;
		return 0;
	}
	*ret = strtod(text, &end);
	return end == text || *end || !isfinite(*ret) ? -EINVAL : 0;
}

static int apply_value(double *into, const char *key, const char *text, const char *unit,
		       struct err *err)
{
	double value;

	if (!text)
		return 0;
	if (parse_value(text, unit, &value) || value <= 0)
		return err_set(err, -EINVAL, "%s: \"%s\": expected %s above 0", key, text,
			       strcmp(unit, "ns") ? "a number" : "a duration with its unit (50ms)");
	*into = value;
	return 0;
}

static int apply_duration(u64 *into, const char *key, const char *text, struct err *err)
{
	if (text && parse_duration_ns(text, into))
		return err_set(err, -EINVAL, "%s: \"%s\": expected a duration (200ms, 30s, 5m)",
			       key, text);
	return 0;
}

/* A raise without a clear keeps their proportion. */
static int apply_level(struct level *level, const struct yaml_level *yaml, const char *unit,
		       struct err *err)
{
	double proportion = level->raise > 0 ? level->clear / level->raise : 1;
	int ret;

	if (yaml->raise && !strcmp(yaml->raise, "off")) {
		level->raise = 0;
		return 0;
	}
	ret = apply_value(&level->raise, "raise", yaml->raise, unit, err);
	if (ret)
		return ret;
	level->clear = level->raise * proportion;
	ret = apply_value(&level->clear, "clear", yaml->clear, unit, err);
	if (ret)
		return ret;
	if (level->clear > level->raise)
		return err_set(err, -EINVAL, "clear (%g) is above raise (%g)", level->clear,
			       level->raise);
	return apply_duration(&level->for_ns, "for", yaml->for_, err);
}

static int apply_extra_level(struct rule *rule, const struct detector *detector,
			     const struct yaml_extra_level *yaml, struct err *err)
{
	int measure = detector_measure(detector, yaml->measure), ret;

	if (measure < 0)
		return err_set(err, -EINVAL, "levels: \"%s\" is none of its measures",
			       yaml->measure);
	ret = apply_level(&rule->level[measure], &yaml->level, detector->measures[measure].unit,
			  err);
	return ret ? err_prefix(err, ret, "levels: %s", yaml->measure) : 0;
}

static int apply_rule(struct rule *rule, const struct detector *detector,
		      const struct yaml_rule *yaml, struct err *err)
{
	int ret;

	if (yaml->enabled)
		rule->enabled = *yaml->enabled;
	if (yaml->dry_run)
		rule->dry_run = *yaml->dry_run;
	if (yaml->severity)
		rule->severity = *yaml->severity;
	ret = apply_duration(&rule->cooldown_ns, "cooldown", yaml->cooldown, err);
	if (!ret)
		ret = apply_level(&rule->level[0], &yaml->level, detector->measures[0].unit, err);
	for (unsigned int i = 0; !ret && i < yaml->levels_count; i++)
		ret = apply_extra_level(rule, detector, &yaml->levels[i], err);
	return ret;
}

static int apply(struct rules *rules, const struct yaml_rules *yaml, struct err *err)
{
	bool given[DETECTORS] = { false };

	for (unsigned int i = 0; i < yaml->rules_count; i++) {
		const char *name = yaml->rules[i].rule;
		int d = detector_find(name), ret;

		if (d < 0)
			return err_set(err, -EINVAL, "there is no rule \"%s\"", name);
		if (given[d])
			return err_set(err, -EINVAL, "rule %s is given twice", name);
		given[d] = true;
		ret = apply_rule(&rules->rule[d], detectors[d], &yaml->rules[i], err);
		if (ret)
			return err_prefix(err, ret, "rule %s", name);
	}
	return 0;
}

int rules_load(struct rules **ret, const char *name, const char *yaml, size_t size, struct err *err)
{
	CLEANUP(yaml_rules_freep) struct yaml_rules *parsed = NULL;
	CLEANUP(rules_freep) struct rules *rules = malloc(sizeof(*rules));
	int err_code;

	if (!rules)
		return err_set(err, -ENOMEM, "%s: out of memory", name);
	*rules = defaults;
	err_code = yaml_rules_parse(&parsed, yaml, size, err);
	if (!err_code)
		err_code = apply(rules, parsed, err);
	if (err_code)
		return err_prefix(err, err_code, "%s", name);
	*ret = TAKE_PTR(rules);
	return 0;
}
