/* SPDX-License-Identifier: BSD-2-Clause */
#include "kern/spread.h"

/* The first hit begins a burst if it came a while after the window was opened. */
static void add_first(struct wire_bursts *b)
{
	b->second = b->first;
	b->first = 0;
	b->first_ns = b->hit_ns;
	if (!b->count) {
		b->latest = 0;
		b->latest_ns = b->hit_ns;
	} else if (b->count == 1) {
		b->before_ns = b->hit_ns;
	}
	b->count++;
}

/* What is not in order a preempted program wrote late. */
static bool in_order(const struct wire_bursts *b, u64 hits)
{
	return b->first <= b->latest && b->latest <= hits && b->first_ns <= b->latest_ns &&
	       (b->count < 2 || (b->first <= b->second && b->second <= b->latest &&
				 b->first_ns <= b->before_ns && b->before_ns <= b->latest_ns));
}

/* The bursts of one CPU; none: count is 0. */
static struct wire_bursts bursts_of(const struct kern_spread *spread, const struct wire_counters *c)
{
	struct wire_bursts b = c->bursts[spread->group];

	if (b.hit_ns > spread->bursts.open_ns + WIRE_BURST_GAP_NS)
		add_first(&b);
	if (!in_order(&b, c->window_hits[spread->group]))
		b.count = 0;
	return b;
}

/* whole: bursts that are over; latest: the hits when the last of them was. */
static void add_cycles(struct kern_bursts *sum, const struct wire_bursts *b, u64 whole, u64 latest)
{
	u64 to_ns = whole < b->count ? b->before_ns : b->latest_ns;

	if (whole < 2 || to_ns <= b->first_ns || latest < b->second)
		return;
	sum->cycles += whole - 1;
	sum->cycles_ns += to_ns - b->first_ns;
	sum->cycles_hits += latest - b->second;
}

static void add_bursts(struct kern_spread *spread, const struct wire_counters *c)
{
	const struct wire_bursts b = bursts_of(spread, c);
	struct kern_bursts *sum = &spread->bursts;
	u64 hits = c->window_hits[spread->group], whole, latest;
	bool goes_on = spread->now_ns <= b.seen_ns + WIRE_BURST_GAP_NS ||
		       (hits && spread->runs(spread->arg, b.tid));

	if (!b.count) {
		sum->lasting_hits += goes_on ? hits : 0;
		return;
	}
	whole = b.count - goes_on;
	latest = goes_on ? b.latest : hits;
	sum->whole += whole;
	sum->whole_hits += latest - b.first;
	if (goes_on) {
		sum->going++;
		sum->going_hits += hits - b.latest;
		sum->going_ns += spread->now_ns > b.latest_ns ? spread->now_ns - b.latest_ns : 0;
	}
	add_cycles(sum, &b, whole, latest);
}

void spread_add_cpu(void *arg, size_t cpu, const u64 *words)
{
	const struct wire_counters *c = (const struct wire_counters *)words;
	struct spread_sum *s = arg;
	u64 hits = 0;
	double since;

	for (size_t fn = s->spread->first; fn <= s->spread->last; fn++)
		hits += c->hits[fn];
	since = (double)(hits - s->spread->seen[cpu]);
	s->spread->seen[cpu] = hits;
	s->sum += since;
	s->squares += since * since;
	if (c->window[s->spread->group] == s->spread->window)
		add_bursts(s->spread, c);
}
