/* SPDX-License-Identifier: BSD-2-Clause */
/* What chance alone would give: exact tails of the binomial distribution. */
#ifndef MODEL_CHANCE_H
#define MODEL_CHANCE_H

#include <gosonde/types.h>

/* n independent trials, each with that probability. */
struct trials {
	u64 n;
	double probability;
};

/* The probability of exactly k successes. */
double chance_of(struct trials trials, u64 k);

/* The probability of k successes or more, of both kinds of trials together. Takes O(n) steps. */
double chance_of_at_least(struct trials a, struct trials b, u64 k);

#endif
