/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/report.h"

#include <string.h>

static int text_report_attached(struct report *r, const struct attached_info *info, struct err *err)
{
	(void)err;
	text_attached_brief(&r->text, info);
	return 0;
}

static void text_report_window(struct report *r, const struct window *window)
{
	text_window(&r->text, window, &r->timebase);
}

static void text_report_gc(struct report *r, u32 pid, const struct gc_cycle *cycle)
{
	if (r->text_events)
		text_gc(&r->text, pid, cycle, &r->timebase);
}

static void text_report_map_grow(struct report *r, const struct event *event,
				 const struct names *names)
{
	if (r->text_events)
		text_map_grow(&r->text, event, names, &r->timebase);
}

/* People get alerts on stderr, by a sink of that name, whatever the report is. */
static void text_report_alert(struct report *r, const struct alert *alert)
{
	(void)r, (void)alert;
}

static void text_report_summary(struct report *r, const struct summary *summary)
{
	text_summary(&r->text, summary);
}

static int json_report_attached(struct report *r, const struct attached_info *info, struct err *err)
{
	(void)err;
	(void)json_attached(r->out, info, &r->timebase);
	return 0;
}

static void json_report_window(struct report *r, const struct window *window)
{
	(void)json_window(r->out, window, &r->timebase);
}

static void json_report_gc(struct report *r, u32 pid, const struct gc_cycle *cycle)
{
	(void)json_gc(r->out, pid, cycle, &r->timebase);
}

static void json_report_map_grow(struct report *r, const struct event *event,
				 const struct names *names)
{
	(void)json_map_grow(r->out, event, names, &r->timebase);
}

static void json_report_alert(struct report *r, const struct alert *alert)
{
	(void)json_alert(r->out, alert, &r->timebase);
}

static void json_report_summary(struct report *r, const struct summary *summary)
{
	(void)json_summary(r->out, summary, &r->timebase);
}

static const struct report_ops kinds[] = {
	{
		.name = "text",
		.attached = text_report_attached,
		.window = text_report_window,
		.gc = text_report_gc,
		.map_grow = text_report_map_grow,
		.alert = text_report_alert,
		.summary = text_report_summary,
	},
	{
		.name = "json",
		.attached = json_report_attached,
		.window = json_report_window,
		.gc = json_report_gc,
		.map_grow = json_report_map_grow,
		.alert = json_report_alert,
		.summary = json_report_summary,
	},
};

const struct report_ops *report_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}
