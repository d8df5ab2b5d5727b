/* SPDX-License-Identifier: BSD-2-Clause */
#include "govern/untold.h"

#include "base/macros.h"

/* One that was seen longer ago may have been switched out meanwhile. Short beside a tick. */
#define SEEN_NS (4 * WIRE_BURST_GAP_NS)

/* It is seen as often: to wait for that takes no longer than some readings. */
#define DENSE_NS 40000

static bool is_running(const struct wire_window *w, u64 now_ns)
{
	return w->hits && w->seen_ns + SEEN_NS > now_ns;
}

size_t running_of(const struct wire_window *cpus, size_t count, u64 now_ns, struct running *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (is_running(&cpus[i], now_ns))
			ret[n++] = (struct running) {
				.tid = cpus[i].tid,
				.switches = cpus[i].switches,
				.at_ns = cpus[i].seen_ns,
				.told_until_ns = cpus[i].told_until_ns,
				.first_ns = cpus[i].hit_ns,
			};
	return n;
}

static bool is_dense(const struct wire_window *w)
{
	return (w->seen_ns - w->hit_ns) * WIRE_BURST_STRIDE < w->hits * DENSE_NS;
}

bool running_is_older(const struct wire_window *cpus, size_t count, u64 since_ns)
{
	for (size_t i = 0; i < count; i++)
		if (cpus[i].seen_ns < since_ns && cpus[i].seen_ns + SEEN_NS > since_ns &&
		    is_dense(&cpus[i]))
			return true;
	return false;
}

static bool ran_on(const struct running *open, const struct wire_window *close)
{
	return open->tid == close->tid && open->switches == close->switches &&
	       open->first_ns == close->hit_ns;
}

static double went_on_ns(u64 from_ns, u64 to_ns)
{
	return (double)(s64)(to_ns - from_ns);
}

double untold_of_running_ns(const struct running *open, size_t open_count,
			    const struct wire_window *close, size_t close_count, u64 now_ns)
{
	double ret = 0;

	for (size_t i = 0; i < open_count; i++)
		for (size_t j = 0; j < close_count; j++)
			if (is_running(&close[j], now_ns) && ran_on(&open[i], &close[j]))
				ret += went_on_ns(open[i].at_ns, close[j].seen_ns) -
				       went_on_ns(open[i].told_until_ns, close[j].told_until_ns);
	return ret;
}

double untold_of_woken_ns(double going, double going_ns, double tick_ns)
{
	double ran_ns = going > 0 ? MIN(going_ns / going, tick_ns) : 0;

	/* A tick came meanwhile with a chance of ran / tick, and then in the middle on average. */
	return going * ran_ns * (1 - ran_ns / (2 * tick_ns));
}
