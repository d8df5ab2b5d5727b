/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/text.h"

#include <string.h>

#include "base/macros.h"
#include "base/units.h"
#include "output/names.h"
#include "output/text_style.h"

static enum text_colour headline_colour(const struct alert *alert)
{
	if (alert->state == ALERT_RESOLVED)
		return TEXT_GREEN;
	return alert->severity == SEVERITY_CRITICAL ? TEXT_RED : TEXT_YELLOW;
}

static bool is_unit(const char *text)
{
	static const char *const units[] = { "ns", "bytes", "pct" };

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (strcmp(text, units[i]) == 0)
			return true;
	return false;
}

/* "stop_latency_ns" as "stop latency"; its unit, if it names one, in *ret_unit. */
static void split_key(const char *key, char *label, size_t size, const char **ret_unit)
{
	const char *last = strrchr(key, '_');
	size_t len = strlen(key);

	*ret_unit = last && is_unit(last + 1) ? last + 1 : NULL;
	if (*ret_unit)
		len = (size_t)(last - key);
	len = MIN(len, size - 1);
	for (size_t i = 0; i < len; i++)
		label[i] = key[i] == '_' ? ' ' : key[i];
	label[len] = '\0';
}

static void print_evidence(struct text_output *t, const struct evidence *evidence)
{
	char label[32], text[TEXT_NAME_BYTES], value[TEXT_VALUE_BYTES];
	const char *unit;

	split_key(evidence->key, label, sizeof(label), &unit);
	switch (evidence->kind) {
	case EVIDENCE_TEXT:
		fprintf(t->out, "  %-18s %s\n", label,
			text_escape(text, sizeof(text), evidence->text));
		break;
	case EVIDENCE_NUMBER:
		fprintf(t->out, "  %-18s %s\n", label, text_value(value, evidence->number, unit));
		break;
	case EVIDENCE_LIST:
		for (size_t i = 0; i < MIN(evidence->list_len, (size_t)EVIDENCE_LIST_MAX); i++)
			fprintf(t->out, "  %-18s %s\n", i ? "" : label,
				text_escape(text, sizeof(text), evidence->list[i]));
		break;
	}
}

static void print_place(struct text_output *t, const char *label, const char *raw)
{
	char text[TEXT_NAME_BYTES];

	if (raw && *raw)
		fprintf(t->out, "  %-18s %s\n", label, text_escape(text, sizeof(text), raw));
}

static void print_labels(struct text_output *t, const struct labels *labels)
{
	char value[TEXT_NAME_BYTES];

	for (size_t i = 0; labels && i < labels->count; i++)
		fprintf(t->out, "  %-18s %s=\"%s\"\n", i ? "" : "labels", labels->label[i]->name,
			text_quote(value, sizeof(value), labels->label[i]->value, TEXT_LOGFMT));
}

void text_alert(struct text_output *t, const struct alert *alert, const struct timebase *timebase)
{
	u64 for_ns = alert->time_ns > alert->since_ns ? alert->time_ns - alert->since_ns : 0;
	char time[CLOCK_BUF], since[CLOCK_BUF], lasted[UNITS_BUF], text[4 * TEXT_NAME_BYTES],
		rule[TEXT_NAME_BYTES], value[TEXT_VALUE_BYTES], threshold[TEXT_VALUE_BYTES];

	fmt_time_zoned(time, timebase_wall_ns(timebase, alert->time_ns));
	fmt_time_zoned(since, timebase_wall_ns(timebase, alert->since_ns));

	fprintf(t->out, "%s%s %s %s %s%s pid %u: %s\n", text_colour(t, headline_colour(alert)),
		time, alert->state == ALERT_RESOLVED ? "RESOLVED" : "ALERT",
		output_severity(alert->severity), text_escape(rule, sizeof(rule), alert->rule),
		text_colour(t, TEXT_PLAIN), alert->pid,
		text_escape(text, sizeof(text), alert->summary));
	if (alert->dry_run)
		fprintf(t->out, "  %-18s %s\n", "dry run", "reported here only, sent nowhere");
	fprintf(t->out, "  %-18s %s (threshold %s)\n", "value",
		text_value(value, alert->value, alert->unit),
		text_value(threshold, alert->threshold, alert->unit));
	fprintf(t->out, "  %-18s %s (%s)\n", "since", since, fmt_duration_ns(lasted, for_ns));
	if (alert->subject[0])
		fprintf(t->out, "  %-18s %s\n", "subject",
			text_escape(text, sizeof(text), alert->subject));
	print_place(t, "container", alert->placement.container);
	print_place(t, "pod", alert->placement.pod_uid);
	print_place(t, "quality of service", alert->placement.qos);
	print_labels(t, alert->labels);
	for (size_t i = 0; i < MIN(alert->evidence_len, (size_t)EVIDENCE_MAX); i++)
		print_evidence(t, &alert->evidence[i]);
	if (alert->advice[0])
		fprintf(t->out, "  %-18s %s\n", "what to do",
			text_escape(text, sizeof(text), alert->advice));
}
