/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/gc.h"

#include <string.h>

#include "gobin/probeset.h"

struct gc {
	struct hist *pauses, *window_pauses;
	struct gc_cycle running, ended;
	bool has_ended;
	struct gc_totals totals;
	s64 pause_ns;	      /* measured, corrected at the end of each cycle */
	s64 cycle_pause_ns;   /* measured since the last end of a cycle */
	bool has_pause_total; /* memstats.pause_total_ns was read at the last end of a cycle */
	u64 pause_total_ns;
	u64 recent_ns[GC_RECENT_STOPS]; /* a ring of durations */
	u64 recent_count;
	struct gc_stop last;
	bool has_last;
};

struct gc *gc_new(void)
{
	CLEANUP(gc_freep) struct gc *gc = calloc(1, sizeof(*gc));

	if (!gc)
		return NULL;
	gc->pauses = hist_new();
	gc->window_pauses = hist_new();
	if (!gc->pauses || !gc->window_pauses)
		return NULL;
	return TAKE_PTR(gc);
}

void gc_free(struct gc *gc)
{
	if (!gc)
		return;
	hist_free(gc->pauses);
	hist_free(gc->window_pauses);
	free(gc);
}

bool gc_is_pause(u32 reason)
{
	return reason == GO_STW_MARK_TERMINATION || reason == GO_STW_SWEEP_TERMINATION;
}

const char *gc_stop_reason(const struct gc_stop *stop)
{
	return stop->reason_text[0] ? stop->reason_text : go_stw_reason(stop->reason);
}

/* The start of a cycle comes while its sweep termination still stops the world. */
void gc_start(struct gc *gc, u64 time_ns)
{
	gc->running = (struct gc_cycle) { .start_ns = time_ns };
	/* work.pauseNS will speak of this cycle alone; see runtime_pause_ns(). */
	if (!gc->has_pause_total)
		gc->cycle_pause_ns = 0;
}

static struct gc_stop stop_of(u64 time_ns, const struct event_stop *event)
{
	struct gc_stop stop = { .end_ns = time_ns,
				.reason = event->reason,
				.cpu_wait = event->cpu_wait };

	memcpy(stop.reason_text, event->reason_text, sizeof(stop.reason_text));
	stop.reason_text[sizeof(stop.reason_text) - 1] = '\0';
	if (!event->requested_ns || event->requested_ns > time_ns)
		return stop;
	stop.duration_ns = time_ns - event->requested_ns;
	if (event->stopped_ns >= event->requested_ns && event->stopped_ns <= time_ns) {
		stop.stopping_ns = event->stopped_ns - event->requested_ns;
		stop.stopped_ns = time_ns - event->stopped_ns;
		stop.split_known = true;
	}
	return stop;
}

static void cycle_add_stop(struct gc_cycle *cycle, const struct gc_stop *stop)
{
	if (cycle->stop_count < GC_CYCLE_STOPS)
		cycle->stops[cycle->stop_count++] = *stop;
	else
		cycle->stops_left_out++;
}

/* The record of a cycle's last stop may come after that of the cycle's end. */
static bool belongs_to_ended(const struct gc *gc, const struct gc_stop *stop)
{
	return gc->has_ended && stop->duration_ns &&
	       stop->end_ns - stop->duration_ns < gc->ended.end_ns;
}

static void pause_add(struct gc *gc, const struct gc_stop *stop)
{
	gc->totals.pauses++;
	gc->last = *stop;
	gc->has_last = true;
	if (belongs_to_ended(gc, stop)) {
		cycle_add_stop(&gc->ended, stop);
	} else {
		cycle_add_stop(&gc->running, stop);
		gc->cycle_pause_ns += (s64)stop->duration_ns;
		gc->pause_ns += (s64)stop->duration_ns;
	}
	if (!stop->duration_ns)
		return;
	hist_add(gc->pauses, stop->duration_ns, 1);
	hist_add(gc->window_pauses, stop->duration_ns, 1);
	gc->recent_ns[gc->recent_count++ % GC_RECENT_STOPS] = stop->duration_ns;
}

void gc_stopped(struct gc *gc, u64 time_ns, const struct event_stop *event)
{
	struct gc_stop stop = stop_of(time_ns, event);

	if (gc_is_pause(stop.reason)) {
		pause_add(gc, &stop);
	} else {
		gc->totals.other_stops++;
		gc->totals.other_stop_ns += stop.duration_ns;
	}
}

static bool end_word(const struct event_gc_end *end, enum wire_gc_word word, u64 *ret)
{
	*ret = end->word[word];
	return end->have >> word & 1;
}

/*
 * What the runtime paused since the last end of a cycle. Two readings of
 * memstats.pause_total_ns also cover a cycle whose end was lost; the first
 * cycle after attach has work.pauseNS, if its start was seen. Both are final
 * when the world restarts (gcMarkTermination, runtime/mgc.go, Go 1.15 to 1.27).
 */
static bool runtime_pause_ns(struct gc *gc, const struct event_gc_end *end, u64 *ret_ns)
{
	bool had_total = gc->has_pause_total, known;
	u64 before_ns = gc->pause_total_ns;

	gc->has_pause_total = end_word(end, WIRE_GC_PAUSE_TOTAL_NS, &gc->pause_total_ns);
	if (had_total && gc->has_pause_total && gc->pause_total_ns >= before_ns) {
		*ret_ns = gc->pause_total_ns - before_ns;
		return true;
	}
	known = end_word(end, WIRE_GC_PAUSE_NS, ret_ns);
	return known && gc->running.start_ns;
}

void gc_end(struct gc *gc, u64 time_ns, const struct event_gc_end *end)
{
	u64 pause_ns, forced;

	if (runtime_pause_ns(gc, end, &pause_ns))
		gc->pause_ns += (s64)pause_ns - gc->cycle_pause_ns;
	gc->cycle_pause_ns = 0;
	if (end_word(end, WIRE_GC_USER_FORCED, &forced) && forced)
		gc->totals.forced++;
	gc->running.end_ns = time_ns;
	gc->running.end = *end;
	gc->ended = gc->running;
	gc->has_ended = true;
	gc->running = (struct gc_cycle) { 0 };
}

/* A correction may make the sum fall a little; whoever takes differences must bear it. */
struct gc_totals gc_totals(const struct gc *gc)
{
	struct gc_totals totals = gc->totals;

	totals.pause_ns = (u64)MAX(gc->pause_ns, 0);
	return totals;
}

const struct hist *gc_pauses(const struct gc *gc)
{
	return gc->pauses;
}

const struct hist *gc_window_pauses(const struct gc *gc)
{
	return gc->window_pauses;
}

void gc_window_done(struct gc *gc)
{
	hist_clear(gc->window_pauses);
}

const struct gc_stop *gc_last_stop(const struct gc *gc)
{
	return gc->has_last ? &gc->last : NULL;
}

const struct gc_cycle *gc_last_cycle(const struct gc *gc)
{
	return gc->has_ended ? &gc->ended : NULL;
}

/* The i-th pause before the last. */
static u64 before_last_ns(const struct gc *gc, size_t i)
{
	return gc->recent_ns[(gc->recent_count - 2 - i) % GC_RECENT_STOPS];
}

static size_t pauses_before_last(const struct gc *gc)
{
	u64 before = gc->recent_count ? gc->recent_count - 1 : 0;

	return (size_t)MIN(before, GC_RECENT_STOPS - 1);
}

struct robust gc_before_last_ns(const struct gc *gc)
{
	double value[GC_RECENT_STOPS];
	size_t n = pauses_before_last(gc);

	for (size_t i = 0; i < n; i++)
		value[i] = (double)before_last_ns(gc, i);
	return robust_of(value, n);
}

size_t gc_count_before_last(const struct gc *gc, u64 limit_ns, size_t *ret_n)
{
	size_t n = pauses_before_last(gc), count = 0;

	*ret_n = n;
	for (size_t i = 0; i < n; i++)
		count += before_last_ns(gc, i) <= limit_ns;
	return count;
}
