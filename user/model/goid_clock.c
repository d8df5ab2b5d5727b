/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/goid_clock.h"

#include <errno.h>
#include <math.h>
#include <string.h>

struct sample {
	u64 begin_ns, end_ns;
	struct goid_counter counter;
};

struct goid_clock {
	u64 start_ns; /* 0: not known */
	size_t count;
	struct sample samples[GOID_SAMPLES_MAX]; /* ascending in time */
};

struct goid_clock *goid_clock_new(u64 start_ns)
{
	struct goid_clock *clock = calloc(1, sizeof(*clock));

	if (clock)
		clock->start_ns = start_ns;
	return clock;
}

void goid_clock_free(struct goid_clock *clock)
{
	if (!clock)
		return;
	for (size_t i = 0; i < clock->count; i++)
		goid_counter_done(&clock->samples[i].counter);
	free(clock);
}

/*
 * Gives up the sample whose absence widens an interval least, relative to the age of what was
 * born in it. So samples get rarer with age, and an age is known to some percent of itself.
 */
static void drop_one(struct goid_clock *clock)
{
	const struct sample *s = clock->samples;
	u64 now_ns = s[clock->count - 1].end_ns;
	double least = INFINITY;
	size_t drop = 1;

	for (size_t i = 1; i + 1 < clock->count; i++) {
		double gap = (double)(s[i + 1].begin_ns - s[i - 1].begin_ns) /
			     (double)(now_ns - s[i - 1].begin_ns + 1);

		if (gap < least) {
			least = gap;
			drop = i;
		}
	}
	goid_counter_done(&clock->samples[drop].counter);
	memmove(&clock->samples[drop], &clock->samples[drop + 1],
		(clock->count - drop - 1) * sizeof(*s));
	clock->count--;
}

void goid_clock_sample(struct goid_clock *clock, u64 begin_ns, u64 end_ns,
		       struct goid_counter *counter)
{
	if (clock->count == GOID_SAMPLES_MAX)
		drop_one(clock);
	clock->samples[clock->count++] = (struct sample) { begin_ns, end_ns, *counter };
	*counter = (struct goid_counter) { 0 };
}

/* The first sample by which the id had been given; clock->count if it was later than all. */
static size_t first_given(const struct goid_clock *clock, u64 goid)
{
	size_t low = 0, high = clock->count;

	/* An id that was given stays given, so one can bisect. */
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (goid_counter_given(&clock->samples[mid].counter, goid))
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

/* What is certain. */
static struct goid_birth interval(const struct goid_clock *clock, const struct goid_fact *fact,
				  u64 now_ns)
{
	size_t given = first_given(clock, fact->goid);
	struct goid_birth birth = { .latest_ns = now_ns };

	if (given < clock->count)
		birth.latest_ns = MIN(now_ns, clock->samples[given].end_ns);
	birth.sampled = given > 0;
	birth.earliest_ns = given > 0 ? clock->samples[given - 1].begin_ns : clock->start_ns;
	birth.earliest_ns = MIN(birth.earliest_ns, birth.latest_ns);
	if (fact->born_by_ns >= MAX(birth.earliest_ns, 1ULL))
		birth.latest_ns = MIN(birth.latest_ns, fact->born_by_ns);
	return birth;
}

/* By time_ns the ids had come as far as goid. */
struct mark {
	u64 goid, time_ns;
};

/* Ascending in both. Between two of them ids are taken to have been given evenly. */
struct marks {
	struct mark *at; /* owned */
	size_t count;
};

static void marks_done(struct marks *marks)
{
	free(marks->at);
}

static void add_mark(struct marks *marks, u64 goid, u64 time_ns)
{
	const struct mark *last = marks->count ? &marks->at[marks->count - 1] : NULL;

	if (last && goid <= last->goid)
		return;
	if (last)
		time_ns = MAX(time_ns, last->time_ns);
	marks->at[marks->count++] = (struct mark) { goid, time_ns };
}

/*
 * latest[i]: by when all goroutines up to the i-th were there, if ids came in order; latest[n] is
 * now. Where it steps up, the i-th is the last one that is known from before the step.
 */
static void find_marks(const struct goid_clock *clock, const struct goid_fact *facts,
		       const u64 *latest, size_t n, struct marks *marks)
{
	size_t sample = 0;

	/* Where the start is not known, that of the clock: no process is older. */
	add_mark(marks, 1, clock->start_ns);
	for (size_t i = 0; i < n; i++) {
		for (;
		     sample < clock->count && clock->samples[sample].counter.newest < facts[i].goid;
		     sample++)
			add_mark(marks, clock->samples[sample].counter.newest,
				 clock->samples[sample].begin_ns);
		if (latest[i] < latest[i + 1])
			add_mark(marks, facts[i].goid, latest[i]);
	}
	/* The next id is as likely to come now as later: of k ids since the last mark the i-th is
	 * expected at i / (k + 1) of that time. */
	if (n)
		add_mark(marks, facts[n - 1].goid + 1, latest[n]);
}

/* *next: index of the first mark at or past goid, which only grows from call to call. */
static u64 interpolate(const struct marks *marks, size_t *next, u64 goid)
{
	const struct mark *from, *to;

	while (*next + 1 < marks->count && marks->at[*next].goid < goid)
		++*next;
	to = &marks->at[*next];
	if (*next == 0 || goid >= to->goid)
		return to->time_ns;
	from = to - 1;
	return from->time_ns + (u64)((double)(to->time_ns - from->time_ns) *
				     (double)(goid - from->goid) / (double)(to->goid - from->goid));
}

static u64 clamp(u64 value, u64 low, u64 high)
{
	return MIN(MAX(value, low), high);
}

static void estimate(const struct goid_fact *facts, const u64 *latest, size_t n,
		     const struct marks *marks, struct goid_birth *births)
{
	u64 earliest = 0;
	size_t next = 0;

	for (size_t i = 0; i < n; i++) {
		u64 likely = interpolate(marks, &next, facts[i].goid);

		earliest = MAX(earliest, births[i].earliest_ns);
		/* Else this id, or one before, was given out of order for certain. */
		if (earliest <= latest[i])
			likely = clamp(likely, earliest, latest[i]);
		births[i].likely_ns = clamp(likely, births[i].earliest_ns, births[i].latest_ns);
	}
}

int goid_clock_date(const struct goid_clock *clock, const struct goid_fact *facts, size_t n,
		    u64 now_ns, struct goid_birth *ret)
{
	CLEANUP(freep) u64 *latest = calloc(n + 1, sizeof(*latest));
	CLEANUP(marks_done) struct marks marks = { 0 };

	marks.at = calloc(n + clock->count + 2, sizeof(*marks.at));
	if (!latest || !marks.at)
		return -ENOMEM;
	latest[n] = now_ns;
	for (size_t i = 0; i < n; i++)
		ret[i] = interval(clock, &facts[i], now_ns);
	for (size_t i = n; i-- > 0;)
		latest[i] = MIN(ret[i].latest_ns, latest[i + 1]);
	find_marks(clock, facts, latest, n, &marks);
	if (n)
		estimate(facts, latest, n, &marks, ret);
	return 0;
}
