/* SPDX-License-Identifier: BSD-2-Clause */
/* Map writes by call site, and which of them write most of late. */
#ifndef MODEL_WRITE_SITES_H
#define MODEL_WRITE_SITES_H

#include "event/event.h"
#include "model/hot_sites.h"

enum {
	WRITE_SITE_PC,
	WRITE_SITE_TYPE,
	WRITE_SITE_FN
}; /* keys: return address, type, enum wire_fn */

/* Heat: writes of late, with a time constant of 10 s. NULL: out of memory. */
struct hot_sites *write_sites_new(size_t limit);

/* Takes in a sample's sites. Returns 0, or -ENOMEM: some sites could not be taken in. */
int write_sites_update(struct hot_sites *sites, u64 time_ns, const struct event_sample *sample);

/* As hot_sites_top(), of those that wrote. */
size_t write_sites_top(const struct hot_sites *sites, const struct hot_site **ret, size_t max);

#endif
