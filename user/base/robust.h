/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where values lie and how far they scatter, whatever fewer than half of them
 * are: median and median absolute deviation (Hampel 1974). Exact.
 */
#ifndef BASE_ROBUST_H
#define BASE_ROBUST_H

#include <stddef.h>

/* Median of n values (n > 0), the mean of the middle two when n is even. Reorders them. */
double median(double *values, size_t n);

/* The value that a quarter of n values (n > 0) lie below. Reorders them. */
double lower_quartile(double *values, size_t n);

struct robust {
	size_t n; /* 0: of nothing, and the rest is 0 */
	double median;
	double deviation; /* median of |value - median|; 0.6745 standard deviations of a normal
			     distribution */
};

/* Overwrites the values. */
struct robust robust_of(double *values, size_t n);

/* By how many standard deviations of a normal distribution that scatters as much a value lies above
 * the median; infinite where nothing scatters. */
double robust_score(const struct robust *robust, double value);

#endif
