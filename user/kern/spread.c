/* SPDX-License-Identifier: BSD-2-Clause */
#include "kern/spread.h"

void spread_add_cpu(void *arg, size_t cpu, const u64 *words)
{
	const struct wire_counters *c = (const struct wire_counters *)words;
	struct spread_sum *s = arg;
	struct kern_spread *spread = s->spread;
	const struct wire_window *window = &c->windows[spread->group];
	u64 hits = 0;
	double since;

	for (size_t fn = spread->first; fn <= spread->last; fn++)
		hits += c->hits[fn];
	since = (double)(hits - spread->seen[cpu]);
	spread->seen[cpu] = hits;
	s->sum += since;
	s->squares += since * since;
	if (window->number == spread->window)
		spread->windows[spread->hit_cpus++] = *window;
}
