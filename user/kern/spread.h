/* SPDX-License-Identifier: BSD-2-Clause */
/* What the counters of each CPU tell beside their sum: on how many hits came, and what each saw of
 * a window. */
#ifndef KERN_SPREAD_H
#define KERN_SPREAD_H

#include "kern/kern.h"

struct spread_sum {
	struct kern_spread *spread;
	double sum, squares;
};

/* For percpu_read_sum(): arg is a struct spread_sum, words are the CPU's struct wire_counters. */
void spread_add_cpu(void *arg, size_t cpu, const u64 *words);

#endif
