/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known of one target, built from its events alone: time comes with
 * them, nothing is asked of the system. Memory is bounded by the limits.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <stdbool.h>

#include "base/macros.h"
#include "event/event.h"
#include "event/names.h"
#include "model/census_sites.h"
#include "model/gc.h"
#include "model/gosites.h"
#include "model/growth.h"
#include "model/gomaps.h"
#include "model/mark_growth.h"
#include "model/window.h"
#include "model/write_sites.h"

struct model_config {
	u32 pid;
	u64 attach_ns;	/* CLOCK_MONOTONIC; the first window begins here */
	u64 generation; /* how many images of the target came before */
	bool has_map_write, has_map_grow, has_gc, has_goroutine,
		has_fault;	/* groups that are armed */
	bool map_write_partial; /* not every function of that group could be probed */
	bool cost_known;	/* ns per hit is known, so a sample's probe_ns means something */
	struct growth_limits growth_limits; /* zeros: MODEL_GROWING_MAPS, MODEL_GROWTH_SITES */
	size_t go_site_limit;		    /* 0: MODEL_GO_SITES */
	size_t map_limit;		    /* 0: MODEL_MAPS */
};

enum {
	MODEL_GROWING_MAPS = 1024,
	MODEL_GROWTH_SITES = 256,
	MODEL_GO_SITES = 4096,
	MODEL_MAPS = 192,
	MODEL_WRITE_SITES = WIRE_MAX_SITES,
};

struct model;

/* names is borrowed and must outlive the model. NULL: out of memory. */
struct model *model_new(const struct model_config *config, const struct names *names);
void model_free(struct model *model);
DEFINE_FREEP(struct model, model_free)

/*
 * Takes in one event of this target; what it points to may go afterwards.
 * Returns 0, or -ENOMEM: a table lacks it, the counters don't.
 */
int model_feed(struct model *model, const struct event *event);

/* What happened since the last tick, or since attach. The sample of this tick must have been fed.
 */
void model_tick(struct model *model, u64 now_ns, struct window *ret);

/* The totals since attach. Changes nothing. */
void model_summary(const struct model *model, u64 now_ns, struct window *ret);

u64 model_generation(const struct model *model);
const struct names *model_names(const struct model *model);
const struct growth *model_growth(const struct model *model);
const struct gc *model_gc(const struct model *model);
const struct hot_sites *model_gosites(const struct model *model);
const struct census_sites *model_census_sites(const struct model *model);
const struct gomaps *model_gomaps(const struct model *model);
const struct hot_sites *model_write_sites(const struct model *model);
const struct mark_growths *model_mark_growths(const struct model *model);

/* Of the last sample; 0: unknown. */
u64 model_heap_live_bytes(const struct model *model);
u64 model_heap_goal_bytes(const struct model *model);

/* created - exited since attach, without the runtime's own; live but for the baseline. */
s64 model_goroutine_growth(const struct model *model);

#endif
