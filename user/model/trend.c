/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/trend.h"

#include <string.h>

#include "base/macros.h"
#include "base/robust.h"

enum { PAIRS = TREND_POINTS * (TREND_POINTS - 1) / 2 };

void trend_init(struct trend *trend, u64 horizon_ns)
{
	memset(trend, 0, sizeof(*trend));
	trend->horizon_ns = horizon_ns;
}

static void drop_oldest(struct trend *trend, size_t n)
{
	trend->count -= n;
	memmove(trend->point, trend->point + n, trend->count * sizeof(trend->point[0]));
}

void trend_add(struct trend *trend, u64 time_ns, double value)
{
	size_t old = 0;

	if (trend->count) {
		u64 last_ns = trend->point[trend->count - 1].time_ns;

		if (time_ns < last_ns)
			trend->count = 0;
		else if (time_ns - last_ns < trend->horizon_ns / TREND_POINTS || time_ns == last_ns)
			return;
	}
	while (old + TREND_MIN_POINTS - 1 < trend->count &&
	       time_ns - trend->point[old].time_ns > trend->horizon_ns)
		old++;
	drop_oldest(trend, MAX(old, (size_t)(trend->count == TREND_POINTS)));
	trend->point[trend->count++] = (struct trend_point) { time_ns, value };
}

static double seconds_between(const struct trend_point *a, const struct trend_point *b)
{
	return (double)(b->time_ns - a->time_ns) / 1e9;
}

/* The slopes of all pairs; returns how many. */
static size_t pair_slopes(const struct trend *trend, double slope[static PAIRS])
{
	size_t n = 0;

	for (size_t j = 1; j < trend->count; j++) {
		for (size_t i = 0; i < j; i++) {
			const struct trend_point *a = &trend->point[i], *b = &trend->point[j];

			slope[n++] = (b->value - a->value) / seconds_between(a, b);
		}
	}
	return n;
}

static double kendall_tau(const double *slope, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (slope[i] > 0) - (slope[i] < 0);
	return sum / (double)n;
}

bool trend_fit(const struct trend *trend, struct trend_fit *ret)
{
	double slope[PAIRS];
	size_t n;

	if (trend->count < TREND_MIN_POINTS)
		return false;
	n = pair_slopes(trend, slope);
	ret->tau = kendall_tau(slope, n);
	ret->slope_per_s = median(slope, n);
	ret->rise = ret->slope_per_s *
		    seconds_between(&trend->point[0], &trend->point[trend->count - 1]);
	ret->since_ns = trend->point[0].time_ns;
	return true;
}
