/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/sliding.h"

#include "base/macros.h"
#include "base/units.h"

void sliding_add(struct sliding *s, u64 time_ns, u64 n)
{
	u64 second = time_ns / NS_PER_S;

	if (second + SLIDING_SECONDS <= s->second)
		return;
	for (u64 gap = second > s->second ? MIN(second - s->second, SLIDING_SECONDS) : 0; gap;
	     gap--)
		s->bucket[(second - gap + 1) % SLIDING_SECONDS] = 0;
	s->second = MAX(s->second, second);
	s->bucket[second % SLIDING_SECONDS] += n;
}

u64 sliding_sum(const struct sliding *s, u64 now_ns)
{
	u64 now = MAX(now_ns / NS_PER_S, s->second);
	u64 sum = 0;

	for (u64 age = 0; age < SLIDING_SECONDS; age++) {
		if (s->second >= age && s->second - age + SLIDING_SECONDS > now)
			sum += s->bucket[(s->second - age) % SLIDING_SECONDS];
	}
	return sum;
}
