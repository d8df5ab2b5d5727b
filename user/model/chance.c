/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/chance.h"

#include <math.h>

#include "base/macros.h"

static double log_factorial(u64 n)
{
	int sign; /* lgamma() would keep it in a global */

	return lgamma_r((double)n + 1, &sign);
}

double chance_of(struct trials t, u64 k)
{
	if (k > t.n)
		return 0;
	if (t.probability <= 0)
		return k == 0;
	if (t.probability >= 1)
		return k == t.n;
	return exp(log_factorial(t.n) - log_factorial(k) - log_factorial(t.n - k) +
		   (double)k * log(t.probability) + (double)(t.n - k) * log1p(-t.probability));
}

/* Sum over what a gives of what b has to give beside it; the tail of b grows by a term each step.
 */
double chance_of_at_least(struct trials a, struct trials b, u64 k)
{
	u64 need = k; /* of b */
	double tail = 0, sum = 0;

	for (u64 i = b.n; i >= need && i <= b.n; i--) {
		tail += chance_of(b, i);
		if (i == 0)
			break;
	}
	for (u64 i = 0; i <= a.n; i++) {
		sum += chance_of(a, i) * tail;
		if (need)
			tail += chance_of(b, --need);
	}
	return MIN(sum, 1);
}
