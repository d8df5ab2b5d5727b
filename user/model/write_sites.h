/* SPDX-License-Identifier: BSD-2-Clause */
/* Map writes by call site, and which of them write most of late. Bounded. */
#ifndef MODEL_WRITE_SITES_H
#define MODEL_WRITE_SITES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"
#include "base/table.h"
#include "event/event.h"

struct write_site {
	struct {
		u64 fn; /* enum wire_fn */
		u64 return_pc, type;
	} key;
	u64 last_writes; /* of the last sample, which starts anew when probes do */
	double recent;	 /* writes of late: decays with a time constant of 10 s */
	UT_hash_handle hh;
};

struct write_sites;

/* NULL: out of memory. */
struct write_sites *write_sites_new(size_t limit);
void write_sites_free(struct write_sites *sites);
DEFINE_FREEP(struct write_sites, write_sites_free)

/* Takes in a sample's sites. Returns 0, or -ENOMEM: some sites could not be taken in. */
int write_sites_update(struct write_sites *sites, u64 time_ns, const struct event_sample *sample);

/* Up to max sites that wrote most of late, most first. Returns how many. */
size_t write_sites_top(const struct write_sites *sites, const struct write_site **ret, size_t max);

/* Writes of late by all sites. */
double write_sites_recent(const struct write_sites *sites);

/* Updates of sites for which the table had no room. */
u64 write_sites_refused(const struct write_sites *sites);

#endif
