/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROBE_MONOTONIC_H
#define PROBE_MONOTONIC_H

#include <time.h>

#include <gosonde/types.h>

#include "base/units.h"

/* CLOCK_MONOTONIC. */
static inline u64 monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * NS_PER_S + (u64)ts.tv_nsec;
}

#endif
