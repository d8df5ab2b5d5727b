/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/backoff.h"

#include "base/macros.h"
#include "base/units.h"

#define FIRST_NS   (500 * NS_PER_MS)
#define LONGEST_NS (30 * NS_PER_S)
#define LAST_NS	   (200 * NS_PER_MS)

enum { DOUBLINGS_MAX = 6 };

/* splitmix64 (Steele, Lea, Flood 2014). */
static u64 chance(u64 *seed)
{
	u64 z = *seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

u64 backoff_fail_ns(struct backoff *backoff, bool last)
{
	u64 pause_ns = MIN(FIRST_NS << MIN(backoff->failures, DOUBLINGS_MAX), LONGEST_NS);

	if (backoff->failures < DOUBLINGS_MAX)
		backoff->failures++;
	pause_ns += chance(&backoff->seed) % (pause_ns / 2) - pause_ns / 4;
	return last ? MIN(pause_ns, LAST_NS) : pause_ns;
}
