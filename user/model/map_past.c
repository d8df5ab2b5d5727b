/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/map_past.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

/* Every other window counts calls without telling whose they are (wire_gate.lean). */
#define TELLING_WINDOWS 0.5

void map_past_init(struct map_past *past, u64 horizon_ns, size_t limit, bool spans_only)
{
	*past = (struct map_past) { .horizon_ns = horizon_ns,
				    .limit = limit,
				    .spans_only = spans_only };
}

void map_past_clear(struct map_past *past)
{
	free(past->point);
	map_past_init(past, past->horizon_ns, past->limit, past->spans_only);
}

/* Doubles up to the limit: most maps are gone after some points. */
static int make_room(struct map_past *past)
{
	size_t room = MIN(MAX(2 * past->room, 1UL), past->limit);
	struct map_point *point;

	if (past->count < past->room)
		return 0;
	point = reallocarray(past->point, room, sizeof(*point));
	if (!point)
		return -ENOMEM;
	past->point = point;
	past->room = room;
	return 0;
}

static void drop_oldest(struct map_past *past, size_t n)
{
	past->count -= n;
	memmove(past->point, past->point + n, past->count * sizeof(past->point[0]));
}

/* Half of the points go, the oldest stays. */
static void thin_out(struct map_past *past, u64 span_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < past->count; i += 2)
		past->point[kept++] = past->point[i];
	past->count = kept;
	/* Ticks are not quite even. */
	past->spacing_ns = span_ns / MAX(past->limit, 2UL) * 18 / 10;
}

/* The oldest that stays is the one that reaches the horizon. */
static void drop_past_horizon(struct map_past *past, u64 now_ns)
{
	size_t old = 0;

	while (old + 1 < past->count && now_ns - past->point[old + 1].time_ns >= past->horizon_ns)
		old++;
	if (old)
		drop_oldest(past, old);
}

/* What its sites do to other maps is as of the last moment, too. */
static bool is_as_before(const struct map_point *a, const struct map_point *b)
{
	return a->entries == b->entries && a->writes == b->writes && a->deletes == b->deletes &&
	       a->clears == b->clears && a->fallen == b->fallen &&
	       !memcmp(a->use_writes, b->use_writes, sizeof(a->use_writes));
}

static bool extend_last(struct map_past *past, const struct map_point *point)
{
	struct map_point *last = past->count ? &past->point[past->count - 1] : NULL;

	if (!past->spans_only || !last || !is_as_before(last, point))
		return false;
	last->until_ns = point->time_ns;
	last->seen = point->seen;
	memcpy(last->site_writes, point->site_writes, sizeof(last->site_writes));
	return true;
}

int map_past_add(struct map_past *past, const struct map_point *point)
{
	u64 last_ns = past->count ? past->point[past->count - 1].time_ns : 0;

	if (past->count && point->time_ns < last_ns)
		map_past_clear(past);
	drop_past_horizon(past, point->time_ns);
	if (extend_last(past, point))
		return 0;
	if (past->count &&
	    (point->time_ns == last_ns || point->time_ns - last_ns < past->spacing_ns))
		return 0;
	if (past->count == past->limit)
		thin_out(past, MIN(point->time_ns - past->point[0].time_ns, past->horizon_ns));
	if (make_room(past))
		return -ENOMEM;
	past->point[past->count++] = *point;
	return 0;
}

/* Of the points from first on. */
static bool fit_from(const struct map_past *past, size_t first, struct trend_fit *ret)
{
	struct trend trend;

	trend_init(&trend, 0);
	for (size_t i = first; i < past->count; i++)
		trend.point[trend.count++] = (struct trend_point) {
			past->point[i].time_ns,
			(double)past->point[i].entries,
		};
	return trend_fit(&trend, ret);
}

bool map_past_fit(const struct map_past *past, struct trend_fit *ret)
{
	return fit_from(past, 0, ret);
}

bool map_past_fit_recent(const struct map_past *past, struct trend_fit *ret)
{
	size_t first = past->count;
	u64 last_ns;

	if (past->count < TREND_MIN_POINTS)
		return false;
	last_ns = past->point[past->count - 1].time_ns;
	while (first > 0 && (past->count - first < TREND_MIN_POINTS ||
			     last_ns - past->point[first - 1].time_ns <= past->horizon_ns / 5))
		first--;
	return fit_from(past, first, ret);
}

double map_span_error(const struct map_span *span, double calls)
{
	double seen = (1 - span->gap) * TELLING_WINDOWS, share, scatter, chance;

	if (span->gap <= 0)
		return 0;
	if (seen <= 0 || span->windows < 1)
		return INFINITY;
	share = span->calls > 0 ? calls / span->calls : 0;
	scatter = share * span->sd_per_s * span->seconds;
	chance = sqrt(calls * seen + 1) / seen;
	return hypot(span->gap * sqrt(scatter * scatter / span->windows + chance * chance +
				      calls * span->bias_error * calls * span->bias_error),
		     share * span->unseen);
}

/* From since_ns on a was as it is. */
static void count_between(const struct map_point *a, u64 since_ns, const struct map_point *b,
			  struct map_span *ret)
{
	ret->since_ns = since_ns;
	ret->seconds = (double)(b->time_ns - since_ns) / 1e9;
	ret->entries = (double)b->entries - (double)a->entries;
	ret->writes = (double)(b->writes - a->writes);
	ret->deletes = (double)(b->deletes - a->deletes);
	ret->clears = (double)(b->clears - a->clears);
	for (size_t i = 0; i < EVENT_MAP_USES; i++) {
		ret->use_writes[i] = (double)(b->use_writes[i] - a->use_writes[i]);
		ret->site_writes[i] = (double)(b->site_writes[i] - a->site_writes[i]);
	}
}

/* What a long stretch without a change adds to the horizon is left out. */
static u64 since_of(const struct map_past *past, const struct map_point *then, u64 now_ns)
{
	u64 horizon_ns = now_ns - MIN(past->horizon_ns, now_ns);

	return MAX(then->time_ns, MIN(horizon_ns, then->until_ns));
}

bool map_span(const struct map_past *past, const struct map_point *now,
	      const struct event_group *group, struct map_span *ret)
{
	const struct map_point *then = past->point;
	double gap_s, seen_s;

	if (!past->count || now->time_ns <= then->time_ns)
		return false;
	*ret = (struct map_span) { .sd_per_s = group->sd_per_s, .bias_error = group->bias_error };
	count_between(then, since_of(past, then, now->time_ns), now, ret);
	seen_s = (double)(now->time_ns - MAX(then->time_ns, then->until_ns)) / 1e9;
	gap_s = (double)(now->seen.gap_ns - then->seen.gap_ns) / 1e9;
	ret->gap = seen_s > 0 ? MIN(MAX(gap_s / seen_s, 0), 1) : 0;
	ret->windows = (double)(now->seen.windows - then->seen.windows);
	ret->calls = (double)(now->seen.calls - then->seen.calls);
	ret->unseen = fabs(now->seen.unseen - then->seen.unseen);
	ret->deletes_max = MAX(ret->deletes + 2 * map_span_error(ret, ret->deletes) +
				       (double)(now->seen.elsewhere - then->seen.elsewhere),
			       (double)(now->fallen - then->fallen));
	/* A delete need not have found its key, so these are at most. */
	ret->keys_max = MAX(ret->entries + ret->deletes_max, 0);
	return true;
}
