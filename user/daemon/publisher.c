/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/publisher.h"

#include <string.h>

#include "daemon/loop.h"
#include "gobin/gobin.h"
#include "proc/self.h"

int publisher_start(struct publisher *p, const struct publisher_config *config, struct err *err)
{
	int rc;

	p->config = *config;
	p->start_ns = now_monotonic_ns();
	if (!config->at)
		return 0;
	rc = exporter_start(&p->exporter, config->at, config->interval_ns, err);
	if (rc)
		return err_prefix(err, rc, "can't serve metrics on %s", config->at->text);
	fprintf(stderr, "gosonde: metrics at %s/metrics\n", exporter_name(p->exporter));
	return 0;
}

void publisher_stop(struct publisher *p)
{
	exporter_free(p->exporter);
	p->exporter = NULL;
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

static void fill_target(u64 now_ns, const struct publication *from, struct metrics_target *ret)
{
	const struct target *target = observed_target(from->observed);
	const struct watch *watch = observed_watch(from->observed);

	copy_name(ret->exe, base_name(target->process.exe));
	copy_name(ret->module, gobin_info(target->bin)->module);
	copy_name(ret->go, gobin_info(target->bin)->version_text);
	snprintf(ret->container, sizeof(ret->container), "%s", target->container.id);
	snprintf(ret->pod_uid, sizeof(ret->pod_uid), "%s", target->container.pod.uid);
	snprintf(ret->qos, sizeof(ret->qos), "%s", target->container.pod.qos);
	watch_summary(watch, now_ns, &ret->total);
	ret->last = from->last ? *from->last : ret->total;
	ret->attach_ns = ret->total.start_ns;
	ret->pauses = metrics_pauses_of(gc_pauses(model_gc(watch_model(watch))));
	ret->budget = observed_budget(from->observed);
	ret->budget_failed = observed_budget_failure(from->observed) != NULL;
	memcpy(ret->rules, observed_rules(from->observed), sizeof(ret->rules));
}

static void fill_sinks(const struct publisher_agent *agent, struct metrics_agent *ret)
{
	for (size_t i = 0; i < agent->count; i++) {
		struct sink_stats stats;

		if (!agent->sinks[i])
			continue;
		stats = sink_stats(agent->sinks[i]);
		ret->sinks[ret->sink_count++] = (struct metrics_sink) {
			.name = sink_name(agent->sinks[i]),
			.sent = stats.sent,
			.lost = stats.lost,
			.withheld = stats.withheld,
			.waiting = stats.waiting,
			.away = stats.away != 0,
		};
	}
}

void publisher_publish(struct publisher *p, u64 now_ns, const struct publication *targets,
		       size_t count, const struct publisher_agent *agent)
{
	struct metrics_snapshot *s;
	struct proc_self self;

	if (!p->exporter)
		return;
	s = calloc(1, sizeof(*s) + count * sizeof(s->targets[0]));
	if (!s)
		return; /* as exporter_publish() */
	proc_self_read(&self);
	*s = (struct metrics_snapshot) {
		.time_ns = now_ns,
		.timebase = agent->timebase,
		.agent = { .version = p->config.version,
			   .start_ns = p->start_ns,
			   .cpu_ns = self.cpu_ns,
			   .rss_bytes = self.rss_bytes,
			   .records = agent->records },
		.target_count = count,
	};
	fill_sinks(agent, &s->agent);
	for (size_t i = 0; i < count; i++)
		fill_target(now_ns, &targets[i], &s->targets[i]);
	exporter_publish(p->exporter, s);
}
