/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/session.h"

#include <errno.h>
#include <string.h>

#include "alert/watch.h"
#include "daemon/aftermath.h"
#include "daemon/census_rounds.h"
#include "daemon/describe.h"
#include "daemon/plugins.h"
#include "daemon/sampler.h"
#include "daemon/selfstat.h"
#include "daemon/session_metrics.h"
#include "daemon/tally_maps.h"
#include "daemon/target.h"
#include "daemon/top_sites.h"
#include "daemon/waits.h"
#include "event/decode.h"
#include "gobin/census.h"
#include "kern/features.h"
#include "probe/attach.h"
#include "probe/calibrate.h"
#include "probe/duty.h"
#include "probe/restore.h"
#include "proc/container.h"
#include "proc/survivor.h"

enum {
	SLOT = 0, /* of the target in the kernel's table */
	CALIBRATION_SLOT = 1,
	SLOTS = 2,
	RING_BYTES = 4 << 20, /* 7,000 growths with their stacks: seconds of a storm */
};

_Static_assert(MODEL_MAPS <= (int)TALLY_MAPS_WANTED, "the model's maps can all be asked for");

struct session {
	const struct session_config *config;
	struct target *target;
	struct survivor survivor;
	struct names names;
	struct plan plan;
	struct kern *kern;
	struct calibration cost;
	double full_ns[WIRE_FN_COUNT], lean_ns[WIRE_FN_COUNT]; /* of a hit */
	struct armed *armed;
	struct duty *duty; /* NULL: no budget */
	struct sampler *sampler;
	struct census_rounds *rounds; /* NULL: goroutines are not asked for */
	struct selfstat self;
	struct rules rules; /* of this target */
	struct waits waits;
	struct watch *watch;
	struct event_sample sample; /* the last one taken */
	u64 image;		    /* of the process when it was opened */
	u64 records;		    /* that came through the ring */
	u64 refused;		    /* of them could not be decoded */
	struct session_metrics metrics;
	struct plugins plugins;
	u64 unseen; /* ticks times plugins that ran without probes, if only until the tick */
	struct description description;
	struct top_sites top;
};

static void session_free(struct session *s)
{
	if (!s)
		return;
	session_metrics_stop(&s->metrics);
	watch_free(s->watch);
	census_rounds_free(s->rounds);
	sampler_free(s->sampler);
	duty_free(s->duty);
	armed_free(s->armed);
	kern_close(s->kern);
	plugins_done(&s->plugins);
	target_free(s->target);
	survivor_end(&s->survivor);
	free(s);
}
DEFINE_FREEP(struct session, session_free)

static int open_target(struct session *s, struct err *err)
{
	int rc = target_open(&s->target, s->config->pid, err);

	if (rc)
		return rc;
	s->names = target_names(s->target);
	s->image = process_image(&s->target->process);
	return 0;
}

/* After what an agent left that was killed before us is taken out. */
static int make_plan(struct session *s, struct err *err)
{
	const struct process *process = &s->target->process;

	(void)restore_breakpoints(s->kern, process, process->exe_path, &s->target->go, NULL);
	plan_make(s->target->bin, &s->config->groups, &s->plan);
	attach_verify(&s->plan, &s->target->go);
	if (s->plan.probe_count)
		return 0;
	if (process_gone(process))
		return err_set(err, -ESRCH, "process %d has exited", s->config->pid);
	return err_set(err, -ENOTSUP,
		       "nothing in process %d can be probed; `gosonde inspect %d` says why",
		       s->config->pid, s->config->pid);
}

static int load_programs(struct session *s, bool uprobe_multi, struct err *err)
{
	struct kern_options options = {
		.targets = SLOTS,
		.ring_bytes = RING_BYTES,
		.uprobe_multi = uprobe_multi,
	};

	for (int g = 0; g < PROBE_GROUP_COUNT; g++)
		options.groups[g] = s->config->groups.want[g];
	options.groups[PROBE_MAP_WRITE] = true; /* the one that is calibrated */
	return kern_open(&s->kern, &options, err);
}

/* Without a calibration the cost is unknown, and said to be; only a budget can't be kept then. */
static int load_and_calibrate(struct session *s, bool uprobe_multi, struct err *err)
{
	int rc = load_programs(s, uprobe_multi, err), calibrated;

	if (rc)
		return rc;
	calibrated = calibrate(s->kern, CALIBRATION_SLOT, &s->cost, err);
	if (calibrated == -ENOTSUP && uprobe_multi) {
		kern_close(s->kern);
		s->kern = NULL;
		return load_and_calibrate(s, false, err);
	}
	if (calibrated && s->config->budget > 0)
		return err_prefix(err, calibrated,
				  "what a probe costs here can't be measured, so no budget can be "
				  "kept (--budget off attaches without one)");
	return 0;
}

static int open_kernel(struct session *s, struct err *err)
{
	struct kern_features features;

	if (!in_initial_pid_namespace())
		return err_set(
			err, -ENOSYS,
			"gosonde runs in a PID namespace of its own, where the kernel's PIDs "
			"are not the ones seen here; run it on the host");
	kern_features_probe(&features);
	if (!features.btf)
		return err_set(
			err, -ENOSYS,
			"this kernel shows no BTF (/sys/kernel/btf/vmlinux); `gosonde doctor` "
			"says what is missing");
	return load_and_calibrate(s, features.uprobe_multi, err);
}

static void cost_of_probes(struct session *s)
{
	for (size_t i = 0; i < s->plan.probe_count; i++) {
		const struct plan_probe *probe = &s->plan.probes[i];

		bool stack =
			probe->spec->group == PROBE_MAP_GROW || probe->spec->group == PROBE_FAULT;

		s->full_ns[probe->spec->fn] =
			calibration_ns(&s->cost, probe->site.class, false, stack);
		s->lean_ns[probe->spec->fn] =
			calibration_ns(&s->cost, probe->site.class, true, stack);
	}
}

/* An alert goes to the report and to every sink; what is dry stays here. */
static void on_alert(void *arg, const struct alert *alert)
{
	struct session *s = arg;
	struct report *report = s->config->report;

	session_metrics_count(&s->metrics, alert);
	report->ops->alert(report, alert);
	fflush(report->out); /* what stderr says next comes after it */
	for (size_t i = 0; i < SESSION_SINKS_MAX && s->config->sinks[i]; i++)
		(void)sink_send(s->config->sinks[i], alert, &report->timebase);
}

/* Which rules are for this target is told by what it is now. */
static void choose_rules(struct session *s)
{
	static const char deleted[] = " (deleted)"; /* what the kernel puts after such a path */
	const struct process *process = &s->target->process;
	struct container container;
	char exe[sizeof(process->exe)];
	const struct rule_target target = {
		.exe = exe,
		.module = gobin_info(s->target->bin)->module,
		.container = container.id,
	};
	size_t len = strlen(process->exe), tail = strlen(deleted);

	(void)container_of_process(process->pid, &container);
	memcpy(exe, process->exe, len + 1);
	if (len > tail && !strcmp(exe + len - tail, deleted))
		exe[len - tail] = '\0';
	s->rules = *rules_default();
	if (s->config->rules)
		ruleset_resolve(s->config->rules, &target, &s->rules);
	for (size_t i = 0; i < DETECTORS; i++)
		s->rules.rule[i].dry_run |= s->config->dry_run;
}

static bool omits(const struct plan *plan, enum probe_group group)
{
	for (size_t i = 0; i < plan->omitted_count; i++) {
		if (plan->omitted[i].spec->group == group)
			return true;
	}
	return false;
}

static int open_watch(struct session *s, struct err *err)
{
	const struct plan *plan = &s->plan;
	const struct watch_config config = {
		.model = {
			.pid = (u32)s->config->pid,
			.attach_ns = now_monotonic_ns(),
			.has_map_write = plan_has_group(plan, PROBE_MAP_WRITE),
			.has_map_grow = plan_has_group(plan, PROBE_MAP_GROW),
			.has_gc = plan_has_group(plan, PROBE_GC),
			.has_goroutine = plan_has_group(plan, PROBE_GOROUTINE),
			.has_fault = plan_has_group(plan, PROBE_FAULT),
			.map_write_partial = omits(plan, PROBE_MAP_WRITE),
			.cost_known = s->cost.ns[SITE_EMULATED] > 0,
		},
		.exe = s->target->process.exe,
		.module = gobin_info(s->target->bin)->module,
		.names = &s->names,
		.rules = &s->rules,
		.alert = on_alert,
		.arg = s,
	};

	s->watch = watch_new(&config);
	return s->watch ? 0 : err_set(err, -ENOMEM, "out of memory");
}

static int open_sampler(struct session *s, struct err *err)
{
	const struct sampler_config config = {
		.kern = s->kern,
		.slot = SLOT,
		.names = &s->names,
		.go = &s->target->go,
		.process = &s->target->process,
		.ns_per_hit = s->full_ns,
	};

	return sampler_new(&s->sampler, &config, err);
}

/* Censuses need no probe; they come with the group that tells of goroutines, whatever its duty. */
static int open_census(struct session *s, struct err *err)
{
	if (!plan_has_group(&s->plan, PROBE_GOROUTINE) || go_census_check(&s->target->go, NULL))
		return 0;
	s->rounds = census_rounds_new(s->target);
	return s->rounds ? 0 : err_set(err, -ENOMEM, "out of memory");
}

/* Returns how many were new, or a negative errno. */
static int arm_plugins(struct session *s, struct err *err)
{
	const struct plugins_arming with = { s->kern, s->armed, &s->config->groups };

	return plugins_arm(&s->plugins, s->target, &with, err);
}

static int open_armed(struct session *s, struct err *err)
{
	const struct process *process = &s->target->process;
	int rc = armed_new(&s->armed, s->kern, SLOT, process, &s->plan, &s->target->go, err);

	if (!rc)
		rc = armed_add(s->armed, &s->plan, process->exe_path, &s->target->go, err);
	if (!rc)
		rc = MIN(arm_plugins(s, err), 0);
	return rc;
}

/* All but gc, whose facts make sense only as a whole: a stop of the world takes far longer than its
 * probes. */
static int start_governor(struct session *s, struct err *err)
{
	const struct duty_config config = {
		.kern = s->kern,
		.slot = SLOT,
		.armed = s->armed,
		.process = &s->target->process,
		.governor = { .budget = s->config->budget,
			      .cpus = (u32)kern_cpus(),
 .seed = now_monotonic_ns(),
			      .rare = { [PROBE_MAP_GROW] = true, [PROBE_FAULT] = true } },
		.full_ns = s->full_ns,
		.lean_ns = s->lean_ns,
		.groups = {
			[PROBE_MAP_WRITE] = plan_has_group(&s->plan, PROBE_MAP_WRITE),
			[PROBE_MAP_GROW] = plan_has_group(&s->plan, PROBE_MAP_GROW),
			[PROBE_GOROUTINE] = plan_has_group(&s->plan, PROBE_GOROUTINE),
			[PROBE_FAULT] = plan_has_group(&s->plan, PROBE_FAULT),
		},
	};
	int rc;

	if (s->config->budget <= 0)
		return 0;
	rc = duty_start(&s->duty, &config, err);
	sampler_set_duty(s->sampler, s->duty);
	return rc;
}

/* What takes long comes before the first breakpoint; observed time begins when all of them stand.
 */
static int start(struct session *s, struct err *err)
{
	int rc = open_target(s, err);

	if (!rc)
		rc = survivor_start(&s->survivor, aftermath, s->target, err);
	if (rc)
		return rc;
	choose_rules(s);
	rc = session_metrics_start(&s->metrics, s->config, &s->rules, err);
	if (!rc)
		rc = open_kernel(s, err);
	if (!rc)
		rc = make_plan(s, err);
	if (rc)
		return rc;
	cost_of_probes(s);
	waits_start(&s->waits, &s->target->process);
	rc = open_sampler(s, err);
	if (!rc)
		rc = open_census(s, err);
	if (!rc)
		rc = open_armed(s, err);
	if (!rc)
		rc = armed_attach_all(s->armed, err);
	if (!rc)
		rc = start_governor(s, err);
	return rc ? rc : open_watch(s, err);
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
	int rc;

	describe_plan(s->target->bin, &s->plan, s->target->go.bias, s->target->process.exe,
		      &s->cost, &s->description);
	describe_missing(&s->target->go, &s->config->groups, &s->description);
	describe_plugins(&s->plugins, &s->description);
	describe_cost(&s->cost, s->config->budget, &s->description);
	s->description.info.pid = (u32)s->config->pid;
	s->description.info.time_ns = now_monotonic_ns();
	rc = s->config->report->ops->attached(s->config->report, &s->description.info, err);
	return rc ? rc : flush_report(s, err);
}

/* What is reported one by one, as it happens. */
static void report_event(struct session *s, const struct event *event)
{
	struct report *report = s->config->report;
	const struct gc_cycle *cycle = gc_last_cycle(model_gc(watch_model(s->watch)));

	if (event->kind == EVENT_MAP_GROW)
		report->ops->map_grow(report, event, &s->names);
	else if (event->kind == EVENT_GC_END && cycle)
		report->ops->gc(report, event->pid, cycle);
}

static void feed(struct session *s, const struct event *event)
{
	(void)watch_event(s->watch, event);
	report_event(s, event);
}

static void on_record(void *arg, const void *record, size_t size)
{
	struct session *s = arg;
	struct event event;

	s->records++;
	if (event_decode(record, size, &s->names, &event)) {
		s->refused++;
		return;
	}
	waits_fill(&s->waits, &event);
	feed(s, &event);
}

static int on_records(void *arg, struct err *err)
{
	struct session *s = arg;
	int rc = kern_ring_consume(s->kern, on_record, s, err);

	return rc ? rc : flush_report(s, err);
}

static void take_census(struct session *s)
{
	struct event event = { .kind = EVENT_CENSUS, .pid = (u32)s->config->pid };
	u64 image;

	if (!s->rounds || !census_rounds_due(s->rounds, now_monotonic_ns()) ||
	    census_rounds_take(s->rounds, &event.time_ns, &event.census))
		return;
	/* After an exec it says nothing, and the next tick ends the session. */
	image = process_image(&s->target->process);
	if (!image || image == s->image)
		feed(s, &event);
}

/* The loop wakes up: often enough for a census too. */
static int on_wake(void *arg, struct err *err)
{
	int rc = on_records(arg, err);

	if (!rc)
		take_census(arg);
	return rc;
}

/* Maps that the model follows are told of although others are busier. */
static void want_maps(struct session *s)
{
	const struct gomaps *maps = model_gomaps(watch_model(s->watch));
	struct map_key keys[MODEL_MAPS];

	sampler_want_maps(s->sampler, keys, gomaps_keys(maps, keys, MODEL_MAPS));
}

static int take_sample(struct session *s, u64 now_ns, struct err *err)
{
	struct event event = { .kind = EVENT_SAMPLE,
			       .time_ns = now_ns,
			       .pid = (u32)s->config->pid };
	int rc;

	want_maps(s);
	rc = sampler_take(s->sampler, now_ns, &event.sample, err);
	if (rc)
		return rc;
	event.sample.lost_decode = s->refused;
	event.sample.lost_missed += s->unseen;
	s->sample = event.sample;
	feed(s, &event);
	return 0;
}

static void publish(struct session *s, u64 now_ns, const struct window *last)
{
	session_metrics_publish(&s->metrics, now_ns,
				&(struct session_metrics_tick) {
					.target = s->target,
					.watch = s->watch,
					.last = last,
					.budget_failure = s->duty ? duty_failure(s->duty) : NULL,
					.records = s->records,
				});
}

static int end_window(struct session *s, u64 now_ns, struct err *err)
{
	struct window window;
	int rc = on_records(s, err);

	if (!rc)
		rc = take_sample(s, now_ns, err);
	if (rc)
		return rc;
	watch_tick(s->watch, now_ns, &window);
	selfstat_look(&s->self, now_ns, &window.agent);
	s->config->report->ops->window(s->config->report, &window);
	for (size_t i = 0; i < SESSION_SINKS_MAX && s->config->sinks[i]; i++)
		sink_flush(s->config->sinks[i], now_ns, &s->config->report->timebase);
	publish(s, now_ns, &window);
	return flush_report(s, err);
}

/* That a plugin ran without its probes makes the figures lower bounds; how much it did nobody
 * knows. */
static void look_for_plugins(struct session *s)
{
	int rc = arm_plugins(s, NULL);

	s->unseen += plugins_unprobed(&s->plugins) + (rc > 0 ? (u64)rc : 0);
}

/* After an exec the breakpoints are gone, and silence would read like a figure of 0. */
static int on_tick(void *arg, u64 now_ns, struct err *err)
{
	struct session *s = arg;
	u64 image;
	int rc;

	look_for_plugins(s);
	rc = end_window(s, now_ns, err);
	waits_tick(&s->waits);
	image = process_image(&s->target->process);

	return !rc && image && image != s->image ? LOOP_TARGET_REPLACED : rc;
}

/* What the tables leave out, so that they sum up to the totals. */
static void count_others(struct summary *summary)
{
	const struct window_map *map = &summary->total.map;
	u64 sites = 0, maps = 0;

	for (size_t i = 0; i < summary->map_site_count; i++)
		sites += summary->map_sites[i].count;
	for (size_t i = 0; i < summary->map_count; i++)
		maps += summary->maps[i].writes + summary->maps[i].deletes;
	summary->other_map_operations =
		MAX(map->writes + map->deletes + map->clears, sites) - sites;
	summary->other_maps_operations = MAX(map->writes + map->deletes, maps) - maps;
}

static int report_summary(struct session *s, u64 now_ns, struct err *err)
{
	struct report *report = s->config->report;
	struct summary summary = { 0 };

	watch_summary(s->watch, now_ns, &summary.total);
	selfstat_total(&s->self, now_ns, &summary.total.agent);
	summary.census_failure = s->rounds ? census_rounds_failure(s->rounds) : NULL;
	summary.budget_failure = s->duty ? duty_failure(s->duty) : NULL;
	top_sites_find(&s->sample, &s->names, &s->top);
	summary.map_sites = s->top.map_sites;
	summary.map_site_count = s->top.map_site_count;
	summary.maps = s->top.maps;
	summary.map_count = s->top.map_count;
	count_others(&summary);
	summary.go_sites = s->top.go_sites;
	summary.go_site_count = s->top.go_site_count;
	report->ops->summary(report, &summary);
	return flush_report(s, err);
}

/*
 * The probes go first, so that the last sample has all of their hits. Observed
 * time ends as the first of them goes.
 */
static int finish(struct session *s, int end, struct err *err)
{
	struct event exited = { .kind = EVENT_EXIT, .pid = (u32)s->config->pid };
	u64 now_ns;
	int rc;

	if (s->duty)
		duty_stop(s->duty);
	now_ns = now_monotonic_ns();
	armed_detach_all(s->armed);
	rc = end_window(s, now_ns, err);
	if (rc)
		return rc;
	if (end == LOOP_TARGET_EXITED || end == LOOP_TARGET_REPLACED) {
		exited.time_ns = now_ns;
		feed(s, &exited);
	}
	return report_summary(s, now_ns, err);
}

static int observe(struct session *s, struct err *err)
{
	const struct loop_config loop = {
		.ring_fd = kern_ring_fd(s->kern),
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
	/* Without a baseline `live` is unknown, and said to be. */
	(void)sampler_baseline(s->sampler, NULL);
	selfstat_start(&s->self, now_monotonic_ns());
	rc = report_attached(s, err);
	if (rc)
		return rc;
	publish(s, now_monotonic_ns(), NULL);
	end = observe(s, err);
	if (end < 0)
		return end;
	rc = finish(s, end, err);
	return rc ? rc : end;
}
