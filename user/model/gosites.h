/* SPDX-License-Identifier: BSD-2-Clause */
/* Goroutines by creation site: how many each has made, and which of them grow of late. Bounded. */
#ifndef MODEL_GOSITES_H
#define MODEL_GOSITES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"
#include "event/event.h"
#include "base/table.h"

/* What one go statement has started. */
struct gosite {
	struct {
		u64 gopc, startpc;
	} key;
	u64 created, exited;	       /* since attach */
	u64 last_created, last_exited; /* of the last sample, which starts anew when probes do */
	double growth; /* created - exited of late: decays with a time constant of 30 s */
	bool system;
	UT_hash_handle hh;
};

struct gosites;

/* NULL: out of memory. */
struct gosites *gosites_new(size_t limit);
void gosites_free(struct gosites *sites);
DEFINE_FREEP(struct gosites, gosites_free)

/* Takes in a sample's sites. Returns 0, or -ENOMEM: some sites could not be taken in. */
int gosites_update(struct gosites *sites, u64 time_ns, const struct event_sample *sample);

/* Up to max sites that grew most of late, most first, without the runtime's own. Returns how many.
 */
size_t gosites_top(const struct gosites *sites, const struct gosite **ret, size_t max);

u64 gosites_refused(
	const struct gosites *sites); /* updates of sites for which the table had no room */

#endif
