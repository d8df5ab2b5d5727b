/* SPDX-License-Identifier: BSD-2-Clause */
/* Goroutines by creation site: how many each has made, and which of them grow of late. */
#ifndef MODEL_GOSITES_H
#define MODEL_GOSITES_H

#include "event/event.h"
#include "model/hot_sites.h"

enum { GOSITE_PC, GOSITE_START }; /* keys: gopc, startpc */

/* What one go statement has started. */
struct gosite {
	/* Heat: created - exited of late, with a time constant of 30 s; the runtime's own have
	 * none. */
	struct hot_site hot;
	u64 created, exited;	       /* since attach */
	u64 last_created, last_exited; /* of the last sample, which starts anew when probes do */
};

/* NULL: out of memory. */
struct hot_sites *gosites_new(size_t limit);

/* Takes in a sample's sites. Returns 0, or -ENOMEM: some sites could not be taken in. */
int gosites_update(struct hot_sites *sites, u64 time_ns, const struct event_sample *sample);

/* As hot_sites_top(), of those that grow. */
size_t gosites_top(const struct hot_sites *sites, const struct hot_site **ret, size_t max);

static inline const struct gosite *gosite_of(const struct hot_site *hot)
{
	return (const struct gosite *)hot;
}

#endif
