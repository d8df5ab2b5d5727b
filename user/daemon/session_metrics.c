/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/session_metrics.h"

#include <string.h>

#include "gobin/gobin.h"
#include "proc/self.h"

int session_metrics_start(struct session_metrics *m, const struct session_config *config,
			  const struct rules *rules, struct err *err)
{
	int rc;

	m->config = config;
	m->start_ns = now_monotonic_ns();
	for (size_t i = 0; i < DETECTORS; i++)
		m->rules[i] = (struct metrics_rule) { .severity = rules->rule[i].severity,
						      .dry_run = rules->rule[i].dry_run };
	if (!config->metrics)
		return 0;
	rc = exporter_start(&m->exporter, config->metrics, config->interval_ns, err);
	if (rc)
		return err_prefix(err, rc, "can't serve metrics on %s", config->metrics->text);
	fprintf(stderr, "gosonde: metrics at %s/metrics\n", exporter_name(m->exporter));
	return 0;
}

void session_metrics_stop(struct session_metrics *m)
{
	exporter_free(m->exporter);
	m->exporter = NULL;
}

void session_metrics_count(struct session_metrics *m, const struct alert *alert)
{
	int rule = detector_find(alert->rule);

	if (rule < 0)
		return;
	if (alert->state == ALERT_FIRING)
		m->rules[rule].fired++;
	else
		m->rules[rule].resolved++;
}

static void copy_name(char ret[static METRICS_NAME_BYTES], const char *name)
{
	size_t len = strnlen(name, METRICS_NAME_BYTES - 1);

	memcpy(ret, name, len);
	ret[len] = '\0';
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void fill_target(const struct session_metrics *m, u64 now_ns,
			const struct session_metrics_tick *tick, struct metrics_target *ret)
{
	copy_name(ret->exe, base_name(tick->target->process.exe));
	copy_name(ret->module, gobin_info(tick->target->bin)->module);
	copy_name(ret->go, gobin_info(tick->target->bin)->version_text);
	watch_summary(tick->watch, now_ns, &ret->total);
	ret->last = tick->last ? *tick->last : ret->total;
	ret->attach_ns = ret->total.start_ns;
	ret->pauses = metrics_pauses_of(gc_pauses(model_gc(watch_model(tick->watch))));
	ret->budget = m->config->budget;
	ret->budget_failed = tick->budget_failure != NULL;
	memcpy(ret->rules, m->rules, sizeof(ret->rules));
}

static void fill_sinks(const struct session_metrics *m, struct metrics_agent *ret)
{
	for (size_t i = 0; i < SESSION_SINKS_MAX && m->config->sinks[i]; i++) {
		struct sink_stats stats = sink_stats(m->config->sinks[i]);

		ret->sinks[ret->sink_count++] = (struct metrics_sink) {
			.name = sink_name(m->config->sinks[i]),
			.sent = stats.sent,
			.lost = stats.lost,
			.withheld = stats.withheld,
			.waiting = stats.waiting,
			.away = stats.away != 0,
		};
	}
}

void session_metrics_publish(struct session_metrics *m, u64 now_ns,
			     const struct session_metrics_tick *tick)
{
	struct metrics_snapshot *s;
	struct proc_self self;

	if (!m->exporter)
		return;
	s = calloc(1, sizeof(*s) + sizeof(s->targets[0]));
	if (!s)
		return; /* as exporter_publish() */
	proc_self_read(&self);
	*s = (struct metrics_snapshot) {
		.time_ns = now_ns,
		.timebase = m->config->report->timebase,
		.agent = { .version = m->config->version,
			   .start_ns = m->start_ns,
			   .cpu_ns = self.cpu_ns,
			   .rss_bytes = self.rss_bytes,
			   .records = tick->records },
		.target_count = 1,
	};
	fill_sinks(m, &s->agent);
	fill_target(m, now_ns, tick, &s->targets[0]);
	exporter_publish(m->exporter, s);
}
