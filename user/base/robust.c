/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/robust.h"

#include <math.h>
#include <stdlib.h>

/* Median absolute deviations in a standard deviation: 1 / (the normal distribution's 0.75
 * quantile). */
#define PER_STANDARD_DEVIATION 1.4826

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

double lower_quartile(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare_doubles);
	return values[n / 4];
}

struct robust robust_of(double *values, size_t n)
{
	struct robust ret = { .n = n };

	if (!n)
		return ret;
	ret.median = median(values, n);
	for (size_t i = 0; i < n; i++)
		values[i] = fabs(values[i] - ret.median);
	ret.deviation = median(values, n);
	return ret;
}

double robust_score(const struct robust *robust, double value)
{
	double above = value - robust->median;

	if (robust->deviation > 0)
		return above / (robust->deviation * PER_STANDARD_DEVIATION);
	return above > 0 ? INFINITY : above < 0 ? -INFINITY : 0;
}
