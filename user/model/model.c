/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/model.h"

#include <errno.h>
#include <stdlib.h>

#include "model/totals.h"

/* Everything cumulative, at one moment; a window is what lies between two of them. */
struct mark {
	u64 time_ns;
	struct totals counted;
	struct gc_totals gc;
	u64 fault_records;
};

struct model {
	struct model_config config;
	const struct names *names;
	struct growth *growth;
	struct gc *gc;
	struct hot_sites *gosites;
	struct census_sites *census_sites;
	struct gomaps *maps;
	struct hot_sites *write_sites;
	struct mark_growths *mark_growths;
	struct totals last;	 /* the last sample */
	struct mark now, ticked; /* now.time_ns is not used */
	u64 heap_live_bytes, heap_goal_bytes;
	s64 live;	/* -1: unknown */
	u64 live_error; /* live may be off by as many */
	s64 goroutine_growth;
	bool growth_base_known;
	s64 growth_base; /* live goroutines when there was no growth */
};

static void set_default_limits(struct model_config *config)
{
	if (!config->growth_limits.maps)
		config->growth_limits.maps = MODEL_GROWING_MAPS;
	if (!config->growth_limits.sites)
		config->growth_limits.sites = MODEL_GROWTH_SITES;
	if (!config->go_site_limit)
		config->go_site_limit = MODEL_GO_SITES;
	if (!config->map_limit)
		config->map_limit = MODEL_MAPS;
}

struct model *model_new(const struct model_config *config, const struct names *names)
{
	CLEANUP(model_freep) struct model *model = calloc(1, sizeof(*model));

	if (!model)
		return NULL;
	model->config = *config;
	set_default_limits(&model->config);
	model->names = names;
	model->live = -1;
	model->ticked.time_ns = config->attach_ns;
	model->growth = growth_new(&model->config.growth_limits);
	model->gc = gc_new();
	model->gosites = gosites_new(model->config.go_site_limit);
	model->census_sites = census_sites_new();
	model->maps = gomaps_new(model->config.map_limit, config->map_write_partial);
	model->write_sites = write_sites_new(MODEL_WRITE_SITES);
	model->mark_growths = mark_growths_new();
	if (!model->growth || !model->gc || !model->gosites || !model->census_sites ||
	    !model->maps || !model->write_sites || !model->mark_growths)
		return NULL;
	return TAKE_PTR(model);
}

void model_free(struct model *model)
{
	if (!model)
		return;
	growth_free(model->growth);
	gc_free(model->gc);
	hot_sites_free(model->gosites);
	census_sites_free(model->census_sites);
	gomaps_free(model->maps);
	hot_sites_free(model->write_sites);
	mark_growths_free(model->mark_growths);
	free(model);
}

/* The baseline was taken when the sample's own counts were zero, so they go together. */
static s64 live_goroutines(const struct event_sample *sample, const struct totals *counted)
{
	s64 live = sample->goroutine_baseline + (s64)counted->created - (s64)counted->exited;

	if (sample->goroutine_live_read)
		return sample->goroutine_live;
	return sample->goroutine_baseline < 0 ? -1 : MAX(live, 0);
}

/* Estimates of created and exited drift apart; where the live ones are read, they tell. */
static s64 growth_of_goroutines(struct model *model, const struct event_sample *sample)
{
	s64 counted = (s64)model->now.counted.created - (s64)model->now.counted.exited;

	if (!sample->goroutine_live_read) {
		model->growth_base_known = model->live >= 0;
		model->growth_base = model->live - counted;
		return counted;
	}
	if (!model->growth_base_known)
		model->growth_base = model->live - counted;
	model->growth_base_known = true;
	return model->live - model->growth_base;
}

static int feed_sample(struct model *model, u64 time_ns, const struct event_sample *sample)
{
	struct totals now = totals_of_sample(sample);
	int err = 0;

	totals_advance(&model->now.counted, &model->last, &now);
	model->last = now;
	model->heap_live_bytes = sample->heap_live_bytes;
	model->heap_goal_bytes = sample->heap_goal_bytes;
	model->live = live_goroutines(sample, &now);
	model->live_error = sample->goroutine_live_read ? 0 : sample->goroutine_baseline_error;
	model->goroutine_growth = growth_of_goroutines(model, sample);
	if (gomaps_update(model->maps, time_ns, sample))
		err = -ENOMEM;
	if (write_sites_update(model->write_sites, time_ns, sample))
		err = -ENOMEM;
	return gosites_update(model->gosites, time_ns, sample) ? -ENOMEM : err;
}

static int feed_growth(struct model *model, u64 time_ns, const struct event_map_grow *grow)
{
	int err = growth_add(model->growth, time_ns, grow);
	u64 site = err ? 0 : growth_last_map(model->growth)->site;

	mark_growths_grow(model->mark_growths, time_ns, grow, site);
	return err ? err : gomaps_grew(model->maps, grow, site);
}

static void feed_gc_end(struct model *model, const struct event *event)
{
	const struct event_gc_end *end = &event->gc_end;

	gc_end(model->gc, event->time_ns, end);
	mark_growths_end(model->mark_growths, gc_last_cycle(model->gc));
	if (end->have >> WIRE_GC_HEAP_LIVE & 1)
		model->heap_live_bytes = end->word[WIRE_GC_HEAP_LIVE];
	if (end->have >> WIRE_GC_NEXT_GOAL & 1)
		model->heap_goal_bytes = end->word[WIRE_GC_NEXT_GOAL];
}

static void feed_gc_start(struct model *model, u64 time_ns)
{
	gc_start(model->gc, time_ns);
	mark_growths_start(model->mark_growths);
}

int model_feed(struct model *model, const struct event *event)
{
	switch (event->kind) {
	case EVENT_SAMPLE:
		return feed_sample(model, event->time_ns, &event->sample);
	case EVENT_MAP_GROW:
		return feed_growth(model, event->time_ns, &event->map_grow);
	case EVENT_STOP:
		gc_stopped(model->gc, event->time_ns, &event->stop);
		return 0;
	case EVENT_GC_START:
		feed_gc_start(model, event->time_ns);
		return 0;
	case EVENT_GC_END:
		feed_gc_end(model, event);
		return 0;
	case EVENT_FAULT:
		model->now.fault_records++;
		return 0;
	case EVENT_CENSUS:
		return census_sites_update(model->census_sites, event->time_ns, &event->census);
	case EVENT_EXIT:
	case EVENT_RESTART:
		return 0;
	}
	return 0;
}

static double per_second(u64 count, double seconds)
{
	return seconds > 0 ? (double)count / seconds : 0;
}

/* The worst of what was lost and of how the group's counts were obtained. */
static enum accuracy accuracy(const struct totals *t, enum wire_group group, bool lost)
{
	return lost ? ACCURACY_LOWER_BOUND : totals_accuracy(t, group);
}

static struct window_map window_map(const struct totals *t, double seconds)
{
	/* Counts are kept apart from records, so a full ring costs them nothing. */
	bool lost = t->lost.missed || t->lost.read;
	struct window_map map = {
		.writes = totals_map_writes(t),
		.deletes = totals_map_deletes(t),
		.clears = t->hits[WIRE_FN_MAPCLEAR],
		.grows = t->grows,
		.moved = t->moved,
		.grows_unrecorded = t->grows_unrecorded,
		.grows_per_s = per_second(t->grows, seconds),
		.moved_per_s = per_second(t->moved, seconds),
		.accuracy = accuracy(t, WIRE_GROUP_MAP_WRITE, lost),
		.grows_accuracy = accuracy(t, WIRE_GROUP_MAP_GROW, lost),
	};
	double all_per_s = per_second(map.writes + map.deletes + map.clears, seconds);

	map.writes_per_s = per_second(map.writes, seconds);
	map.deletes_per_s = per_second(map.deletes, seconds);
	map.writes_error_per_s =
		totals_rate_error(t, WIRE_GROUP_MAP_WRITE, seconds, map.writes_per_s, all_per_s);
	map.deletes_error_per_s =
		totals_rate_error(t, WIRE_GROUP_MAP_WRITE, seconds, map.deletes_per_s, all_per_s);
	return map;
}

static struct window_gc window_gc(const struct model *model, const struct totals *t,
				  const struct gc_totals *before, const struct hist *pauses)
{
	const struct gc_totals now = gc_totals(model->gc);

	return (struct window_gc){
		.cycles = t->hits[WIRE_FN_MARK_TERMINATION],
		.forced = now.forced - before->forced,
		.pauses = now.pauses - before->pauses,
		.pause = {
			.p50_ns = hist_quantile(pauses, 0.5),
			.p99_ns = hist_quantile(pauses, 0.99),
			.max_ns = hist_max(pauses),
			.total_ns = now.pause_ns > before->pause_ns ?
					    now.pause_ns - before->pause_ns : 0,
		},
		.other_stops = now.other_stops - before->other_stops,
		.other_stop_ns = now.other_stop_ns - before->other_stop_ns,
		.heap_live_bytes = model->heap_live_bytes,
		.heap_goal_bytes = model->heap_goal_bytes,
	};
}

static struct window_goroutine window_goroutine(const struct model *model, const struct totals *t,
						double seconds)
{
	/* A few unattributed are those made between two reads; with a loss they have no site. */
	bool lost = t->lost.missed || t->lost.read || t->lost.table;
	double per_s = per_second(t->created, seconds);

	return (struct window_goroutine) {
		.live = model->live,
		.live_error = model->live_error,
		.created = t->created,
		.exited = t->exited,
		.created_per_s = per_s,
		.created_error_per_s = totals_rate_error(t, WIRE_GROUP_GOROUTINE, seconds, per_s,
							 per_s + per_second(t->exited, seconds)),
		.accuracy = accuracy(t, WIRE_GROUP_GOROUTINE, lost),
	};
}

static struct window_cost window_cost(const struct model *model, const struct totals *t,
				      double seconds)
{
	struct window_cost cost = {
		.hits = t->raw_hits,
		.regrown = t->regrown,
		.foreign = t->foreign,
		.probe_ns = t->probe_ns,
		.target_cpu_pct = seconds > 0 ? t->probe_ns / (seconds * 1e9) * 100 : 0,
		.known = model->config.cost_known,
	};

	for (size_t g = 0; g < WIRE_GROUPS; g++)
		cost.duty[g] = 1 - totals_gap(t, (enum wire_group)g, seconds);
	return cost;
}

static void window_between(const struct model *model, const struct mark *from, u64 now_ns,
			   const struct hist *pauses, struct window *ret)
{
	const struct model_config *config = &model->config;
	struct totals t = totals_since(&model->now.counted, &from->counted);
	u64 records = model->now.fault_records - from->fault_records;
	double seconds = now_ns > from->time_ns ? (double)(now_ns - from->time_ns) / 1e9 : 0;

	*ret = (struct window) {
		.pid = config->pid,
		.start_ns = MIN(from->time_ns, now_ns),
		.end_ns = now_ns,
		.seconds = seconds,
		.map = window_map(&t, seconds),
		.gc = window_gc(model, &t, &from->gc, pauses),
		.goroutine = window_goroutine(model, &t, seconds),
		.cost = window_cost(model, &t, seconds),
		.lost = t.lost,
		.has_map_write = config->has_map_write,
		.has_map_grow = config->has_map_grow,
		.has_gc = config->has_gc,
		.has_goroutine = config->has_goroutine,
		.has_fault = config->has_fault,
		/* A fault that ends the process leaves its record before the next sample. */
		.faults = MAX(totals_faults(&t), records),
	};
}

void model_tick(struct model *model, u64 now_ns, struct window *ret)
{
	u64 reported_ns = model->ticked.gc.pause_ns;

	window_between(model, &model->ticked, now_ns, gc_window_pauses(model->gc), ret);
	gc_window_done(model->gc);
	model->now.gc = gc_totals(model->gc);
	model->ticked = model->now;
	model->ticked.time_ns = now_ns;
	/* What a correction took back is kept from the next windows, so they sum up to the total.
	 */
	model->ticked.gc.pause_ns = MAX(model->ticked.gc.pause_ns, reported_ns);
}

void model_summary(const struct model *model, u64 now_ns, struct window *ret)
{
	const struct mark attach = { .time_ns = model->config.attach_ns };

	window_between(model, &attach, now_ns, gc_pauses(model->gc), ret);
}

u64 model_generation(const struct model *model)
{
	return model->config.generation;
}

const struct names *model_names(const struct model *model)
{
	return model->names;
}

const struct growth *model_growth(const struct model *model)
{
	return model->growth;
}

const struct gc *model_gc(const struct model *model)
{
	return model->gc;
}

const struct hot_sites *model_gosites(const struct model *model)
{
	return model->gosites;
}

const struct census_sites *model_census_sites(const struct model *model)
{
	return model->census_sites;
}

const struct gomaps *model_gomaps(const struct model *model)
{
	return model->maps;
}

const struct hot_sites *model_write_sites(const struct model *model)
{
	return model->write_sites;
}

const struct mark_growths *model_mark_growths(const struct model *model)
{
	return model->mark_growths;
}

u64 model_heap_live_bytes(const struct model *model)
{
	return model->heap_live_bytes;
}

u64 model_heap_goal_bytes(const struct model *model)
{
	return model->heap_goal_bytes;
}

s64 model_goroutine_growth(const struct model *model)
{
	return model->goroutine_growth;
}
