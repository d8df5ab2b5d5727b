/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/text.h"

#include <string.h>

#include "base/macros.h"
#include "base/units.h"
#include "event/stack.h"
#include "output/names.h"
#include "output/text_style.h"

enum { CELL_BYTES = UNITS_BUF + 2 };

static const char *accuracy_mark(enum accuracy accuracy)
{
	return accuracy == ACCURACY_SAMPLED ? "~" : accuracy == ACCURACY_LOWER_BOUND ? ">" : "";
}

/* "~1.3 M", or "-" if it was not watched. */
static const char *cell(char buf[static CELL_BYTES], bool known, enum accuracy accuracy, double v)
{
	char number[UNITS_BUF];

	if (!known)
		return "-";
	snprintf(buf, CELL_BYTES, "%s%s", accuracy_mark(accuracy), fmt_count(number, v));
	return buf;
}

#define WINDOW_COLUMNS "%-*s %7s %8s %8s %8s %8s %4s %8s %8s %9s %8s %8s %6s %5s\n"

/* "TIME CET" heads the column of times. */
static int time_heading(char buf[static CLOCK_BUF + 5], u64 wall_ns)
{
	char zone[CLOCK_BUF];

	return snprintf(buf, CLOCK_BUF + 5, "TIME %s", fmt_zone(zone, wall_ns));
}

static void window_header(struct text_output *t, const char *heading, int width)
{
	fputs(text_colour(t, TEXT_BOLD), t->out);
	fprintf(t->out, WINDOW_COLUMNS, width, heading, "PID", "WRITES/s", "DELS/s", "GROWS/s",
		"MOVED/s", "GC", "STOP-P99", "STOP-MAX", "HEAP", "GOROUT", "NEW/s", "COST%",
		"LOST");
	fputs(text_colour(t, TEXT_PLAIN), t->out);
}

static u64 lost_sum(const struct window_lost *lost)
{
	return lost->ring + lost->read + lost->table + lost->missed + lost->decode;
}

static const char *cost_cell(char buf[static UNITS_BUF], const struct window_cost *cost)
{
	if (!cost->known)
		return "-";
	snprintf(buf, UNITS_BUF, "%.2f", cost->target_cpu_pct);
	return buf;
}

void text_window(struct text_output *t, const struct window *w, const struct timebase *timebase)
{
	const struct window_map *map = &w->map;
	char time[CLOCK_BUF], heading[CLOCK_BUF + 5], c[7][CELL_BYTES], n[5][UNITS_BUF], pid[16];
	u64 wall_ns = timebase_wall_ns(timebase, w->end_ns);
	int width = MAX(time_heading(heading, wall_ns), (int)strlen("15:04:05"));

	if (t->header_every && t->since_header == 0)
		window_header(t, heading, width);
	if (t->header_every)
		t->since_header = (t->since_header + 1) % t->header_every;

	snprintf(pid, sizeof(pid), "%u", w->pid);
	fprintf(t->out, WINDOW_COLUMNS, width, fmt_time_local(time, wall_ns), pid,
		cell(c[0], w->has_map_write, map->accuracy, map->writes_per_s),
		cell(c[1], w->has_map_write, map->accuracy, map->deletes_per_s),
		cell(c[2], w->has_map_grow, map->grows_accuracy, map->grows_per_s),
		cell(c[3], w->has_map_grow, map->grows_accuracy, map->moved_per_s),
		cell(c[4], w->has_gc, ACCURACY_EXACT, (double)w->gc.cycles),
		w->has_gc ? fmt_duration_ns(n[0], w->gc.pause.p99_ns) : "-",
		w->has_gc ? fmt_duration_ns(n[1], w->gc.pause.max_ns) : "-",
		w->gc.heap_live_bytes ? fmt_bytes(n[2], (double)w->gc.heap_live_bytes) : "-",
		cell(c[5], w->goroutine.live >= 0, w->goroutine.accuracy,
		     (double)w->goroutine.live),
		cell(c[6], w->has_goroutine, w->goroutine.accuracy, w->goroutine.created_per_s),
		cost_cell(n[3], &w->cost), fmt_count(n[4], (double)lost_sum(&w->lost)));
}

static void print_stops(struct text_output *t, const struct gc_cycle *cycle)
{
	char reason[TEXT_NAME_BYTES], n[2][UNITS_BUF];

	for (size_t i = 0; i < MIN(cycle->stop_count, (size_t)GC_CYCLE_STOPS); i++) {
		const struct gc_stop *stop = &cycle->stops[i];

		fprintf(t->out, "; %s ", text_escape(reason, sizeof(reason), gc_stop_reason(stop)));
		if (stop->split_known)
			fprintf(t->out, "%s to stop + %s stopped",
				fmt_duration_ns(n[0], stop->stopping_ns),
				fmt_duration_ns(n[1], stop->stopped_ns));
		else
			fputs(fmt_duration_ns(n[0], stop->duration_ns), t->out);
	}
	if (cycle->stops_left_out)
		fprintf(t->out, "; and %zu more stops", cycle->stops_left_out);
}

void text_gc(struct text_output *t, u32 pid, const struct gc_cycle *cycle,
	     const struct timebase *timebase)
{
	const u64 marks = 1ULL << WIRE_GC_T_MARK | 1ULL << WIRE_GC_T_MARK_TERM;
	const u64 heaps = 1ULL << WIRE_GC_HEAP0 | 1ULL << WIRE_GC_HEAP1 | 1ULL << WIRE_GC_HEAP2;
	const u64 *word = cycle->end.word, have = cycle->end.have;
	char time[CLOCK_BUF], n[3][UNITS_BUF];

	fprintf(t->out, "%s %7u gc",
		fmt_time_local(time, timebase_wall_ns(timebase, cycle->end_ns)), pid);
	if (have >> WIRE_GC_NUMGC & 1)
		fprintf(t->out, " %llu", word[WIRE_GC_NUMGC]);
	if (have >> WIRE_GC_USER_FORCED & word[WIRE_GC_USER_FORCED] & 1)
		fputs(" (forced)", t->out);
	if ((have & marks) == marks)
		fprintf(t->out, ": mark %s",
			fmt_duration_ns(n[0], word[WIRE_GC_T_MARK_TERM] - word[WIRE_GC_T_MARK]));
	print_stops(t, cycle);
	if ((have & heaps) == heaps)
		fprintf(t->out, "; heap %s -> %s -> %s",
			fmt_bytes(n[0], (double)word[WIRE_GC_HEAP0]),
			fmt_bytes(n[1], (double)word[WIRE_GC_HEAP1]),
			fmt_bytes(n[2], (double)word[WIRE_GC_HEAP2]));
	fputc('\n', t->out);
}

void text_map_grow(struct text_output *t, const struct event *event, const struct names *names,
		   const struct timebase *timebase)
{
	const struct event_map_grow *grow = &event->map_grow;
	struct stack_walk walk;
	char time[CLOCK_BUF], raw[TEXT_NAME_BYTES], name[TEXT_NAME_BYTES], n[3][UNITS_BUF];

	if (event->kind != EVENT_MAP_GROW)
		return;
	names->type(names->arg, grow->type, raw, sizeof(raw));
	fprintf(t->out, "%s %7u map 0x%llx %s: %s, %s entries, %s -> %s slots%s",
		fmt_time_local(time, timebase_wall_ns(timebase, event->time_ns)), event->pid,
		grow->map, text_escape(name, sizeof(name), raw), output_grow_kind(grow->grow),
		fmt_count(n[0], (double)grow->entries), fmt_count(n[1], (double)grow->slots_before),
		fmt_count(n[2], (double)grow->slots_after), grow->during_gc ? ", during GC" : "");
	walk = stack_walk_start(names, grow->stack, STACK_OF_PROGRAM);
	if (stack_walk_next(&walk, raw, sizeof(raw)))
		fprintf(t->out, ", by %s", text_escape(name, sizeof(name), raw));
	fputc('\n', t->out);
}
