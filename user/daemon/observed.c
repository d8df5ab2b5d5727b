/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/observed.h"

#include <errno.h>
#include <string.h>

#include "daemon/census_rounds.h"
#include "daemon/identity.h"
#include "daemon/loop.h"
#include "daemon/sampler.h"
#include "daemon/tally_maps.h"
#include "daemon/waits.h"
#include "event/decode.h"
#include "gobin/census.h"
#include "probe/attach.h"
#include "probe/attach.h"
#include "probe/costs.h"
#include "probe/restore.h"

_Static_assert(MODEL_MAPS <= (int)TALLY_MAPS_WANTED, "the model's maps can all be asked for");

struct observed {
	struct observed_config config;
	struct names names;
	struct plan plan;
	u32 others;		 /* processes of the same file that are observed too */
	struct duty_costs costs; /* at the last tick */
	struct armed *armed;
	struct duty *duty; /* NULL: no budget */
	struct sampler *sampler;
	struct census_rounds *rounds; /* NULL: goroutines are not asked for */
	struct waits waits;
	struct metrics_rule fired[DETECTORS];
	struct watch *watch;
	struct plugins plugins;
	struct event_sample sample; /* the last one taken */
	u64 image;		    /* of the process when it was opened */
	u64 refused;		    /* records that could not be decoded */
	u64 unseen; /* ticks times plugins that ran without probes, if only until the tick */
	struct description description;
	struct top_sites top;
};

void observed_free(struct observed *o)
{
	if (!o)
		return;
	watch_free(o->watch);
	census_rounds_free(o->rounds);
	sampler_free(o->sampler);
	duty_free(o->duty);
	armed_free(o->armed);
	plugins_done(&o->plugins);
	free(o);
}

static const struct process *process_of(const struct observed *o)
{
	return &o->config.target->process;
}

static const struct go_process *go_of(const struct observed *o)
{
	return &o->config.target->go;
}

static struct kern *kern_of(const struct observed *o)
{
	return o->config.ground->kern;
}

/* After what an agent left that was killed before us is taken out. */
static int make_plan(struct observed *o, struct err *err)
{
	const struct process *process = process_of(o);

	(void)restore_breakpoints(kern_of(o), process, process->exe_path, go_of(o), NULL);
	plan_make(go_of(o)->bin, &o->config.groups, &o->plan);
	attach_verify(&o->plan, go_of(o));
	if (o->plan.probe_count)
		return 0;
	return describe_refusal(process, &o->plan, err);
}

static void choose_rules(struct observed *o, struct rules *ret)
{
	identity_rules(o->config.target, o->config.rules, ret);
	for (size_t i = 0; i < DETECTORS; i++) {
		ret->rule[i].dry_run |= o->config.dry_run;
		o->fired[i].severity = ret->rule[i].severity;
		o->fired[i].dry_run = ret->rule[i].dry_run;
	}
}

static void on_alert(void *arg, const struct alert *alert)
{
	struct observed *o = arg;
	int rule = detector_find(alert->rule);

	if (rule >= 0 && alert->state == ALERT_FIRING)
		o->fired[rule].fired++;
	else if (rule >= 0)
		o->fired[rule].resolved++;
	o->config.alert(o->config.arg, alert);
}

static bool omits(const struct plan *plan, enum probe_group group)
{
	for (size_t i = 0; i < plan->omitted_count; i++) {
		if (plan->omitted[i].spec->group == group)
			return true;
	}
	return false;
}

static int open_watch(struct observed *o, struct err *err)
{
	const struct plan *plan = &o->plan;
	struct rules rules;
	const struct watch_config config = {
		.model = {
			.pid = (u32)process_of(o)->pid,
			.attach_ns = now_monotonic_ns(),
			.has_map_write = plan_has_group(plan, PROBE_MAP_WRITE),
			.has_map_grow = plan_has_group(plan, PROBE_MAP_GROW),
			.has_gc = plan_has_group(plan, PROBE_GC),
			.has_goroutine = plan_has_group(plan, PROBE_GOROUTINE),
			.has_fault = plan_has_group(plan, PROBE_FAULT),
			.map_write_partial = omits(plan, PROBE_MAP_WRITE),
			.cost_known = o->config.ground->cost.ns[SITE_EMULATED] > 0,
		},
		.exe = process_of(o)->exe,
		.module = gobin_info(go_of(o)->bin)->module,
		.placement = target_placement(o->config.target),
		.names = &o->names,
		.rules = &rules,
		.alert = on_alert,
		.arg = o,
	};

	choose_rules(o, &rules);
	o->watch = watch_new(&config);
	return o->watch ? 0 : err_set(err, -ENOMEM, "out of memory");
}

static int open_sampler(struct observed *o, struct err *err)
{
	struct sampler_config config = {
		.kern = kern_of(o),
		.harvest = o->config.harvest,
		.slot = o->config.slot,
		.names = &o->names,
		.go = go_of(o),
		.process = process_of(o),
		.costs = &o->costs,
	};

	for (int g = 0; g < PROBE_GROUP_COUNT; g++)
		config.groups[g] = plan_has_group(&o->plan, (enum probe_group)g);
	return sampler_new(&o->sampler, &config, err);
}

/* Censuses need no probe; they come with the group that tells of goroutines, whatever its duty. */
static int open_census(struct observed *o, struct err *err)
{
	if (!plan_has_group(&o->plan, PROBE_GOROUTINE) || go_census_check(go_of(o), NULL))
		return 0;
	o->rounds = census_rounds_new(o->config.target);
	return o->rounds ? 0 : err_set(err, -ENOMEM, "out of memory");
}

/* Returns how many were new, or a negative errno. */
static int arm_plugins(struct observed *o, struct err *err)
{
	const struct plugins_arming with = { kern_of(o), o->armed, &o->config.groups };

	return plugins_arm(&o->plugins, o->config.target, &with, err);
}

static int open_armed(struct observed *o, struct err *err)
{
	const struct process *process = process_of(o);
	int rc = armed_new(&o->armed, kern_of(o), o->config.slot, process, &o->plan, go_of(o), err);

	if (!rc)
		rc = armed_add(o->armed, &o->plan, process->exe_path, go_of(o), err);
	if (!rc)
		rc = MIN(arm_plugins(o, err), 0);
	if (!rc)
		o->costs = costs_of(armed_classes(o->armed), &o->config.ground->cost, o->others);
	return rc;
}

/* All but gc, whose facts make sense only as a whole: a stop of the world takes far longer than its
 * probes. Groups that the program itself has no function of, too: a plugin may have. */
static int start_governor(struct observed *o, struct err *err)
{
	const struct duty_config config = {
		.kern = kern_of(o),
		.breakers = o->config.ground->breakers,
		.crew = o->config.ground->crew,
		.slot = o->config.slot,
		.armed = o->armed,
		.process = process_of(o),
		.governor = { .budget = o->config.budget,
			      .cpus = (u32)kern_cpus(),
			      .seed = now_monotonic_ns(),
			      .rare = { [PROBE_MAP_GROW] = true, [PROBE_FAULT] = true } },
		.costs = o->costs,
		.groups = {
			[PROBE_MAP_WRITE] = o->config.groups.want[PROBE_MAP_WRITE],
			[PROBE_MAP_GROW] = o->config.groups.want[PROBE_MAP_GROW],
			[PROBE_GOROUTINE] = o->config.groups.want[PROBE_GOROUTINE],
			[PROBE_FAULT] = o->config.groups.want[PROBE_FAULT],
		},
	};
	int rc;

	if (o->config.budget <= 0)
		return 0;
	rc = duty_start(&o->duty, &config, err);
	sampler_set_duty(o->sampler, o->duty);
	return rc;
}

/* Observed time begins when all breakpoints stand. */
static int begin(struct observed *o, struct err *err)
{
	int rc = make_plan(o, err);

	if (rc)
		return rc;
	waits_start(&o->waits, process_of(o));
	rc = open_sampler(o, err);
	if (!rc)
		rc = open_census(o, err);
	if (!rc)
		rc = open_armed(o, err);
	if (!rc)
		rc = armed_attach_all(o->armed, err);
	if (!rc)
		rc = start_governor(o, err);
	if (!rc)
		rc = open_watch(o, err);
	/* Without a baseline `live` is unknown, and said to be. */
	if (!rc)
		(void)sampler_baseline(o->sampler, NULL);
	return rc;
}

int observed_new(struct observed **ret, const struct observed_config *config, struct err *err)
{
	CLEANUP(observed_freep) struct observed *o = calloc(1, sizeof(*o));
	int rc;

	if (!o)
		return err_set(err, -ENOMEM, "out of memory");
	o->config = *config;
	o->names = target_names(config->target);
	o->image = process_image(process_of(o));
	rc = begin(o, err);
	if (!rc)
		*ret = TAKE_PTR(o);
	return rc;
}

static void feed(struct observed *o, const struct event *event)
{
	(void)watch_event(o->watch, event);
	o->config.event(o->config.arg, o, event);
}

void observed_set_others(struct observed *o, u32 others)
{
	o->others = others;
}

void observed_set_budget(struct observed *o, double budget)
{
	if (!o->duty || budget <= 0)
		return;
	o->config.budget = budget;
	duty_set_budget(o->duty, budget);
}

double observed_budget(const struct observed *o)
{
	return o->config.budget;
}

void observed_set_rules(struct observed *o, const struct ruleset *rules, bool dry_run, u64 now_ns)
{
	struct rules next;

	o->config.rules = rules;
	o->config.dry_run = dry_run;
	choose_rules(o, &next);
	watch_change_rules(o->watch, &next, now_ns);
}

void observed_recall(struct observed *o, u64 now_ns, const char *why)
{
	watch_recall(o->watch, now_ns, why);
}

void observed_record(struct observed *o, const void *record, size_t size)
{
	struct event event;

	if (event_decode(record, size, &o->names, &event)) {
		o->refused++;
		return;
	}
	waits_fill(&o->waits, &event);
	feed(o, &event);
}

static struct event event_of(const struct observed *o, enum event_kind kind, u64 time_ns)
{
	return (struct event) { .kind = kind, .time_ns = time_ns, .pid = (u32)process_of(o)->pid };
}

static bool is_replaced(const struct observed *o)
{
	u64 image = process_image(process_of(o));

	return image && image != o->image;
}

void observed_wake(struct observed *o, u64 now_ns)
{
	struct event event = event_of(o, EVENT_CENSUS, now_ns);

	if (!o->rounds || !census_rounds_due(o->rounds, now_ns) ||
	    census_rounds_take(o->rounds, &event.time_ns, &event.census))
		return;
	/* After an exec it says nothing, and the next tick tells of that. */
	if (!is_replaced(o))
		feed(o, &event);
}

/* Maps that the model follows are told of although others are busier. */
static void want_maps(struct observed *o)
{
	const struct gomaps *maps = model_gomaps(watch_model(o->watch));
	struct map_key keys[MODEL_MAPS];

	sampler_want_maps(o->sampler, keys, gomaps_keys(maps, keys, MODEL_MAPS));
}

static int take_sample(struct observed *o, u64 now_ns, struct err *err)
{
	struct event event = event_of(o, EVENT_SAMPLE, now_ns);
	int rc;

	want_maps(o);
	rc = sampler_take(o->sampler, now_ns, &event.sample, err);
	if (rc)
		return rc;
	event.sample.lost_decode = o->refused;
	event.sample.lost_missed += o->unseen;
	o->sample = event.sample;
	feed(o, &event);
	return 0;
}

/* That a plugin ran without its probes makes the figures lower bounds; how much it did nobody
 * knows. */
static void look_for_plugins(struct observed *o)
{
	int rc = arm_plugins(o, NULL);

	o->unseen += plugins_unprobed(&o->plugins) + (rc > 0 ? (u64)rc : 0);
}

int observed_tick(struct observed *o, u64 now_ns, struct window *ret, struct err *err)
{
	int rc;

	look_for_plugins(o);
	o->costs = costs_of(armed_classes(o->armed), &o->config.ground->cost, o->others);
	if (o->duty)
		duty_set_costs(o->duty, &o->costs);
	rc = take_sample(o, now_ns, err);
	if (rc)
		return rc;
	watch_tick(o->watch, now_ns, ret);
	waits_tick(&o->waits);
	return is_replaced(o);
}

static void stop_governors(struct observed *const *o, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (o[i]->duty)
			duty_stop_soon(o[i]->duty);
	for (size_t i = 0; i < count; i++)
		if (o[i]->duty)
			duty_stop(o[i]->duty);
}

u64 observed_detach_together(struct observed *const *o, size_t count)
{
	struct armed *armed[WIRE_MAX_TARGETS];
	u64 now_ns;

	stop_governors(o, count);
	now_ns = now_monotonic_ns();
	for (size_t i = 0; i < count; i++) {
		armed[i] = o[i]->armed;
		armed_stop_counting(armed[i]);
	}
	armed_detach_together(armed, count);
	for (size_t i = 0; i < count; i++)
		sampler_last(o[i]->sampler);
	return now_ns;
}

u64 observed_detach(struct observed *o)
{
	return observed_detach_together(&o, 1);
}

void observed_end(struct observed *o, u64 now_ns)
{
	const struct event exited = event_of(o, EVENT_EXIT, now_ns);

	feed(o, &exited);
}

const struct attached_info *observed_describe(struct observed *o, u64 now_ns)
{
	struct description *d = &o->description;

	describe_plan(go_of(o)->bin, &o->plan, go_of(o)->bias, process_of(o)->exe,
		      &o->config.ground->cost, d);
	describe_missing(go_of(o), &o->config.groups, d);
	describe_plugins(&o->plugins, d);
	describe_cost(&o->config.ground->cost, o->config.budget, d);
	d->info.pid = (u32)process_of(o)->pid;
	d->info.time_ns = now_ns;
	return &d->info;
}

void observed_summary(struct observed *o, u64 now_ns, struct summary *ret)
{
	top_sites_find(&o->sample, &o->names, &o->top);
	*ret = (struct summary) {
		.map_sites = o->top.map_sites,
		.map_site_count = o->top.map_site_count,
		.maps = o->top.maps,
		.map_count = o->top.map_count,
		.go_sites = o->top.go_sites,
		.go_site_count = o->top.go_site_count,
		.census_failure = o->rounds ? census_rounds_failure(o->rounds) : NULL,
		.budget_failure = observed_budget_failure(o),
	};
	watch_summary(o->watch, now_ns, &ret->total);
	top_sites_others(ret);
}

const struct target *observed_target(const struct observed *o)
{
	return o->config.target;
}

const struct watch *observed_watch(const struct observed *o)
{
	return o->watch;
}

const struct names *observed_names(const struct observed *o)
{
	return &o->names;
}

const struct metrics_rule *observed_rules(const struct observed *o)
{
	return o->fired;
}

const char *observed_budget_failure(const struct observed *o)
{
	return o->duty ? duty_failure(o->duty) : NULL;
}
