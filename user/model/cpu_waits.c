/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/cpu_waits.h"

#include "base/macros.h"

/*
 * A reading of d ns is paid off after d * SHARE ns more. What nothing was spent
 * in is saved up, so that a stop finds its reading however near the last one is.
 */
bool cpu_waits_may_read(struct cpu_waits *w, u64 now_ns)
{
	if (w->paid_ns <= now_ns)
		return true;
	w->refused++;
	return false;
}

static void pay(struct cpu_waits *w, const struct cpu_waits_reading *r)
{
	const u64 saved_ns = (u64)CPU_WAITS_SAVED_NS * CPU_WAITS_SHARE;
	u64 took_ns = r->end_ns - MIN(r->begin_ns, r->end_ns);
	u64 earliest_ns = r->begin_ns - MIN(r->begin_ns, saved_ns);

	w->paid_ns = MAX(w->paid_ns, earliest_ns) + took_ns * CPU_WAITS_SHARE;
}

void cpu_waits_add(struct cpu_waits *w, const struct cpu_waits_reading *reading)
{
	pay(w, reading);
	w->reading[w->readings++ % CPU_WAITS_KEPT] = *reading;
}

/* The i-th of those that are kept, oldest first. */
static const struct cpu_waits_reading *kept(const struct cpu_waits *w, u64 i)
{
	u64 first = w->readings - MIN(w->readings, CPU_WAITS_KEPT);

	return &w->reading[(first + i) % CPU_WAITS_KEPT];
}

bool cpu_waits_read_after(const struct cpu_waits *w, u64 time_ns)
{
	return w->readings && kept(w, MIN(w->readings, CPU_WAITS_KEPT) - 1)->begin_ns >= time_ns;
}

static struct event_cpu_wait between(const struct cpu_waits *w, u64 from, u64 to)
{
	const struct cpu_waits_reading *a = kept(w, from), *b = kept(w, to);
	struct event_cpu_wait ret = {
		.since_ns = a->begin_ns,
		.until_ns = b->end_ns,
		.has_throttling = a->has_throttling,
		.has_runqueue = a->has_runqueue,
	};

	for (u64 i = from + 1; i <= to; i++) {
		ret.has_throttling &= kept(w, i)->has_throttling;
		ret.has_runqueue &= kept(w, i)->has_runqueue;
	}
	if (ret.has_throttling) {
		ret.throttled_ns = b->throttled_ns - a->throttled_ns;
		ret.throttled_periods = b->throttled_periods - a->throttled_periods;
	}
	if (ret.has_runqueue) {
		ret.runqueue_ns = b->runqueue_ns - a->runqueue_ns;
		ret.runqueue_longest_ns = b->runqueue_longest_ns - a->runqueue_longest_ns;
	}
	return ret;
}

struct event_cpu_wait cpu_waits_over(const struct cpu_waits *w, u64 from_ns, u64 to_ns)
{
	u64 n = MIN(w->readings, CPU_WAITS_KEPT), from = n, to = n;

	for (u64 i = 0; i < n; i++) {
		if (kept(w, i)->end_ns <= from_ns)
			from = i;
		if (to == n && kept(w, i)->begin_ns >= to_ns)
			to = i;
	}
	if (from == n || to == n)
		return (struct event_cpu_wait) { 0 };
	return between(w, from, to);
}
