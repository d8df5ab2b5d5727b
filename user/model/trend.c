/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/trend.h"

#include <math.h>
#include <string.h>

#include "base/macros.h"

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

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare_doubles);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static double seconds_between(const struct trend_point *a, const struct trend_point *b)
{
	return (double)(b->time_ns - a->time_ns) / 1e9;
}

static double median_slope(const struct trend *trend)
{
	double slope[PAIRS];
	size_t n = 0;

	for (size_t j = 1; j < trend->count; j++) {
		for (size_t i = 0; i < j; i++) {
			const struct trend_point *a = &trend->point[i], *b = &trend->point[j];

			slope[n++] = (b->value - a->value) / seconds_between(a, b);
		}
	}
	return median(slope, n);
}

static double median_residual(const struct trend *trend, double slope)
{
	double off[TREND_POINTS], middle;

	for (size_t i = 0; i < trend->count; i++)
		off[i] = trend->point[i].value -
			 slope * seconds_between(&trend->point[0], &trend->point[i]);
	middle = median(off, trend->count);
	for (size_t i = 0; i < trend->count; i++)
		off[i] = fabs(off[i] - middle);
	return median(off, trend->count);
}

bool trend_fit(const struct trend *trend, struct trend_fit *ret)
{
	double slope;

	if (trend->count < TREND_MIN_POINTS)
		return false;
	slope = median_slope(trend);
	*ret = (struct trend_fit) {
		.slope_per_s = slope,
		.rise = slope * seconds_between(&trend->point[0], &trend->point[trend->count - 1]),
		.noise = median_residual(trend, slope),
		.since_ns = trend->point[0].time_ns,
	};
	return true;
}
