/* SPDX-License-Identifier: BSD-2-Clause */
/* Places in the program's code by how much they do of late. Bounded. */
#ifndef MODEL_HOT_SITES_H
#define MODEL_HOT_SITES_H

#include <stddef.h>

#include <gosonde/types.h>

#include "base/macros.h"
#include "base/table.h"

enum { HOT_SITE_KEYS = 3 };

/* The first member of what is known of a site. */
struct hot_site {
	u64 key[HOT_SITE_KEYS]; /* what tells sites apart; those not used are 0 */
	double heat;		/* what it did of late: decays */
	UT_hash_handle hh;
};

struct hot_sites;

/* site_bytes: of the struct that a hot_site begins. NULL: out of memory. */
struct hot_sites *hot_sites_new(size_t limit, size_t site_bytes, double time_constant_s);
void hot_sites_free(struct hot_sites *sites);
DEFINE_FREEP(struct hot_sites, hot_sites_free)

/* Until then nothing more happened. */
void hot_sites_decay(struct hot_sites *sites, u64 time_ns);

/* The site of that key, a new one with zeros behind its key. Returns 0; -ENOSPC, which is counted;
 * or -ENOMEM. */
int hot_sites_get(struct hot_sites *sites, const u64 key[static HOT_SITE_KEYS],
		  struct hot_site **ret);

/* Up to max sites of at least that heat, hottest first. Returns how many. */
size_t hot_sites_top(const struct hot_sites *sites, double least, const struct hot_site **ret,
		     size_t max);

/* Of all sites together. */
double hot_sites_heat(const struct hot_sites *sites);

/* How often there was no room for a site. */
u64 hot_sites_refused(const struct hot_sites *sites);

#endif
