/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/session.h"

#include <errno.h>
#include <string.h>

#include "daemon/aftermath.h"
#include "daemon/ground.h"
#include "daemon/harvest.h"
#include "daemon/observed.h"
#include "daemon/publisher.h"
#include "daemon/selfstat.h"
#include "daemon/target.h"
#include "daemon/undelivered.h"
#include "proc/survivor.h"

struct session {
	const struct session_config *config;
	struct target *target;
	struct survivor survivor;
	struct ground ground;
	struct harvest *harvest;
	struct observed *observed;
	struct selfstat self;
	u64 records; /* that came through the ring */
	struct publisher publisher;
};

static void session_free(struct session *s)
{
	if (!s)
		return;
	publisher_stop(&s->publisher);
	observed_free(s->observed);
	harvest_free(s->harvest);
	ground_close(&s->ground);
	target_free(s->target);
	survivor_end(&s->survivor);
	free(s);
}
DEFINE_FREEP(struct session, session_free)

/* An alert goes to the report and to every sink; what is dry stays here. */
static void on_alert(void *arg, const struct alert *alert)
{
	struct session *s = arg;
	struct report *report = s->config->report;

	report->ops->alert(report, alert);
	fflush(report->out); /* what stderr says next comes after it */
	for (size_t i = 0; i < SESSION_SINKS_MAX && s->config->sinks[i]; i++)
		(void)sink_send(s->config->sinks[i], alert, &report->timebase);
}

/* What is reported one by one, as it happens. */
static void on_event(void *arg, const struct observed *o, const struct event *event)
{
	const struct session *s = arg;
	struct report *report = s->config->report;
	const struct gc_cycle *cycle = gc_last_cycle(model_gc(watch_model(observed_watch(o))));

	if (event->kind == EVENT_MAP_GROW)
		report->ops->map_grow(report, event, observed_names(o));
	else if (event->kind == EVENT_GC_END && cycle)
		report->ops->gc(report, event->pid, cycle);
}

static int observe_target(struct session *s, struct err *err)
{
	const struct observed_config config = {
		.ground = &s->ground,
		.harvest = s->harvest,
		.target = s->target,
		.groups = s->config->groups,
		.budget = s->config->budget,
		.rules = s->config->rules,
		.dry_run = s->config->dry_run,
		.alert = on_alert,
		.event = on_event,
		.arg = s,
	};

	return observed_new(&s->observed, &config, err);
}

static int start_publisher(struct session *s, struct err *err)
{
	const struct publisher_config config = {
		.at = s->config->metrics,
		.interval_ns = s->config->interval_ns,
		.version = s->config->version,
	};

	return publisher_start(&s->publisher, &config, err);
}

/* last: NULL, there was none yet. */
static void publish(struct session *s, u64 now_ns, const struct window *last)
{
	const struct publication target = { .observed = s->observed, .last = last };
	const struct publisher_agent agent = { .sinks = s->config->sinks,
					       .count = SESSION_SINKS_MAX,
					       .records = s->records,
					       .timebase = s->config->report->timebase };

	publisher_publish(&s->publisher, now_ns, &target, 1, &agent);
}

/* The survivor is forked before there are threads, and before what it must not hold is open. */
static int start(struct session *s, struct err *err)
{
	int rc = target_open(&s->target, s->config->pid, err);

	if (!rc)
		rc = survivor_start(&s->survivor, aftermath, s->target, err);
	if (!rc)
		rc = start_publisher(s, err);
	if (!rc)
		rc = ground_open(&s->ground,
				 &(struct ground_options) { .groups = s->config->groups,
							    .targets = 1,
							    .budget = s->config->budget > 0 },
				 err);
	if (rc)
		return rc;
	s->harvest = harvest_new(s->ground.kern);
	if (!s->harvest)
		return err_set(err, -ENOMEM, "out of memory");
	harvest_ignore(s->harvest, s->ground.own_slot);
	return observe_target(s, err);
}

static int flush_report(struct session *s, struct err *err)
{
	FILE *out = s->config->report->out;

	if (!fflush(out) && !ferror(out))
		return 0;
	return err_set(err, -EIO, "can't write the results: %s", strerror(errno));
}

static int report_attached(struct session *s, struct err *err)
{
	struct report *report = s->config->report;
	int rc = report->ops->attached(report, observed_describe(s->observed, now_monotonic_ns()),
				       err);

	return rc ? rc : flush_report(s, err);
}

static void on_record(void *arg, const void *record, size_t size)
{
	struct session *s = arg;

	s->records++;
	observed_record(s->observed, record, size);
}

static int take_records(struct session *s, struct err *err)
{
	int rc;

	timebase_follow(&s->config->report->timebase, monotonic_to_wall_ns());
	rc = kern_ring_consume(s->ground.kern, on_record, s, err);
	return rc ? rc : flush_report(s, err);
}

static int on_wake(void *arg, struct err *err)
{
	struct session *s = arg;
	int rc = take_records(s, err);

	if (!rc)
		observed_wake(s->observed, now_monotonic_ns());
	return rc;
}

/* Returns 1 when the process executed another program. */
static int end_window(struct session *s, u64 now_ns, struct err *err)
{
	struct report *report = s->config->report;
	struct window window;
	int rc = take_records(s, err), replaced;

	if (!rc)
		rc = harvest_read(s->harvest, err);
	if (rc)
		return rc;
	ground_tick(&s->ground, now_ns);
	replaced = observed_tick(s->observed, now_ns, &window, err);
	if (replaced < 0)
		return replaced;
	selfstat_look(&s->self, now_ns, &window.agent);
	report->ops->window(report, &window);
	for (size_t i = 0; i < SESSION_SINKS_MAX && s->config->sinks[i]; i++)
		sink_flush(s->config->sinks[i], now_ns, &report->timebase);
	publish(s, now_ns, &window);
	rc = flush_report(s, err);
	return rc ? rc : replaced;
}

/* After an exec the breakpoints are gone, and silence would read like a figure of 0. */
static int on_tick(void *arg, u64 now_ns, struct err *err)
{
	int rc = end_window(arg, now_ns, err);

	return rc > 0 ? LOOP_TARGET_REPLACED : rc;
}

static int report_summary(struct session *s, u64 now_ns, struct err *err)
{
	struct report *report = s->config->report;
	struct summary summary;

	observed_summary(s->observed, now_ns, &summary);
	sinks_settle(s->config->sinks, SESSION_SINKS_MAX, &report->timebase);
	summary.alerts_lost = undelivered(s->config->sinks, SESSION_SINKS_MAX);
	selfstat_total(&s->self, now_ns, &summary.total.agent);
	report->ops->summary(report, &summary);
	return flush_report(s, err);
}

/* The probes go first, so that the last sample has all of their hits. */
static int finish(struct session *s, int end, struct err *err)
{
	u64 now_ns = observed_detach(s->observed);
	int rc = end_window(s, now_ns, err);

	/* What fires is over, whether or not the last window could be read. */
	if (end == LOOP_TARGET_EXITED || end == LOOP_TARGET_REPLACED)
		observed_end(s->observed, now_ns);
	return rc < 0 ? rc : report_summary(s, now_ns, err);
}

static int run_loop(struct session *s, struct err *err)
{
	const struct loop_config loop = {
		.ring_fd = kern_ring_fd(s->ground.kern),
		.pidfd = s->target->process.pidfd,
		.interval_ns = s->config->interval_ns,
		.for_ns = s->config->for_ns,
	};
	const struct loop_handlers handlers = { .arg = s, .records = on_wake, .tick = on_tick };

	return loop_run(&loop, &handlers, err);
}

int session_run(const struct session_config *config, struct err *err)
{
	CLEANUP(session_freep) struct session *s = calloc(1, sizeof(*s));
	int end, rc;

	if (!s)
		return err_set(err, -ENOMEM, "out of memory");
	s->config = config;
	rc = start(s, err);
	if (rc)
		return rc;
	selfstat_start(&s->self, now_monotonic_ns());
	publish(s, now_monotonic_ns(), NULL); /* who reads "attached" may scrape at once */
	rc = report_attached(s, err);
	if (rc)
		return rc;
	end = run_loop(s, err);
	if (end < 0)
		return end;
	rc = finish(s, end, err);
	return rc ? rc : end;
}
