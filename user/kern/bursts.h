/* SPDX-License-Identifier: BSD-2-Clause */
/* What the programs noted of bursts (struct wire_bursts), CPU by CPU, as struct kern_bursts has it.
 */
#ifndef KERN_BURSTS_H
#define KERN_BURSTS_H

#include "kern/kern.h"

/* Adds those of one CPU, whose counters these are, to spread->bursts: of the window that is open.
 */
void bursts_add(struct kern_spread *spread, const struct wire_counters *counters);

#endif
