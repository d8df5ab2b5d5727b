/* SPDX-License-Identifier: BSD-2-Clause */
#include "govern/stretch.h"

#include <math.h>

/* Runs of some ten windows count. */
#define KEEP 0.9

/* What is taken at first, and outweighed by so many runs: caddy's is 1.8. */
#define UNSEEN_RUNS    10
#define UNSEEN_STRETCH 2

/* So much more or less is within what a run takes longer or shorter for other reasons. */
#define SAME 0.1

#define STRETCHED_ERROR 0.2

void stretch_add(struct stretch *s, u64 runs, u64 runs_ns, double calibrated_ns)
{
	if (!runs || calibrated_ns <= 0)
		return;
	if (s->runs <= 0)
		*s = (struct stretch) { UNSEEN_RUNS, UNSEEN_RUNS * UNSEEN_STRETCH };
	s->runs = s->runs * KEEP + (double)runs;
	s->calibrated_runs = s->calibrated_runs * KEEP + (double)runs_ns / calibrated_ns;
}

double stretch_of(const struct stretch *s)
{
	double stretch = s->runs > 0 ? s->calibrated_runs / s->runs : UNSEEN_STRETCH;

	return fabs(stretch - 1) < SAME ? 1 : stretch;
}

double stretch_error(double stretch)
{
	return stretch > 0 ? STRETCHED_ERROR * fabs(1 - 1 / stretch) : 0;
}
