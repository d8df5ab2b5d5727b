/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/text.h"

#include "base/macros.h"
#include "base/units.h"
#include "gobin/probeset.h"
#include "output/text_style.h"

/* Counts as a whole: whoever knows the truth compares every digit. */
static void print_count(struct text_output *t, const char *label, u64 count)
{
	fprintf(t->out, "  %-22s %14llu", label, count);
}

/* error_per_s: standard error of the rate; 0: none to tell. */
static void print_total(struct text_output *t, const char *label, u64 count, double per_s,
			double error_per_s, enum accuracy accuracy)
{
	char rate[UNITS_BUF];

	print_count(t, label, count);
	fprintf(t->out, "   %s/s, %s", fmt_count(rate, per_s), accuracy_name(accuracy));
	if (accuracy == ACCURACY_SAMPLED && per_s > 0)
		fprintf(t->out, " +/- %.1f %%", error_per_s / per_s * 100);
	fputc('\n', t->out);
}

static void print_maps(struct text_output *t, const struct window *w)
{
	const struct window_map *map = &w->map;
	if (w->has_map_write) {
		print_total(t, "map writes", map->writes, map->writes_per_s,
			    map->writes_error_per_s, map->accuracy);
		print_total(t, "map deletes", map->deletes, map->deletes_per_s,
			    map->deletes_error_per_s, map->accuracy);
	}
	if (w->has_map_grow) {
		print_total(t, "map growths", map->grows, map->grows_per_s, 0, map->grows_accuracy);
		print_total(t, "entries moved", map->moved, map->moved_per_s, 0,
			    map->grows_accuracy);
	}
}

static void print_pauses(struct text_output *t, const struct window_gc *gc)
{
	char n[4][UNITS_BUF];

	print_count(t, "gc cycles", gc->cycles);
	fprintf(t->out, "   %llu of them forced\n", gc->forced);
	print_count(t, "gc pauses", gc->pauses);
	fprintf(t->out, "   p50 %s, p99 %s, max %s, %s altogether\n",
		fmt_duration_ns(n[0], gc->pause.p50_ns), fmt_duration_ns(n[1], gc->pause.p99_ns),
		fmt_duration_ns(n[2], gc->pause.max_ns), fmt_duration_ns(n[3], gc->pause.total_ns));
	if (!gc->other_stops)
		return;
	print_count(t, "other stops", gc->other_stops);
	fprintf(t->out, "   %s altogether\n", fmt_duration_ns(n[0], gc->other_stop_ns));
}

static void print_heap(struct text_output *t, const struct window_gc *gc)
{
	char live[UNITS_BUF], goal[UNITS_BUF];

	if (!gc->heap_live_bytes)
		return;
	fprintf(t->out, "  %-22s %14s   goal %s\n", "heap at the end",
		fmt_bytes(live, (double)gc->heap_live_bytes),
		gc->heap_goal_bytes ? fmt_bytes(goal, (double)gc->heap_goal_bytes) : "unknown");
}

static void print_goroutines(struct text_output *t, const struct window *w)
{
	const struct window_goroutine *go = &w->goroutine;

	if (go->live >= 0) {
		print_count(t, "goroutines at the end", (u64)go->live);
		if (go->live_error)
			fprintf(t->out, "   +/- %llu: they ran while they were counted",
				go->live_error);
		fputc('\n', t->out);
	}
	if (!w->has_goroutine)
		return;
	print_total(t, "goroutines created", go->created, go->created_per_s,
		    go->created_error_per_s, go->accuracy);
	print_count(t, "goroutines exited", go->exited);
	fputc('\n', t->out);
}

static void print_lost(struct text_output *t, const struct window_lost *lost, u64 alerts)
{
	const struct {
		u64 count;
		const char *what;
	} rows[] = {
		{ lost->ring, "records, because the ring buffer was full" },
		{ lost->read, "facts, because a read of the target's memory faulted" },
		{ lost->table, "counts by site, because a table was full" },
		{ lost->missed, "hits that the kernel did not deliver" },
		{ lost->decode, "records, because they could not be understood" },
		{ alerts, "alerts, that did not reach a receiver" },
	};
	u64 sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		sum += rows[i].count;
		if (!rows[i].count)
			continue;
		fputs(text_colour(t, TEXT_YELLOW), t->out);
		print_count(t, "lost", rows[i].count);
		fprintf(t->out, "   %s%s\n", rows[i].what, text_colour(t, TEXT_PLAIN));
	}
	if (sum == 0)
		fprintf(t->out, "  %-22s %14s\n", "lost", "nothing");
}

/* Groups that were not attached all the time. */
static void print_duty(struct text_output *t, const struct window *w)
{
	for (int g = 0; g < PROBE_GROUP_COUNT; g++) {
		char label[TEXT_VALUE_BYTES];

		if (!window_has(w, (enum wire_group)g) || w->cost.duty[g] >= 1)
			continue;
		snprintf(label, sizeof(label), "%s attached",
			 probe_group_name((enum probe_group)g));
		fprintf(t->out, "  %-22s %13.2f%%   of the time, to keep the budget\n", label,
			w->cost.duty[g] * 100);
	}
}

static void print_cost(struct text_output *t, const struct window *w)
{
	char rss[UNITS_BUF];

	print_count(t, "probe hits", w->cost.hits);
	if (w->cost.known)
		fprintf(t->out, "   %.2f %% of one CPU, from the measured cost of a hit\n",
			w->cost.target_cpu_pct);
	else
		fputs("   cost unknown: not calibrated on this machine\n", t->out);
	print_duty(t, w);
	if (w->agent.rss_bytes)
		fprintf(t->out, "  %-22s %13.2f%%   of one CPU, %s resident\n", "gosonde itself",
			w->agent.cpu_pct, fmt_bytes(rss, (double)w->agent.rss_bytes));
}

static void print_map_sites(struct text_output *t, const struct summary *s)
{
	char site[TEXT_NAME_BYTES], type[TEXT_NAME_BYTES];

	if (s->map_site_count)
		fprintf(t->out, "%smap operations by call site%s\n", text_colour(t, TEXT_BOLD),
			text_colour(t, TEXT_PLAIN));
	for (size_t i = 0; i < s->map_site_count; i++)
		fprintf(t->out, "  %14llu  %-6s  %s  %s\n", s->map_sites[i].count,
			s->map_sites[i].deletes ? "delete" : "write",
			text_escape(site, sizeof(site), s->map_sites[i].site),
			text_escape(type, sizeof(type), s->map_sites[i].map_type));
	if (s->other_map_operations)
		fprintf(t->out, "  %14llu  of all other sites\n", s->other_map_operations);
}

static void print_maps_by_use(struct text_output *t, const struct summary *s)
{
	char type[TEXT_NAME_BYTES];

	if (s->map_count)
		fprintf(t->out, "%smap operations by map%s\n", text_colour(t, TEXT_BOLD),
			text_colour(t, TEXT_PLAIN));
	for (size_t i = 0; i < s->map_count; i++)
		fprintf(t->out, "  %14llu  writes, %llu deletes  0x%llx  %s\n", s->maps[i].writes,
			s->maps[i].deletes, s->maps[i].map,
			text_escape(type, sizeof(type), s->maps[i].map_type));
	if (s->other_maps_operations)
		fprintf(t->out, "  %14llu  of all other maps\n", s->other_maps_operations);
}

static void print_go_sites(struct text_output *t, const struct summary *s)
{
	char site[TEXT_NAME_BYTES], start[TEXT_NAME_BYTES];

	if (s->go_site_count)
		fprintf(t->out, "%sgoroutines by creation site%s\n", text_colour(t, TEXT_BOLD),
			text_colour(t, TEXT_PLAIN));
	for (size_t i = 0; i < s->go_site_count; i++)
		fprintf(t->out, "  %14llu created, %llu exited  %s  runs %s\n",
			s->go_sites[i].created, s->go_sites[i].exited,
			text_escape(site, sizeof(site), s->go_sites[i].site),
			text_escape(start, sizeof(start), s->go_sites[i].start));
}

/* why: NULL if there was none; raw. */
static void print_failure(struct text_output *t, const char *what, const char *why)
{
	char escaped[TEXT_NAME_BYTES];

	if (why)
		fprintf(t->out, "  %-22s %14s   %s\n", what, "",
			text_escape(escaped, sizeof(escaped), why));
}

void text_summary(struct text_output *t, const struct summary *summary)
{
	const struct window *w = &summary->total;
	char lasted[TEXT_VALUE_BYTES];

	fprintf(t->out, "%spid %u, observed for %s%s\n", text_colour(t, TEXT_BOLD), w->pid,
		text_value(lasted, w->seconds * (double)NS_PER_S, "ns"),
		text_colour(t, TEXT_PLAIN));
	print_maps(t, w);
	if (w->has_gc)
		print_pauses(t, &w->gc);
	print_heap(t, &w->gc);
	print_goroutines(t, w);
	if (w->has_fault) {
		print_count(t, "panics and throws", w->faults);
		fputc('\n', t->out);
	}
	print_count(t, "alerts", w->alerts);
	fputc('\n', t->out);
	print_cost(t, w);
	print_failure(t, "a group stayed off", summary->budget_failure);
	print_failure(t, "goroutines not counted", summary->census_failure);
	print_lost(t, &w->lost, summary->alerts_lost);
	print_map_sites(t, summary);
	print_maps_by_use(t, summary);
	print_go_sites(t, summary);
}
