/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/rehash_link.h"

#include "base/macros.h"
#include "base/units.h"
#include "model/chance.h"

#define BUCKET_NS (REHASH_BUCKET_S * NS_PER_S)

/* Short pauses weigh against time as if so many of them had been seen beside. */
#define PRIOR_PAUSES 8.0

#define MAX_PROBABILITY 0.01
#define MIN_AFTER	3

static struct rehash_stretch *nth_last(struct rehash_link *link, u64 n)
{
	return &link->stretch[(link->stretches - 1 - n) % REHASH_STRETCHES];
}

static void open_stretch(struct rehash_link *link, const struct rehash *rehash)
{
	link->stretches++;
	*nth_last(link, 0) = (struct rehash_stretch) {
		.from_ns = rehash->time_ns,
		.until_ns = rehash->time_ns + REHASH_LAG_NS,
		.largest = *rehash,
	};
	link->open.stretches++;
	link->open.covered_ns += REHASH_LAG_NS;
}

void rehash_link_growth(struct rehash_link *link, const struct rehash *rehash)
{
	struct rehash_stretch *last = link->stretches ? nth_last(link, 0) : NULL;
	u64 until_ns = rehash->time_ns + REHASH_LAG_NS;

	if (!last || rehash->time_ns > last->until_ns) {
		open_stretch(link, rehash);
		return;
	}
	if (rehash->moved >= last->largest.moved ||
	    last->largest.time_ns + REHASH_LAG_NS < rehash->time_ns)
		last->largest = *rehash;
	if (until_ns > last->until_ns) {
		link->open.covered_ns += until_ns - last->until_ns;
		last->until_ns = until_ns;
	}
}

/* The stretch that a time lies in; NULL: none of those kept. */
static struct rehash_stretch *stretch_at(struct rehash_link *link, u64 time_ns)
{
	for (u64 i = 0; i < MIN(link->stretches, REHASH_STRETCHES); i++) {
		struct rehash_stretch *stretch = nth_last(link, i);

		if (stretch->from_ns <= time_ns && time_ns <= stretch->until_ns)
			return stretch;
	}
	return NULL;
}

bool rehash_link_pause(struct rehash_link *link, u64 begin_ns, unsigned int kind, bool is_long,
		       struct rehash *ret)
{
	struct rehash_stretch *stretch = stretch_at(link, begin_ns);

	if (!is_long) {
		link->open.shorts[kind]++;
		link->open.shorts_after[kind] += stretch != NULL;
	} else if (!stretch || !stretch->counted) {
		link->open.longs[kind]++;
		link->open.longs_after[kind] += stretch != NULL;
	}
	if (!stretch)
		return false;
	stretch->counted |= is_long;
	*ret = stretch->largest;
	return true;
}

static void add(struct rehash_tally *into, const struct rehash_tally *t)
{
	into->observed_ns += t->observed_ns;
	into->covered_ns += t->covered_ns;
	into->stretches += t->stretches;
	for (size_t i = 0; i < REHASH_KINDS; i++) {
		into->longs[i] += t->longs[i];
		into->longs_after[i] += t->longs_after[i];
		into->shorts[i] += t->shorts[i];
		into->shorts_after[i] += t->shorts_after[i];
	}
}

void rehash_link_window(struct rehash_link *link, u64 start_ns, u64 end_ns, bool whole)
{
	u64 number = end_ns / BUCKET_NS;
	struct rehash_bucket *bucket = &link->bucket[number % REHASH_BUCKETS];

	if (bucket->number != number)
		*bucket = (struct rehash_bucket) { .number = number };
	link->open.observed_ns = end_ns - MIN(start_ns, end_ns);
	if (whole)
		add(&bucket->tally, &link->open);
	link->open = (struct rehash_tally) { 0 };
}

static struct rehash_tally recent(const struct rehash_link *link, u64 since_ns, u64 now_ns)
{
	struct rehash_tally sum = link->open;

	sum.observed_ns = now_ns - MIN(since_ns, now_ns);
	for (size_t i = 0; i < REHASH_BUCKETS; i++) {
		if (link->bucket[i].number + REHASH_BUCKETS > now_ns / BUCKET_NS)
			add(&sum, &link->bucket[i].tally);
	}
	return sum;
}

/* That a pause of this kind follows a growth for no reason. */
static double by_chance(const struct rehash_tally *t, size_t kind)
{
	double in_time = t->observed_ns ? (double)t->covered_ns / (double)t->observed_ns : 1;
	double of_shorts;

	in_time = MIN(in_time, 1);
	of_shorts = ((double)t->shorts_after[kind] + PRIOR_PAUSES * in_time) /
		    ((double)t->shorts[kind] + PRIOR_PAUSES);
	return MAX(in_time, of_shorts);
}

struct rehash_odds rehash_link_odds(const struct rehash_link *link, u64 since_ns, u64 now_ns)
{
	struct rehash_tally t = recent(link, since_ns, now_ns);
	struct trials trials[REHASH_KINDS];
	struct rehash_odds odds = { .stretches = t.stretches };

	for (size_t i = 0; i < REHASH_KINDS; i++) {
		trials[i] = (struct trials) { t.longs[i], by_chance(&t, i) };
		odds.longs += t.longs[i];
		odds.after += t.longs_after[i];
		odds.expected += (double)t.longs[i] * trials[i].probability;
	}
	odds.probability = chance_of_at_least(trials[0], trials[1], odds.after);
	return odds;
}

bool rehash_odds_beat_chance(const struct rehash_odds *odds)
{
	return odds->after >= MIN_AFTER && odds->probability < MAX_PROBABILITY;
}
