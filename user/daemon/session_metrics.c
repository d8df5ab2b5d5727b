/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/session_metrics.h"

#include <string.h>

#include "gobin/gobin.h"
#include "proc/self.h"

int session_metrics_start(struct session_metrics *m, const struct session_config *config,
			  struct err *err)
{
	int rc;

	m->config = config;
	m->start_ns = now_monotonic_ns();
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

static void fill_target(const struct session_metrics *m, u64 now_ns, const struct observed *o,
			const struct window *last, struct metrics_target *ret)
{
	const struct target *target = observed_target(o);
	const struct watch *watch = observed_watch(o);

	copy_name(ret->exe, base_name(target->process.exe));
	copy_name(ret->module, gobin_info(target->bin)->module);
	copy_name(ret->go, gobin_info(target->bin)->version_text);
	watch_summary(watch, now_ns, &ret->total);
	ret->last = last ? *last : ret->total;
	ret->attach_ns = ret->total.start_ns;
	ret->pauses = metrics_pauses_of(gc_pauses(model_gc(watch_model(watch))));
	ret->budget = m->config->budget;
	ret->budget_failed = observed_budget_failure(o) != NULL;
	memcpy(ret->rules, observed_rules(o), sizeof(ret->rules));
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

void session_metrics_publish(struct session_metrics *m, u64 now_ns, const struct observed *o,
			     const struct window *last, u64 records)
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
			   .records = records },
		.target_count = 1,
	};
	fill_sinks(m, &s->agent);
	fill_target(m, now_ns, o, last, &s->targets[0]);
	exporter_publish(m->exporter, s);
}
