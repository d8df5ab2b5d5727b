/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Creation sites over many censuses: what each census said of the goroutines
 * that stayed, and the ages of the last one. Bounded by what an event may hold;
 * a site that is not in the last census is not here.
 */
#ifndef MODEL_CENSUS_SITES_H
#define MODEL_CENSUS_SITES_H

#include <stddef.h>

#include "base/macros.h"
#include "event/event.h"

enum {
	CENSUS_SITES_MAX = 64,	/* more of an event are left out, and counted */
	CENSUS_AGES_MAX = 512,	/* of a site; more are left out */
	CENSUS_POINTS_MAX = 64, /* five minutes of a census every five seconds */
};

/* Since the site was first seen. */
struct census_point {
	u64 time_ns;
	/* By how long they had stayed: how many came to that age, and how many ended past it. */
	u64 came[EVENT_STAYS], ended[EVENT_STAYS];
};

struct census_site {
	struct event_census_site last; /* of the last census; its ages are owned */
	u64 first_ns;		       /* the first census that had it */
	size_t point_count;
	struct census_point point[CENSUS_POINTS_MAX]; /* the last ones, oldest first */
};

struct census_sites;

/* NULL: out of memory. */
struct census_sites *census_sites_new(void);
void census_sites_free(struct census_sites *sites);
DEFINE_FREEP(struct census_sites, census_sites_free)

/* Returns 0, or -ENOMEM: some sites are missing. */
int census_sites_update(struct census_sites *sites, u64 time_ns, const struct event_census *census);

/* Those of the last census, in its order. */
size_t census_sites_count(const struct census_sites *sites);
const struct census_site *census_sites_at(const struct census_sites *sites, size_t i);

/* NULL: not in the last census. */
const struct census_site *census_sites_find(const struct census_sites *sites, u64 gopc);

/* How old one is for certain that stayed; see event_census.stay_ns. */
u64 census_sites_stay_ns(const struct census_sites *sites, size_t level);

/* Sites that a census left out, here or before; of each census anew. */
u64 census_sites_left_out(const struct census_sites *sites);

#endif
