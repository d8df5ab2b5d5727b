/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/alertmanager.h"

#include <ctype.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"
#include "output/json_build.h"
#include "output/names.h"

static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

char *alertmanager_name(char buf[static ALERTMANAGER_NAME_BUF], const char *rule)
{
	size_t n = (size_t)snprintf(buf, ALERTMANAGER_NAME_BUF, "Gosonde");
	bool begins = true;

	for (; *rule && n + 1 < ALERTMANAGER_NAME_BUF; rule++) {
		if (!is_letter_or_digit(*rule)) {
			begins = true;
			continue;
		}
		buf[n++] =
			begins && *rule >= 'a' && *rule <= 'z' ? (char)(*rule - 'a' + 'A') : *rule;
		begins = false;
	}
	buf[n] = '\0';
	return buf;
}

/* "0xc000012340" to "0x": what differs with each run would make each a new alert. */
static void drop_addresses(char *text)
{
	char *to = text;

	for (const char *from = text; *from;) {
		bool is_number = from[0] == '0' && from[1] == 'x' && isxdigit((u8)from[2]);

		*to++ = *from++;
		if (!is_number)
			continue;
		*to++ = *from++;
		from += strspn(from, "0123456789abcdefABCDEF");
	}
	*to = '\0';
}

/* Alertmanager takes an empty label for none. */
static void put_label(struct json_build *b, json_t *obj, const char *key, const char *raw)
{
	char text[ALERTMANAGER_LABEL_BYTES];

	if (raw && *raw)
		json_put_text(b, obj, key, text_escape(text, sizeof(text), raw));
}

static void put_identity(struct json_build *b, json_t *obj, const struct alert *alert,
			 const char *hostname)
{
	char name[ALERTMANAGER_NAME_BUF], pid[16], subject[sizeof(alert->subject)];

	/* First, so that none of them takes the place of what tells alerts apart. */
	for (size_t i = 0; alert->labels && i < alert->labels->count; i++)
		put_label(b, obj, alert->labels->label[i]->name, alert->labels->label[i]->value);
	snprintf(pid, sizeof(pid), "%u", alert->pid);
	memcpy(subject, alert->subject, sizeof(subject));
	drop_addresses(subject);
	put_label(b, obj, "alertname", alertmanager_name(name, alert->rule));
	put_label(b, obj, "rule", alert->rule);
	put_label(b, obj, "instance", hostname);
	put_label(b, obj, "pid", pid);
	put_label(b, obj, "exe", alert->exe);
	put_label(b, obj, "module", alert->module);
	put_label(b, obj, "container", alert->placement.container);
	put_label(b, obj, "pod_uid", alert->placement.pod_uid);
	put_label(b, obj, "qos", alert->placement.qos);
	put_label(b, obj, "subject", subject);
}

/* Lines "key: value", whole ones only. */
struct facts {
	char text[ALERTMANAGER_EVIDENCE_BYTES];
	size_t len;
	bool full;
};

static void add_fact(struct facts *facts, const char *key, const char *raw)
{
	char value[TEXT_ESCAPED_SIZE(EVIDENCE_TEXT_MAX)];
	size_t room = sizeof(facts->text) - facts->len;
	int n = snprintf(facts->text + facts->len, room, "%s%s: %s", facts->len ? "\n" : "", key,
			 text_escape(value, sizeof(value), raw));

	facts->full |= n < 0 || (size_t)n >= room;
	if (facts->full)
		facts->text[facts->len] = '\0';
	else
		facts->len += (size_t)n;
}

static void add_evidence(struct facts *facts, const struct evidence *evidence)
{
	char number[64];

	switch (evidence->kind) {
	case EVIDENCE_TEXT:
		add_fact(facts, evidence->key, evidence->text);
		break;
	case EVIDENCE_NUMBER:
		snprintf(number, sizeof(number), "%.10g", evidence->number);
		add_fact(facts, evidence->key, number);
		break;
	case EVIDENCE_LIST:
		for (size_t i = 0; i < MIN(evidence->list_len, (size_t)EVIDENCE_LIST_MAX); i++)
			add_fact(facts, evidence->key, evidence->list[i]);
		break;
	}
}

static void put_annotation(struct json_build *b, json_t *obj, const char *key, const char *raw)
{
	char text[TEXT_ESCAPED_SIZE(sizeof(((struct alert *)0)->summary))];

	if (*raw)
		json_put_text(b, obj, key, text_escape(text, sizeof(text), raw));
}

static void put_annotations(struct json_build *b, json_t *obj, const struct alert *alert)
{
	struct facts facts = { .len = 0 };
	char value[128];

	put_annotation(b, obj, "summary", alert->summary);
	put_annotation(b, obj, "subject", alert->subject);
	put_annotation(b, obj, "advice", alert->advice);
	snprintf(value, sizeof(value), "%.10g %s (level %.10g)", alert->value,
		 alert->unit ? alert->unit : "", alert->threshold);
	put_annotation(b, obj, "value", value);
	for (size_t i = 0; i < MIN(alert->evidence_len, (size_t)EVIDENCE_MAX) && !facts.full; i++)
		add_evidence(&facts, &alert->evidence[i]);
	if (facts.len)
		json_put_text(b, obj, "evidence", facts.text);
}

int alertmanager_identity(FILE *out, const struct alert *alert, const char *hostname)
{
	struct json_build b = { .root = json_object() };

	put_identity(&b, b.root, alert, hostname);
	return json_build_finish(&b, out);
}

int alertmanager_alert(FILE *out, const struct alert *alert, const char *hostname,
		       const struct timebase *timebase)
{
	struct json_build b = { .root = json_object() };
	json_t *labels = json_put_object(&b, b.root, "labels");
	char time[CLOCK_BUF];

	put_identity(&b, labels, alert, hostname);
	put_label(&b, labels, "severity", output_severity(alert->severity));
	put_annotations(&b, json_put_object(&b, b.root, "annotations"), alert);
	fmt_time_rfc3339(time, timebase_wall_ns(timebase, alert->since_ns));
	json_put_text(&b, b.root, "startsAt", time);
	if (alert->state == ALERT_RESOLVED) {
		fmt_time_rfc3339(time, timebase_wall_ns(timebase, alert->time_ns));
		json_put_text(&b, b.root, "endsAt", time);
	}
	return json_build_finish(&b, out);
}
