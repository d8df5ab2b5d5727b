/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/json.h"

#include <errno.h>

#include "base/macros.h"
#include "event/stack.h"
#include "gobin/probeset.h"
#include "output/gctrace.h"
#include "output/json_build.h"
#include "output/names.h"

enum { NAME_BYTES = 1024 }; /* of a frame or a type; longer ones are cut */

static void put_probe(struct json_build *b, json_t *probes, const struct attached_probe *probe)
{
	json_t *obj = json_append_object(b, probes);

	json_put_text(b, obj, "group", probe->group);
	json_put_text(b, obj, "function", probe->function);
	json_put_hex(b, obj, "address", probe->address);
	json_put_u64(b, obj, "offset", probe->offset);
	json_put_hex(b, obj, "site", probe->address + probe->offset);
	json_put_text(b, obj, "class", probe->class);
	json_put_u64_if(b, obj, "ns", probe->ns > 0, (u64)(probe->ns + 0.5));
	json_put_text_if(b, obj, "reason", probe->reason != NULL, probe->reason);
}

static void put_omission(struct json_build *b, json_t *omitted,
			 const struct attached_omission *omission)
{
	json_t *obj = json_append_object(b, omitted);

	json_put_text(b, obj, "function", omission->function);
	json_put_text(b, obj, "reason", omission->reason);
}

static void put_facts(struct json_build *b, const struct attached_info *info)
{
	json_t *list = json_put_array(b, b->root, "offsets"), *obj;

	for (size_t i = 0; i < info->offset_count; i++) {
		obj = json_append_object(b, list);
		json_put_text(b, obj, "field", info->offsets[i].name);
		json_put_u64(b, obj, "offset", info->offsets[i].value);
		json_put_text(b, obj, "how", info->offsets[i].how);
	}
	list = json_put_array(b, b->root, "variables");
	for (size_t i = 0; i < info->variable_count; i++) {
		obj = json_append_object(b, list);
		json_put_text(b, obj, "name", info->variables[i].name);
		json_put_hex(b, obj, "address", info->variables[i].value);
		json_put_text(b, obj, "how", info->variables[i].how);
	}
}

static void put_cost_of_hits(struct json_build *b, const struct attached_info *info)
{
	const struct attached_cost *c = &info->cost;
	json_t *obj;

	if (!info->has_budget)
		return;
	json_put_real_if(b, b->root, "budget_pct", info->budget_pct > 0, info->budget_pct);
	obj = json_put_object(b, b->root, "cost_ns");
	json_put_real_if(b, obj, "emulated", c->emulated_ns > 0, c->emulated_ns);
	json_put_real_if(b, obj, "optimised", c->optimised_ns > 0, c->optimised_ns);
	json_put_real_if(b, obj, "single-step", c->single_step_ns > 0, c->single_step_ns);
	json_put_real_if(b, obj, "lean", c->lean_ns > 0, c->lean_ns);
	json_put_real_if(b, obj, "stack", c->stack_ns > 0, c->stack_ns);
}

static void put_plugins(struct json_build *b, const struct attached_info *info)
{
	json_t *list = info->plugin_count ? json_put_array(b, b->root, "plugins") : NULL;

	for (size_t i = 0; i < info->plugin_count; i++) {
		json_t *obj = json_append_object(b, list);

		json_put_text(b, obj, "file", info->plugins[i].file);
		json_put_u64(b, obj, "probes", info->plugins[i].probes);
		json_put_u64(b, obj, "omitted", info->plugins[i].omitted);
	}
}

static void put_missing(struct json_build *b, const struct attached_info *info)
{
	json_t *list = json_put_array(b, b->root, "missing");

	for (size_t i = 0; i < info->missing_count; i++) {
		json_t *obj = json_append_object(b, list);

		json_put_text(b, obj, "what", info->missing[i].what);
		json_put_text(b, obj, "reason", info->missing[i].reason);
	}
}

int json_attached(FILE *out, const struct attached_info *info, const struct timebase *timebase)
{
	struct json_build b = json_build_start("attached");
	json_t *list;

	json_put_origin(&b, info->time_ns, timebase, info->pid);
	json_put_text(&b, b.root, "exe", info->exe);
	json_put_text(&b, b.root, "module", info->module);
	json_put_text(&b, b.root, "go", info->go);
	json_put_bool(&b, b.root, "stripped", info->stripped);
	json_put_bool(&b, b.root, "pie", info->pie);
	json_put_text(&b, b.root, "maps", info->swiss_maps ? "swiss" : "classic");
	list = json_put_array(&b, b.root, "probes");
	for (size_t i = 0; i < info->probe_count; i++)
		put_probe(&b, list, &info->probes[i]);
	list = json_put_array(&b, b.root, "omitted");
	for (size_t i = 0; i < info->omitted_count; i++)
		put_omission(&b, list, &info->omitted[i]);
	put_cost_of_hits(&b, info);
	put_plugins(&b, info);
	if (info->assumed)
		json_put_text(&b, b.root, "assumed", info->assumed);
	put_missing(&b, info);
	if (info->offsets)
		put_facts(&b, info);
	return json_build_finish(&b, out);
}

static void put_pauses(struct json_build *b, json_t *gc, const char *key, bool known,
		       const struct window_pauses *pause)
{
	json_t *obj = json_put_object(b, gc, key);

	json_put_u64_if(b, obj, "p50", known, pause->p50_ns);
	json_put_u64_if(b, obj, "p99", known, pause->p99_ns);
	json_put_u64_if(b, obj, "max", known, pause->max_ns);
	json_put_u64_if(b, obj, "total", known, pause->total_ns);
}

static void put_map(struct json_build *b, const struct window *w)
{
	json_t *obj = json_put_object(b, b->root, "map");
	bool write = w->has_map_write, grow = w->has_map_grow;

	json_put_u64_if(b, obj, "writes", write, w->map.writes);
	json_put_u64_if(b, obj, "deletes", write, w->map.deletes);
	json_put_u64_if(b, obj, "clears", write, w->map.clears);
	json_put_u64_if(b, obj, "grows", grow, w->map.grows);
	json_put_u64_if(b, obj, "moved", grow, w->map.moved);
	json_put_u64_if(b, obj, "grows_unrecorded", grow, w->map.grows_unrecorded);
	json_put_real_if(b, obj, "writes_per_s", write, w->map.writes_per_s);
	json_put_real_if(b, obj, "deletes_per_s", write, w->map.deletes_per_s);
	json_put_real_if(b, obj, "grows_per_s", grow, w->map.grows_per_s);
	json_put_real_if(b, obj, "moved_per_s", grow, w->map.moved_per_s);
	json_put_real_if(b, obj, "writes_error_per_s", write, w->map.writes_error_per_s);
	json_put_real_if(b, obj, "deletes_error_per_s", write, w->map.deletes_error_per_s);
	json_put_text_if(b, obj, "accuracy", write || grow,
			 accuracy_name(write ? w->map.accuracy : w->map.grows_accuracy));
	json_put_text_if(b, obj, "grows_accuracy", grow, accuracy_name(w->map.grows_accuracy));
}

static void put_gc(struct json_build *b, const struct window *w)
{
	json_t *obj = json_put_object(b, b->root, "gc");
	bool has = w->has_gc;

	json_put_u64_if(b, obj, "cycles", has, w->gc.cycles);
	json_put_u64_if(b, obj, "forced", has, w->gc.forced);
	json_put_u64_if(b, obj, "pauses", has, w->gc.pauses);
	put_pauses(b, obj, "pause_ns", has, &w->gc.pause);
	json_put_u64_if(b, obj, "other_stops", has, w->gc.other_stops);
	json_put_u64_if(b, obj, "other_stop_ns", has, w->gc.other_stop_ns);
	json_put_u64_if(b, obj, "heap_live_bytes", w->gc.heap_live_bytes != 0,
			w->gc.heap_live_bytes);
	json_put_u64_if(b, obj, "heap_goal_bytes", w->gc.heap_goal_bytes != 0,
			w->gc.heap_goal_bytes);
}

static void put_goroutine(struct json_build *b, const struct window *w)
{
	json_t *obj = json_put_object(b, b->root, "goroutine");
	bool has = w->has_goroutine;

	json_put_u64_if(b, obj, "live", w->goroutine.live >= 0, (u64)w->goroutine.live);
	json_put_u64_if(b, obj, "live_error", w->goroutine.live >= 0, w->goroutine.live_error);
	json_put_u64_if(b, obj, "created", has, w->goroutine.created);
	json_put_u64_if(b, obj, "exited", has, w->goroutine.exited);
	json_put_real_if(b, obj, "created_per_s", has, w->goroutine.created_per_s);
	json_put_real_if(b, obj, "created_error_per_s", has, w->goroutine.created_error_per_s);
	json_put_text_if(b, obj, "accuracy", has, accuracy_name(w->goroutine.accuracy));
}

/* One field per armed group: the share of the time that it was attached, times scale. */
static void put_groups(struct json_build *b, json_t *parent, const char *key,
		       const struct window *w, double scale)
{
	json_t *obj = json_put_object(b, parent, key);

	for (int g = 0; g < PROBE_GROUP_COUNT; g++)
		if (window_has(w, (enum wire_group)g))
			json_put_real(b, obj, probe_group_name((enum probe_group)g),
				      w->cost.duty[g] * scale);
}

static void put_cost(struct json_build *b, const struct window *w)
{
	json_t *obj = json_put_object(b, b->root, "cost");

	json_put_u64(b, obj, "hits", w->cost.hits);
	json_put_u64(b, obj, "regrown", w->cost.regrown);
	json_put_u64(b, obj, "foreign", w->cost.foreign);
	json_put_real_if(b, obj, "target_cpu_pct", w->cost.known, w->cost.target_cpu_pct);
	put_groups(b, obj, "duty", w, 1.0);
}

static void put_agent(struct json_build *b, const struct window *w)
{
	json_t *obj;

	if (!w->agent.rss_bytes)
		return;
	obj = json_put_object(b, b->root, "agent");
	json_put_real(b, obj, "cpu_pct", w->agent.cpu_pct);
	json_put_u64(b, obj, "rss_bytes", w->agent.rss_bytes);
}

static void put_lost(struct json_build *b, const struct window *w)
{
	json_t *obj = json_put_object(b, b->root, "lost");

	json_put_u64(b, obj, "ring", w->lost.ring);
	json_put_u64(b, obj, "read", w->lost.read);
	json_put_u64(b, obj, "table", w->lost.table);
	json_put_u64(b, obj, "missed", w->lost.missed);
	json_put_u64(b, obj, "decode", w->lost.decode);
}

static struct json_build start_window(const char *type, const struct window *w,
				      const struct timebase *timebase)
{
	struct json_build b = json_build_start(type);

	json_put_origin(&b, w->end_ns, timebase, w->pid);
	json_put_real(&b, b.root, "seconds", w->seconds);
	put_map(&b, w);
	put_gc(&b, w);
	put_goroutine(&b, w);
	json_put_u64_if(&b, b.root, "faults", w->has_fault, w->faults);
	put_cost(&b, w);
	put_lost(&b, w);
	put_agent(&b, w);
	return b;
}

int json_window(FILE *out, const struct window *window, const struct timebase *timebase)
{
	struct json_build b = start_window("window", window, timebase);

	return json_build_finish(&b, out);
}

static void put_map_site(struct json_build *b, json_t *list, const struct summary_map_site *site)
{
	json_t *obj = json_append_object(b, list);

	json_put_text(b, obj, "site", site->site);
	json_put_text(b, obj, "map_type", site->map_type);
	json_put_text(b, obj, "operation", site->deletes ? "delete" : "write");
	json_put_u64(b, obj, "count", site->count);
}

static void put_summary_map(struct json_build *b, json_t *list, const struct summary_map *map)
{
	json_t *obj = json_append_object(b, list);

	json_put_hex(b, obj, "map", map->map);
	json_put_text(b, obj, "map_type", map->map_type);
	json_put_u64(b, obj, "writes", map->writes);
	json_put_u64(b, obj, "deletes", map->deletes);
	json_put_u64_if(b, obj, "entries", map->entries_known, map->entries);
}

static void put_go_site(struct json_build *b, json_t *list, const struct summary_go_site *site)
{
	json_t *obj = json_append_object(b, list);

	json_put_text(b, obj, "site", site->site);
	json_put_text(b, obj, "start", site->start);
	json_put_u64(b, obj, "created", site->created);
	json_put_u64(b, obj, "exited", site->exited);
}

int json_summary(FILE *out, const struct summary *summary, const struct timebase *timebase)
{
	const struct window *total = &summary->total;
	struct json_build b = start_window("summary", total, timebase);
	json_t *list;

	put_groups(&b, b.root, "observed_s", total, total->seconds);
	json_put_u64(&b, b.root, "alerts", total->alerts);
	json_put_u64(&b, b.root, "alerts_lost", summary->alerts_lost);
	json_put_u64(&b, b.root, "evicted", total->evicted);
	if (summary->census_failure)
		json_put_text(&b, b.root, "census_failure", summary->census_failure);
	if (summary->budget_failure)
		json_put_text(&b, b.root, "budget_failure", summary->budget_failure);
	list = json_put_array(&b, b.root, "map_sites");
	for (size_t i = 0; i < summary->map_site_count; i++)
		put_map_site(&b, list, &summary->map_sites[i]);
	json_put_u64(&b, b.root, "map_sites_other", summary->other_map_operations);
	list = json_put_array(&b, b.root, "maps");
	for (size_t i = 0; i < summary->map_count; i++)
		put_summary_map(&b, list, &summary->maps[i]);
	json_put_u64(&b, b.root, "maps_other", summary->other_maps_operations);
	list = json_put_array(&b, b.root, "goroutine_sites");
	for (size_t i = 0; i < summary->go_site_count; i++)
		put_go_site(&b, list, &summary->go_sites[i]);
	return json_build_finish(&b, out);
}

static void put_stops(struct json_build *b, const struct gc_cycle *cycle)
{
	json_t *list = json_put_array(b, b->root, "pauses");

	for (size_t i = 0; i < MIN(cycle->stop_count, (size_t)GC_CYCLE_STOPS); i++) {
		const struct gc_stop *stop = &cycle->stops[i];
		bool split = stop->split_known;
		json_t *obj = json_append_object(b, list);

		json_put_text(b, obj, "reason", gc_stop_reason(stop));
		json_put_u64(b, obj, "stopping_ns", split ? stop->stopping_ns : 0);
		json_put_u64(b, obj, "stopped_ns", split ? stop->stopped_ns : stop->duration_ns);
		if (!split)
			json_put_text(b, obj, "split", "unknown");
	}
	if (cycle->stops_left_out)
		json_put_u64(b, b->root, "pauses_left_out", cycle->stops_left_out);
}

static void put_word(struct json_build *b, const char *key, const struct event_gc_end *words,
		     enum wire_gc_word word)
{
	json_put_u64_if(b, b->root, key, words->have >> word & 1, words->word[word]);
}

int json_gc(FILE *out, u32 pid, const struct gc_cycle *cycle, const struct timebase *timebase)
{
	const u64 marks = 1ULL << WIRE_GC_T_MARK | 1ULL << WIRE_GC_T_MARK_TERM;
	const struct event_gc_end *words = &cycle->end;
	struct json_build b = json_build_start("gc");
	char trace[GCTRACE_BUF];
	bool has_trace = gctrace_line(trace, words) == 0;

	json_put_origin(&b, cycle->end_ns, timebase, pid);
	put_word(&b, "number", words, WIRE_GC_NUMGC);
	if (words->have >> WIRE_GC_USER_FORCED & 1)
		json_put_bool(&b, b.root, "forced", words->word[WIRE_GC_USER_FORCED] != 0);
	else
		json_put_null(&b, b.root, "forced");
	json_put_u64_if(&b, b.root, "mark_ns", (words->have & marks) == marks,
			words->word[WIRE_GC_T_MARK_TERM] - words->word[WIRE_GC_T_MARK]);
	put_stops(&b, cycle);
	put_word(&b, "heap_start_bytes", words, WIRE_GC_HEAP0);
	put_word(&b, "heap_end_bytes", words, WIRE_GC_HEAP1);
	put_word(&b, "heap_live_bytes", words, WIRE_GC_HEAP2);
	put_word(&b, "heap_goal_bytes", words, WIRE_GC_HEAP_GOAL);
	put_word(&b, "assist_cpu_ns", words, WIRE_GC_ASSIST_NS);
	json_put_text_if(&b, b.root, "gctrace", has_trace, trace);
	return json_build_finish(&b, out);
}

static void put_stack(struct json_build *b, const struct event_stack *stack,
		      const struct names *names)
{
	json_t *list = json_put_array(b, b->root, "stack");
	struct stack_walk walk = stack_walk_start(names, *stack, STACK_OF_PROGRAM);
	char text[NAME_BYTES];

	while (stack_walk_next(&walk, text, sizeof(text)))
		json_append_text(b, list, text);
}

int json_map_grow(FILE *out, const struct event *event, const struct names *names,
		  const struct timebase *timebase)
{
	const struct event_map_grow *grow = &event->map_grow;
	struct json_build b;
	char type[NAME_BYTES];

	if (event->kind != EVENT_MAP_GROW)
		return -EINVAL;
	b = json_build_start("map_grow");
	names->type(names->arg, grow->type, type, sizeof(type));
	json_put_origin(&b, event->time_ns, timebase, event->pid);
	json_put_hex(&b, b.root, "map", grow->map);
	json_put_text(&b, b.root, "map_type", type);
	json_put_text(&b, b.root, "kind", output_grow_kind(grow->grow));
	json_put_u64(&b, b.root, "entries", grow->entries);
	json_put_u64(&b, b.root, "moved", grow->moved);
	json_put_u64(&b, b.root, "slots_before", grow->slots_before);
	json_put_u64(&b, b.root, "slots_after", grow->slots_after);
	json_put_u64(&b, b.root, "tombstones", grow->tombstones);
	json_put_bool(&b, b.root, "during_gc", grow->during_gc);
	put_stack(&b, &grow->stack, names);
	return json_build_finish(&b, out);
}

static void put_evidence(struct json_build *b, json_t *obj, const struct evidence *evidence)
{
	json_t *list;

	switch (evidence->kind) {
	case EVIDENCE_TEXT:
		json_put_text(b, obj, evidence->key, evidence->text);
		break;
	case EVIDENCE_NUMBER:
		json_put_real(b, obj, evidence->key, evidence->number);
		break;
	case EVIDENCE_LIST:
		list = json_put_array(b, obj, evidence->key);
		for (size_t i = 0; i < MIN(evidence->list_len, (size_t)EVIDENCE_LIST_MAX); i++)
			json_append_text(b, list, evidence->list[i]);
		break;
	}
}

/* Keys are there always, so that one can select by them. */
static void put_placement(struct json_build *b, const struct placement *at)
{
	json_put_text_if(b, b->root, "container", at->container && *at->container, at->container);
	json_put_text_if(b, b->root, "pod_uid", at->pod_uid && *at->pod_uid, at->pod_uid);
	json_put_text_if(b, b->root, "qos", at->qos && *at->qos, at->qos);
}

int json_alert(FILE *out, const struct alert *alert, const struct timebase *timebase)
{
	struct json_build b = json_build_start("alert");
	char since[CLOCK_BUF];
	json_t *obj;

	fmt_time_rfc3339(since, timebase_wall_ns(timebase, alert->since_ns));
	json_put_origin(&b, alert->time_ns, timebase, alert->pid);
	json_put_text(&b, b.root, "rule", alert->rule);
	json_put_text(&b, b.root, "state", output_alert_state(alert->state));
	json_put_text(&b, b.root, "severity", output_severity(alert->severity));
	json_put_real(&b, b.root, "value", alert->value);
	json_put_real(&b, b.root, "threshold", alert->threshold);
	json_put_text_if(&b, b.root, "unit", alert->unit != NULL, alert->unit);
	json_put_text(&b, b.root, "since", since);
	json_put_bool(&b, b.root, "dry_run", alert->dry_run);
	put_placement(&b, &alert->placement);
	if (alert->labels && alert->labels->count) {
		obj = json_put_object(&b, b.root, "labels");
		for (size_t i = 0; i < alert->labels->count; i++)
			json_put_text(&b, obj, alert->labels->label[i]->name,
				      alert->labels->label[i]->value);
	}
	json_put_text(&b, b.root, "summary", alert->summary);
	json_put_text(&b, b.root, "subject", alert->subject);
	json_put_text_if(&b, b.root, "advice", alert->advice[0] != '\0', alert->advice);
	obj = json_put_object(&b, b.root, "evidence");
	for (size_t i = 0; i < MIN(alert->evidence_len, (size_t)EVIDENCE_MAX); i++)
		put_evidence(&b, obj, &alert->evidence[i]);
	return json_build_finish(&b, out);
}
