/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/journal.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"
#include "output/names.h"
#include "output/syslog.h"

enum {
	NAME_MAX_BYTES = 64, /* of a field; what is longer journald drops */
	OMITTED_BYTES = 64,  /* kept for the count of what is left out */
};

static const unsigned long long gosonde_id = 0x7a1c40d92f6e4b58;

struct entry {
	char *buf;
	size_t size, len;
	u64 omitted;
};

/* The field as a whole, or not at all. */
static void put(struct entry *entry, const char *name, const char *raw)
{
	char value[TEXT_ESCAPED_SIZE(sizeof(((struct alert *)0)->summary))];
	size_t room = entry->size - entry->len;
	int n;

	text_escape(value, sizeof(value), raw);
	n = snprintf(entry->buf + entry->len, room, "%s=%s\n", name, value);
	if (n > 0 && (size_t)n < room) {
		entry->len += (size_t)n;
	} else {
		entry->buf[entry->len] = '\0';
		entry->omitted++;
	}
}

static void put_known(struct entry *entry, const char *name, const char *raw)
{
	if (raw && *raw)
		put(entry, name, raw);
}

static void put_number(struct entry *entry, const char *name, double number)
{
	char text[64];

	snprintf(text, sizeof(text), "%.10g", number);
	put(entry, name, text);
}

/* Upper case, digits and underscores are what journald takes. */
static void field_name(char name[static NAME_MAX_BYTES + 1], const char *prefix, const char *key)
{
	size_t n = (size_t)snprintf(name, NAME_MAX_BYTES + 1, "GOSONDE_%s_", prefix);

	for (; *key && n < NAME_MAX_BYTES; key++) {
		char c = *key;

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		name[n++] = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_';
	}
	name[n] = '\0';
}

static void put_evidence(struct entry *entry, const struct evidence *evidence)
{
	char name[NAME_MAX_BYTES + 1];

	field_name(name, "EVIDENCE", evidence->key);
	switch (evidence->kind) {
	case EVIDENCE_TEXT:
		put(entry, name, evidence->text);
		break;
	case EVIDENCE_NUMBER:
		put_number(entry, name, evidence->number);
		break;
	case EVIDENCE_LIST:
		for (size_t i = 0; i < MIN(evidence->list_len, (size_t)EVIDENCE_LIST_MAX); i++)
			put(entry, name, evidence->list[i]);
		break;
	}
}

char *journal_message_id(char buf[static JOURNAL_ID_BUF], const char *rule)
{
	unsigned long long hash = 0xcbf29ce484222325; /* FNV-1a, 64 bits */

	for (; *rule; rule++)
		hash = (hash ^ (u8)*rule) * 0x100000001b3;
	snprintf(buf, JOURNAL_ID_BUF, "%016llx%016llx", gosonde_id, hash);
	return buf;
}

static void put_head(struct entry *entry, const struct alert *alert,
		     const struct timebase *timebase)
{
	char time[CLOCK_BUF], id[JOURNAL_ID_BUF];
	unsigned int priority = syslog_priority(alert);

	put(entry, "MESSAGE", alert->summary);
	put_number(entry, "PRIORITY", priority & 7);
	put_number(entry, "SYSLOG_FACILITY", priority >> 3);
	put(entry, "SYSLOG_IDENTIFIER", "gosonde");
	put(entry, "MESSAGE_ID", journal_message_id(id, alert->rule));
	put(entry, "GOSONDE_RULE", alert->rule);
	put(entry, "GOSONDE_STATE", output_alert_state(alert->state));
	put(entry, "GOSONDE_SEVERITY", output_severity(alert->severity));
	put(entry, "GOSONDE_TIME",
	    fmt_time_rfc3339(time, timebase_wall_ns(timebase, alert->time_ns)));
	put_number(entry, "GOSONDE_PID", alert->pid);
	put_known(entry, "GOSONDE_EXE", alert->exe);
	put_known(entry, "GOSONDE_MODULE", alert->module);
	put_known(entry, "GOSONDE_CONTAINER", alert->placement.container);
	put_known(entry, "GOSONDE_POD_UID", alert->placement.pod_uid);
	put_known(entry, "GOSONDE_QOS", alert->placement.qos);
	put_known(entry, "GOSONDE_SUBJECT", alert->subject);
	put_number(entry, "GOSONDE_VALUE", alert->value);
	put_number(entry, "GOSONDE_THRESHOLD", alert->threshold);
	put_known(entry, "GOSONDE_UNIT", alert->unit);
	put_known(entry, "GOSONDE_ADVICE", alert->advice);
}

static void put_labels(struct entry *entry, const struct labels *labels)
{
	char name[NAME_MAX_BYTES + 1];

	for (size_t i = 0; labels && i < labels->count; i++) {
		field_name(name, "LABEL", labels->label[i]->name);
		put(entry, name, labels->label[i]->value);
	}
}

size_t journal_entry(char buf[static JOURNAL_BUF], const struct alert *alert,
		     const struct timebase *timebase)
{
	struct entry entry = { .buf = buf, .size = JOURNAL_BUF - OMITTED_BYTES };

	put_head(&entry, alert, timebase);
	put_labels(&entry, alert->labels);
	for (size_t i = 0; i < MIN(alert->evidence_len, (size_t)EVIDENCE_MAX); i++)
		put_evidence(&entry, &alert->evidence[i]);
	entry.size = JOURNAL_BUF;
	if (entry.omitted)
		put_number(&entry, "GOSONDE_EVIDENCE_OMITTED", (double)entry.omitted);
	return entry.len;
}
