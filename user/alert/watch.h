/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One target watched: its model, the detectors on it, and the rules that judge
 * them. Feed every event, then tick; alerts come out of the callback, those of
 * an event before watch_event() returns.
 */
#ifndef ALERT_WATCH_H
#define ALERT_WATCH_H

#include "alert/alert.h"
#include "alert/rules.h"
#include "base/macros.h"
#include "event/event.h"
#include "event/names.h"
#include "model/model.h"

struct watch;

struct watch_config {
	struct model_config model;
	const char *exe, *module; /* as in struct alert; borrowed */
	struct placement placement;
	const struct names *names; /* borrowed */
	const struct rules *rules; /* NULL: rules_default(); as the engine takes them */
	alert_fn alert;
	void *arg;
};

/* NULL: out of memory. */
struct watch *watch_new(const struct watch_config *config);
void watch_free(struct watch *watch);
DEFINE_FREEP(struct watch, watch_free)

/*
 * Events of this target only. EVENT_EXIT resolves what is firing; EVENT_RESTART too, and then all
 * begins anew with the next generation, totals included. Returns as model_feed().
 */
int watch_event(struct watch *watch, const struct event *event);

/* As engine_change_rules() and engine_restart(): what is known of the target stays. */
void watch_change_rules(struct watch *watch, const struct rules *next, u64 now_ns);
void watch_recall(struct watch *watch, u64 now_ns, const char *why);

/* What happened since the last tick; the tick's EVENT_SAMPLE must have been given before. Judged,
 * unless it is far shorter than the window before: such is what an observation ends with. */
void watch_tick(struct watch *watch, u64 now_ns, struct window *ret);

/* The totals since attach, with the alerts raised. */
void watch_summary(const struct watch *watch, u64 now_ns, struct window *ret);

const struct model *watch_model(const struct watch *watch);

#endif
