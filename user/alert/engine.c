/* SPDX-License-Identifier: BSD-2-Clause */
#include "alert/engine.h"

#include <stdio.h>
#include <string.h>

#include "alert/labels.h"
#include "base/units.h"

enum { ENTRIES = 128 };

/* One measure against its level: a switch with hysteresis. */
struct gauge {
	double value;
	u64 above_since_ns; /* 0: not above raise now */
	bool held;	    /* was above raise, and is not below clear yet */
};

struct entry {
	bool firing, has_fired;
	size_t rule;
	char key[FINDING_KEY_MAX];
	u64 touched_ns;
	u64 fired_ns; /* the last time */
	u64 since_ns;
	size_t measure; /* which fired */
	char subject[EVIDENCE_TEXT_MAX];
	struct gauge gauge[DETECT_MEASURES];
};

struct engine {
	struct engine_config config;
	struct rules rules;
	bool ended;
	u64 fired, refused;
	size_t entries; /* in use */
	struct entry entry[ENTRIES];
};

struct engine *engine_new(const struct engine_config *config)
{
	struct engine *engine = calloc(1, sizeof(*engine));

	if (!engine)
		return NULL;
	engine->config = *config;
	engine->rules = *config->rules;
	return engine;
}

void engine_free(struct engine *engine)
{
	free(engine);
}

static bool is_held(const struct entry *entry)
{
	for (size_t i = 0; i < DETECT_MEASURES; i++) {
		if (entry->gauge[i].held)
			return true;
	}
	return false;
}

static bool cools_down(const struct entry *entry, const struct rule *rule, u64 now_ns)
{
	return entry->has_fired && now_ns < entry->fired_ns + rule->cooldown_ns;
}

static struct entry *find(struct engine *engine, size_t rule, const char *key)
{
	for (size_t i = 0; i < engine->entries; i++) {
		struct entry *entry = &engine->entry[i];

		if (entry->rule == rule && !strcmp(entry->key, key))
			return entry;
	}
	return NULL;
}

/* A free row, or the longest untouched of those with nothing to remember; NULL: none. */
static struct entry *room(struct engine *engine, u64 now_ns)
{
	struct entry *oldest = NULL;

	if (engine->entries < ENTRIES)
		return &engine->entry[engine->entries++];
	for (size_t i = 0; i < ENTRIES; i++) {
		struct entry *entry = &engine->entry[i];

		if (!entry->firing && !is_held(entry) &&
		    !cools_down(entry, &engine->rules.rule[entry->rule], now_ns) &&
		    (!oldest || entry->touched_ns < oldest->touched_ns))
			oldest = entry;
	}
	return oldest;
}

static struct entry *entry_new(struct engine *engine, size_t rule, const struct finding *finding)
{
	struct entry *entry = room(engine, finding->time_ns);

	if (!entry) {
		engine->refused++;
		return NULL;
	}
	*entry = (struct entry) { .rule = rule };
	memcpy(entry->key, finding->key, sizeof(entry->key));
	return entry;
}

static void gauge_set(struct gauge *gauge, const struct level *level, const struct finding *finding)
{
	gauge->value = finding->value;
	if (finding->value >= level->raise) {
		if (!gauge->above_since_ns)
			gauge->above_since_ns = MAX(finding->since_ns, 1);
		gauge->held = true;
		return;
	}
	gauge->above_since_ns = 0;
	if (finding->value < level->clear)
		gauge->held = false;
}

static struct alert alert_of(const struct engine *engine, const struct entry *entry, u64 time_ns)
{
	const struct rule *rule = &engine->rules.rule[entry->rule];

	return (struct alert) {
		.pid = engine->config.pid,
		.time_ns = time_ns,
		.since_ns = entry->since_ns,
		.rule = detectors[entry->rule]->name,
		.severity = rule->severity,
		.value = entry->gauge[entry->measure].value,
		.unit = detectors[entry->rule]->measures[entry->measure].unit,
		.dry_run = rule->dry_run,
		.labels = &rule->labels,
	};
}

static void fire(struct engine *engine, struct entry *entry, const struct finding *finding)
{
	const struct engine_config *config = &engine->config;
	CLEANUP(explanation_done) struct explanation ex = { 0 };
	struct alert alert;

	entry->firing = entry->has_fired = true;
	entry->fired_ns = finding->time_ns;
	entry->measure = finding->measure;
	entry->since_ns = entry->gauge[finding->measure].above_since_ns;
	config->explain(config->explain_arg, entry->rule, finding, &ex);
	memcpy(entry->subject, ex.subject, sizeof(entry->subject));

	alert = alert_of(engine, entry, finding->time_ns);
	alert.state = ALERT_FIRING;
	alert.threshold = engine->rules.rule[entry->rule].level[finding->measure].raise;
	memcpy(alert.subject, ex.subject, sizeof(alert.subject));
	memcpy(alert.summary, ex.summary, sizeof(alert.summary));
	memcpy(alert.advice, ex.advice, sizeof(alert.advice));
	memcpy(alert.evidence, ex.evidence, ex.evidence_len * sizeof(ex.evidence[0]));
	alert.evidence_len = ex.evidence_len;
	engine->fired++;
	config->alert(config->alert_arg, &alert);
}

/* "1.2 M entries/s", "12.3 ms", "900 ms/min" */
static void format_value(char *buf, size_t size, double value, const char *unit)
{
	char text[UNITS_BUF];

	if (unit_is_ns(unit))
		explain_write(buf, size, "%s%s", fmt_duration_ns(text, (u64)value), unit + 2);
	else
		explain_write(buf, size, "%s %s", fmt_count(text, value), unit);
}

/* why: NULL if it went below its level by itself. */
static void resolve(struct engine *engine, struct entry *entry, u64 time_ns, const char *why)
{
	const struct rule *rule = &engine->rules.rule[entry->rule];
	struct alert alert = alert_of(engine, entry, time_ns);
	char lasted[UNITS_BUF], value[64];

	entry->firing = false;
	alert.state = ALERT_RESOLVED;
	alert.threshold = rule->level[entry->measure].clear;
	memcpy(alert.subject, entry->subject, sizeof(alert.subject));
	fmt_duration_ns(lasted, time_ns - MIN(entry->since_ns, time_ns));
	format_value(value, sizeof(value), alert.value, alert.unit);
	if (why)
		explain_write(alert.summary, sizeof(alert.summary), "%s: over after %s, %s",
			      entry->subject, lasted, why);
	else
		explain_write(alert.summary, sizeof(alert.summary), "%s: over after %s, now %s",
			      entry->subject, lasted, value);
	engine->config.alert(engine->config.alert_arg, &alert);
}

static bool is_due(const struct entry *entry, const struct rule *rule,
		   const struct finding *finding)
{
	const struct gauge *gauge = &entry->gauge[finding->measure];

	return gauge->above_since_ns && !cools_down(entry, rule, finding->time_ns) &&
	       finding->time_ns >= gauge->above_since_ns + rule->level[finding->measure].for_ns;
}

void engine_judge(struct engine *engine, size_t index, const struct finding *finding)
{
	const struct rule *rule = &engine->rules.rule[index];
	const struct level *level = &rule->level[finding->measure];
	struct entry *entry;

	if (engine->ended || !rule->enabled || level->raise <= 0)
		return;
	entry = find(engine, index, finding->key);
	if (!entry && finding->value < level->raise)
		return;
	if (!entry)
		entry = entry_new(engine, index, finding);
	if (!entry)
		return;
	entry->touched_ns = finding->time_ns;
	gauge_set(&entry->gauge[finding->measure], level, finding);
	if (!entry->firing && is_due(entry, rule, finding))
		fire(engine, entry, finding);
	else if (entry->firing && !is_held(entry))
		resolve(engine, entry, finding->time_ns, NULL);
}

void engine_restart(struct engine *engine, u64 time_ns, const char *why)
{
	for (size_t i = 0; i < engine->entries; i++) {
		if (engine->entry[i].firing)
			resolve(engine, &engine->entry[i], time_ns, why);
	}
	engine->entries = 0;
}

void engine_end(struct engine *engine, u64 time_ns, const char *why)
{
	engine->ended = true;
	engine_restart(engine, time_ns, why);
}

/* What receivers know an alert by stays, and each level that may hold it is judged still. */
static bool goes_on(const struct rule *before, const struct rule *after)
{
	for (size_t i = 0; i < DETECT_MEASURES; i++) {
		if (before->level[i].raise > 0 && after->level[i].raise <= 0)
			return false;
	}
	return before->enabled == after->enabled && before->dry_run == after->dry_run &&
	       before->severity == after->severity && labels_equal(&before->labels, &after->labels);
}

void engine_change_rules(struct engine *engine, const struct rules *next, u64 time_ns)
{
	for (size_t i = engine->entries; i-- > 0;) {
		struct entry *entry = &engine->entry[i];

		if (goes_on(&engine->rules.rule[entry->rule], &next->rule[entry->rule]))
			continue;
		if (entry->firing)
			resolve(engine, entry, time_ns, "its rule was changed");
		*entry = engine->entry[--engine->entries];
	}
	engine->rules = *next;
}

u64 engine_fired(const struct engine *engine)
{
	return engine->fired;
}

u64 engine_refused(const struct engine *engine)
{
	return engine->refused;
}
