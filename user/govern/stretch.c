/* SPDX-License-Identifier: BSD-2-Clause */
#include "govern/stretch.h"

#include <math.h>

#include "base/macros.h"

/* Runs of some ten windows count, but of older ones no more than these: a machine that slows down
 * shall show at once. */
#define KEEP	  0.9
#define MOST_KEPT 400.0

/* What is taken at first, and outweighed by so many runs: caddy's is 1.8. */
#define UNSEEN_RUNS    10
#define UNSEEN_STRETCH 2

#define STRETCHED_ERROR 0.2

void stretch_add(struct stretch *s, u64 runs, u64 runs_ns)
{
	double keep;

	if (!runs)
		return;
	if (s->runs <= 0)
		s->unseen = UNSEEN_RUNS / KEEP;
	keep = MIN(KEEP, MOST_KEPT / MAX(s->runs, 1));
	s->runs = s->runs * keep + (double)runs;
	s->runs_ns = s->runs_ns * keep + (double)runs_ns;
	s->unseen *= keep;
}

double stretch_of(const struct stretch *s, double calibrated_ns)
{
	if (s->runs <= 0 || calibrated_ns <= 0)
		return UNSEEN_STRETCH;
	return (s->runs_ns / calibrated_ns + s->unseen * UNSEEN_STRETCH) / (s->runs + s->unseen);
}

double stretch_error(double stretch)
{
	return stretch > 0 ? STRETCHED_ERROR * fabs(1 - 1 / stretch) : 0;
}
