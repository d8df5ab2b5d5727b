/* SPDX-License-Identifier: BSD-2-Clause */
#include "alert/watch.h"

#include <errno.h>

#include "alert/engine.h"

/* What is left of an interval as the observation ends, of the window before: in a millisecond
 * nothing happens, and that what fires is over would be wrong. */
#define LEAST_WINDOW 0.25

struct watch {
	struct watch_config config;
	struct model *model;
	struct detect *detect;
	struct engine *engine;
	double seconds; /* of the last window; 0: there was none */
};

static void on_finding(void *arg, size_t detector, const struct finding *finding)
{
	struct watch *watch = arg;

	engine_judge(watch->engine, detector, finding);
}

static void explain(void *arg, size_t detector, const struct finding *finding,
		    struct explanation *ret)
{
	const struct watch *watch = arg;

	detect_explain(watch->detect, detector, finding, ret);
}

/* The engine knows the target by its PID only. */
static void on_alert(void *arg, const struct alert *alert)
{
	const struct watch *watch = arg;
	struct alert named = *alert;

	named.exe = watch->config.exe;
	named.module = watch->config.module;
	named.placement = watch->config.placement;
	watch->config.alert(watch->config.arg, &named);
}

/* What is known of one image of the target. */
static int begin(struct watch *watch)
{
	CLEANUP(model_freep)
	struct model *model = model_new(&watch->config.model, watch->config.names);
	struct detect *detect = model ? detect_new(model, on_finding, watch) : NULL;

	if (!detect)
		return -ENOMEM;
	detect_free(watch->detect);
	model_free(watch->model);
	watch->detect = detect;
	watch->model = TAKE_PTR(model);
	return 0;
}

struct watch *watch_new(const struct watch_config *config)
{
	CLEANUP(watch_freep) struct watch *watch = calloc(1, sizeof(*watch));
	struct engine_config engine = {
		.pid = config->model.pid,
		.rules = config->rules ? config->rules : rules_default(),
		.explain = explain,
		.explain_arg = watch,
		.alert = on_alert,
		.alert_arg = watch,
	};

	if (!watch)
		return NULL;
	watch->config = *config;
	watch->engine = engine_new(&engine);
	if (!watch->engine || begin(watch))
		return NULL;
	return TAKE_PTR(watch);
}

void watch_free(struct watch *watch)
{
	if (!watch)
		return;
	engine_free(watch->engine);
	detect_free(watch->detect);
	model_free(watch->model);
	free(watch);
}

static int restart(struct watch *watch, u64 time_ns)
{
	engine_restart(watch->engine, time_ns, "the process was restarted");
	watch->config.model.generation++;
	watch->config.model.attach_ns = time_ns;
	return begin(watch);
}

int watch_event(struct watch *watch, const struct event *event)
{
	int err;

	if (event->kind == EVENT_RESTART)
		return restart(watch, event->time_ns);
	err = model_feed(watch->model, event);
	detect_event(watch->detect, event);
	if (event->kind == EVENT_EXIT)
		engine_end(watch->engine, event->time_ns, "the process exited");
	return err;
}

void watch_change_rules(struct watch *watch, const struct rules *next, u64 now_ns)
{
	engine_change_rules(watch->engine, next, now_ns);
}

void watch_recall(struct watch *watch, u64 now_ns, const char *why)
{
	engine_restart(watch->engine, now_ns, why);
}

void watch_tick(struct watch *watch, u64 now_ns, struct window *ret)
{
	double before_s = watch->seconds;

	model_tick(watch->model, now_ns, ret);
	watch->seconds = ret->seconds;
	if (ret->seconds >= before_s * LEAST_WINDOW)
		detect_tick(watch->detect, ret);
}

/* What bounded tables had no room for: maps and their sites, also within a mark phase, creation
 * sites, alerts. */
static u64 table_losses(const struct watch *watch)
{
	return growth_evicted(model_growth(watch->model)) +
	       mark_growths_evicted(model_mark_growths(watch->model)) +
	       hot_sites_refused(model_gosites(watch->model)) +
	       census_sites_left_out(model_census_sites(watch->model)) +
	       gomaps_evicted(model_gomaps(watch->model)) +
	       hot_sites_refused(model_write_sites(watch->model)) + engine_refused(watch->engine);
}

void watch_summary(const struct watch *watch, u64 now_ns, struct window *ret)
{
	model_summary(watch->model, now_ns, ret);
	ret->alerts = engine_fired(watch->engine);
	ret->evicted = table_losses(watch);
}

const struct model *watch_model(const struct watch *watch)
{
	return watch->model;
}
