/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/text.h"

#include "base/macros.h"
#include "base/units.h"
#include "output/text_style.h"

/* "  map writes              1.3 M   (130 k/s, sampled)" */
static void print_total(struct text_output *t, const char *label, u64 count, double per_s,
			enum accuracy accuracy)
{
	char n[UNITS_BUF], rate[UNITS_BUF];

	fprintf(t->out, "  %-22s %12s   %s/s, %s\n", label, fmt_count(n, (double)count),
		fmt_count(rate, per_s), accuracy_name(accuracy));
}

static void print_maps(struct text_output *t, const struct window *w)
{
	const struct window_map *map = &w->map;

	if (w->has_map_write) {
		print_total(t, "map writes", map->writes, map->writes_per_s, map->accuracy);
		print_total(t, "map deletes", map->deletes, map->deletes_per_s, map->accuracy);
	}
	if (w->has_map_grow) {
		print_total(t, "map growths", map->grows, map->grows_per_s, ACCURACY_EXACT);
		print_total(t, "entries moved", map->moved, map->moved_per_s, ACCURACY_EXACT);
	}
}

static void print_gc(struct text_output *t, const struct window *w)
{
	const struct window_gc *gc = &w->gc;
	char n[5][UNITS_BUF];

	if (w->has_gc) {
		fprintf(t->out, "  %-22s %12s   %llu of them forced\n", "gc cycles",
			fmt_count(n[0], (double)gc->cycles), gc->forced);
		fprintf(t->out, "  %-22s %12s   p50 %s, p99 %s, max %s, %s altogether\n",
			"gc pauses", fmt_count(n[4], (double)gc->pauses),
			fmt_duration_ns(n[0], gc->pause.p50_ns),
			fmt_duration_ns(n[1], gc->pause.p99_ns),
			fmt_duration_ns(n[2], gc->pause.max_ns),
			fmt_duration_ns(n[3], gc->pause.total_ns));
		if (gc->other_stops)
			fprintf(t->out, "  %-22s %12s   %s altogether\n", "other stops",
				fmt_count(n[0], (double)gc->other_stops),
				fmt_duration_ns(n[1], gc->other_stop_ns));
	}
	if (gc->heap_live_bytes)
		fprintf(t->out, "  %-22s %12s   goal %s\n", "heap at the end",
			fmt_bytes(n[0], (double)gc->heap_live_bytes),
			gc->heap_goal_bytes ? fmt_bytes(n[1], (double)gc->heap_goal_bytes)
					    : "unknown");
}

static void print_goroutines(struct text_output *t, const struct window *w)
{
	const struct window_goroutine *go = &w->goroutine;
	char n[UNITS_BUF];

	if (go->live >= 0)
		fprintf(t->out, "  %-22s %12s", "goroutines at the end",
			fmt_count(n, (double)go->live));
	if (go->live >= 0 && go->live_error)
		fprintf(t->out, "   +/- %s: they ran while they were counted",
			fmt_count(n, (double)go->live_error));
	if (go->live >= 0)
		fputc('\n', t->out);
	if (!w->has_goroutine)
		return;
	print_total(t, "goroutines created", go->created, go->created_per_s, go->accuracy);
	fprintf(t->out, "  %-22s %12s\n", "goroutines exited", fmt_count(n, (double)go->exited));
}

static void print_lost(struct text_output *t, const struct window_lost *lost)
{
	const struct {
		u64 count;
		const char *what;
	} rows[] = {
		{ lost->ring, "records, because the ring buffer was full" },
		{ lost->read, "facts, because a read of the target's memory faulted" },
		{ lost->table, "counts by site, because a table was full" },
		{ lost->missed, "hits that the kernel did not deliver" },
	};
	char n[UNITS_BUF];
	u64 sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		sum += rows[i].count;
		if (rows[i].count)
			fprintf(t->out, "  %s%-22s %12s   %s%s\n", text_colour(t, TEXT_YELLOW),
				"lost", fmt_count(n, (double)rows[i].count), rows[i].what,
				text_colour(t, TEXT_PLAIN));
	}
	if (sum == 0)
		fprintf(t->out, "  %-22s %12s\n", "lost", "nothing");
}

static void print_cost(struct text_output *t, const struct window *w)
{
	char n[UNITS_BUF];

	fprintf(t->out, "  %-22s %12s", "probe hits", fmt_count(n, (double)w->cost.hits));
	if (w->cost.known)
		fprintf(t->out, "   %.2f %% of one CPU, from the calibrated cost of a hit\n",
			w->cost.target_cpu_pct);
	else
		fputs("   cost unknown: not calibrated on this machine\n", t->out);
}

static void print_map_sites(struct text_output *t, const struct summary *s)
{
	char n[UNITS_BUF], site[TEXT_NAME_BYTES], type[TEXT_NAME_BYTES];

	if (s->map_site_count)
		fprintf(t->out, "%smap operations by call site%s\n", text_colour(t, TEXT_BOLD),
			text_colour(t, TEXT_PLAIN));
	for (size_t i = 0; i < s->map_site_count; i++)
		fprintf(t->out, "  %10s  %-6s  %s  %s\n",
			fmt_count(n, (double)s->map_sites[i].count),
			s->map_sites[i].deletes ? "delete" : "write",
			text_escape(site, sizeof(site), s->map_sites[i].site),
			text_escape(type, sizeof(type), s->map_sites[i].map_type));
}

static void print_go_sites(struct text_output *t, const struct summary *s)
{
	char n[2][UNITS_BUF], site[TEXT_NAME_BYTES], start[TEXT_NAME_BYTES];

	if (s->go_site_count)
		fprintf(t->out, "%sgoroutines by creation site%s\n", text_colour(t, TEXT_BOLD),
			text_colour(t, TEXT_PLAIN));
	for (size_t i = 0; i < s->go_site_count; i++)
		fprintf(t->out, "  %10s created  %10s exited  %s  runs %s\n",
			fmt_count(n[0], (double)s->go_sites[i].created),
			fmt_count(n[1], (double)s->go_sites[i].exited),
			text_escape(site, sizeof(site), s->go_sites[i].site),
			text_escape(start, sizeof(start), s->go_sites[i].start));
}

void text_summary(struct text_output *t, const struct summary *summary)
{
	const struct window *w = &summary->total;
	char lasted[TEXT_VALUE_BYTES], n[UNITS_BUF];

	fprintf(t->out, "%spid %u, observed for %s%s\n", text_colour(t, TEXT_BOLD), w->pid,
		text_value(lasted, w->seconds * (double)NS_PER_S, "ns"),
		text_colour(t, TEXT_PLAIN));
	print_maps(t, w);
	print_gc(t, w);
	print_goroutines(t, w);
	if (w->has_fault)
		fprintf(t->out, "  %-22s %12s\n", "panics and throws",
			fmt_count(n, (double)w->faults));
	fprintf(t->out, "  %-22s %12s\n", "alerts", fmt_count(n, (double)w->alerts));
	print_cost(t, w);
	print_lost(t, &w->lost);
	print_map_sites(t, summary);
	print_go_sites(t, summary);
}
