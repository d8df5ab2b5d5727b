/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/syslog.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"
#include "output/names.h"

enum {
	FACILITY_DAEMON = 3, /* RFC 5424, table 1 */
	SUBJECT_BYTES = 512, /* escaped; leaves the rest of a network message to the summary */
	RULE_BYTES = 128,
	PLACE_BYTES = 72, /* an id of 64 digits */
	HOST_BYTES = 255, /* RFC 5424, 6.2.4 */
};

/* A message being written. */
struct line {
	char *buf;
	size_t size, len;
};

PRINTF_LIKE(2, 3) static void line_add(struct line *line, const char *fmt, ...)
{
	size_t room = line->size - line->len;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(line->buf + line->len, room, fmt, args);
	va_end(args);
	if (n > 0)
		line->len += MIN((size_t)n, room - 1);
}

unsigned int syslog_priority(const struct alert *alert)
{
	/* RFC 5424, table 2 */
	enum { CRITICAL = 2, WARNING = 4, NOTICE = 5, INFORMATIONAL = 6 };
	unsigned int severity = INFORMATIONAL;

	if (alert->state == ALERT_RESOLVED)
		severity = NOTICE;
	else if (alert->severity == SEVERITY_CRITICAL)
		severity = CRITICAL;
	else if (alert->severity == SEVERITY_WARNING)
		severity = WARNING;
	return FACILITY_DAEMON << 3 | severity;
}

/* Needs no quotes in logfmt. */
static bool is_bare(const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_./";

	return *text && text[strspn(text, plain)] == '\0';
}

/* Names are plain, values printable and in sum so short that all of them fit: labels.h. */
static void add_labels(struct line *line, const struct labels *labels, const char *prefix,
		       enum text_quoting quoting)
{
	char value[2 * LABEL_VALUE_MAX + 1];

	for (size_t i = 0; labels && i < labels->count; i++)
		line_add(line, " %s%s=\"%s\"", prefix, labels->label[i]->name,
			 text_quote(value, sizeof(value), labels->label[i]->value, quoting));
}

/* What there is of it. */
static void add_placement(struct line *line, const struct placement *at, enum text_quoting quoting)
{
	const struct {
		const char *name, *raw;
	} parts[] = { { "container", at->container },
		      { "pod_uid", at->pod_uid },
		      { "qos", at->qos } };
	char text[PLACE_BYTES];

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (parts[i].raw && *parts[i].raw)
			line_add(line, " %s=\"%s\"", parts[i].name,
				 text_quote(text, sizeof(text), parts[i].raw, quoting));
	}
}

size_t syslog_local(char buf[static SYSLOG_LOCAL_BUF], const struct alert *alert,
		    const struct timebase *timebase, u32 agent_pid)
{
	struct line line = { .buf = buf, .size = SYSLOG_LOCAL_BUF };
	char time[CLOCK_BUF], rule[RULE_BYTES], subject[SUBJECT_BYTES];
	const char *quote = is_bare(alert->rule) ? "" : "\"";

	fmt_time_rfc3164(time, timebase_wall_ns(timebase, alert->time_ns));
	text_quote(rule, sizeof(rule), alert->rule, TEXT_LOGFMT);
	text_quote(subject, sizeof(subject), alert->subject, TEXT_LOGFMT);

	line_add(&line, "<%u>%s gosonde[%u]: rule=%s%s%s pid=%u state=%s severity=%s value=%.10g%s",
		 syslog_priority(alert), time, agent_pid, quote, rule, quote, alert->pid,
		 output_alert_state(alert->state), output_severity(alert->severity), alert->value,
		 alert->dry_run ? " dry_run=true" : "");
	add_placement(&line, &alert->placement, TEXT_LOGFMT);
	add_labels(&line, alert->labels, "label_", TEXT_LOGFMT);
	line_add(&line, " subject=\"%s\" summary=\"", subject);
	text_quote(buf + line.len, line.size - line.len - strlen("\""), alert->summary,
		   TEXT_LOGFMT);
	line.len += strlen(buf + line.len);
	line_add(&line, "\"");
	return line.len;
}

/* The header's fields are printable US-ASCII without spaces; "-" where there is nothing. */
static const char *header_field(char *buf, size_t size, const char *raw)
{
	size_t n = 0;

	for (; raw[n] && n + 1 < size; n++)
		buf[n] = raw[n] > ' ' && raw[n] <= '~' ? raw[n] : '?';
	buf[n] = '\0';
	return n ? buf : "-";
}

size_t syslog_rfc5424(char buf[static SYSLOG_NET_BUF], const struct alert *alert,
		      const struct timebase *timebase, const char *hostname, u32 agent_pid)
{
	struct line line = { .buf = buf, .size = SYSLOG_NET_BUF };
	char time[CLOCK_BUF], host[HOST_BYTES + 1], rule[RULE_BYTES], subject[SUBJECT_BYTES],
		unit[RULE_BYTES];

	fmt_time_rfc3339_us(time, timebase_wall_ns(timebase, alert->time_ns));
	text_quote(rule, sizeof(rule), alert->rule, TEXT_SD);
	text_quote(subject, sizeof(subject), alert->subject, TEXT_SD);
	text_quote(unit, sizeof(unit), alert->unit ? alert->unit : "", TEXT_SD);

	line_add(&line, "<%u>1 %s %s gosonde %u alert ", syslog_priority(alert), time,
		 header_field(host, sizeof(host), hostname), agent_pid);
	line_add(&line, "[gosonde@32473 rule=\"%s\" pid=\"%u\" state=\"%s\" severity=\"%s\"", rule,
		 alert->pid, output_alert_state(alert->state), output_severity(alert->severity));
	line_add(&line, " value=\"%.10g\" threshold=\"%.10g\" unit=\"%s\"%s", alert->value,
		 alert->threshold, unit, alert->dry_run ? " dry_run=\"true\"" : "");
	add_placement(&line, &alert->placement, TEXT_SD);
	line_add(&line, " subject=\"%s\"]", subject);
	if (alert->labels && alert->labels->count) {
		line_add(&line, "[labels@32473");
		add_labels(&line, alert->labels, "", TEXT_SD);
		line_add(&line, "]");
	}
	line_add(&line, " ");
	text_escape(buf + line.len, line.size - line.len, alert->summary);
	return line.len + strlen(buf + line.len);
}
