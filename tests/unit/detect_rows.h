/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables of scripts for detectors, and what alerts say. */
#ifndef TESTS_DETECT_ROWS_H
#define TESTS_DETECT_ROWS_H

#include "detect_script.h"

/* "@12.0 firing rehash-storm entries/s map[int]T1" */
static inline void log_alert(void *arg, const struct alert *alert)
{
	struct target *t = arg;
	size_t len = strlen(t->log);

	snprintf(t->log + len, sizeof(t->log) - len, "@%.1f %s %s %s %s\n",
		 (double)alert->time_ns / 1e9 - ATTACH_S,
		 alert->state == ALERT_FIRING ? "firing" : "resolved", alert->rule, alert->unit,
		 alert->subject);
	assert_true(alert->summary[0]);
	assert_true(alert->state == ALERT_RESOLVED || alert->advice[0]);
	assert_true(alert->state == ALERT_FIRING || !alert->evidence_len);
}

struct row {
	const char *name, *script;
};

/* rules: NULL for the defaults. */
static inline void play_rows_by(const struct row *rows, size_t count, const struct rules *rules)
{
	for (size_t i = 0; i < count; i++) {
		CLEANUP(freep) struct script *s = calloc(1, sizeof(*s));
		CLEANUP(freep) struct target *t = calloc(1, sizeof(*t));

		assert_true(s && t);
		t->rules = rules;
		play_script(t, s, rows[i].script, log_alert);
		if (strcmp(t->log, s->want))
			fail_msg("%s: got\n%s, want\n%s", rows[i].name, t->log, s->want);
	}
}

static inline void play_rows(const struct row *rows, size_t count)
{
	play_rows_by(rows, count, NULL);
}

static inline void keep_one(struct target *t, const struct evidence *e)
{
	size_t len = strlen(t->log);

	if (e->kind == EVIDENCE_NUMBER)
		snprintf(t->log + len, sizeof(t->log) - len, "%s=%.15g\n", e->key, e->number);
	else if (e->kind == EVIDENCE_TEXT)
		snprintf(t->log + len, sizeof(t->log) - len, "%s=%s\n", e->key, e->text);
	for (size_t i = 0; i < e->list_len; i++) {
		len = strlen(t->log);
		snprintf(t->log + len, sizeof(t->log) - len, "%s[%zu]=%s\n", e->key, i, e->list[i]);
	}
}

/* What a firing alert says, in full. */
static inline void keep_evidence(void *arg, const struct alert *alert)
{
	struct target *t = arg;

	if (alert->state != ALERT_FIRING)
		return;
	snprintf(t->log, sizeof(t->log), "%s\n%s\n", alert->summary, alert->advice);
	for (size_t i = 0; i < alert->evidence_len; i++)
		keep_one(t, &alert->evidence[i]);
}

enum { SAYINGS_MAX = 12 };

struct says {
	const char *script, *say[SAYINGS_MAX];
};

/* The last alert of each script says all of that. */
static inline void play_says(const struct says *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		CLEANUP(freep) struct script *s = calloc(1, sizeof(*s));
		CLEANUP(freep) struct target *t = calloc(1, sizeof(*t));

		assert_true(s && t);
		play_script(t, s, cases[i].script, keep_evidence);
		for (size_t j = 0; j < SAYINGS_MAX && cases[i].say[j]; j++) {
			if (!strstr(t->log, cases[i].say[j]))
				fail_msg("lacks %s:\n%s", cases[i].say[j], t->log);
		}
	}
}

#endif
