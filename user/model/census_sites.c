/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/census_sites.h"

#include <errno.h>
#include <string.h>

struct census_sites {
	u64 stay_ns[EVENT_STAYS];
	u64 left_out;
	size_t count;
	struct census_site *site[CENSUS_SITES_MAX]; /* owned */
};

static void site_free(struct census_site *site)
{
	if (!site)
		return;
	free((void *)site->last.ages);
	free(site);
}
DEFINE_FREEP(struct census_site, site_free)

struct census_sites *census_sites_new(void)
{
	return calloc(1, sizeof(struct census_sites));
}

void census_sites_free(struct census_sites *sites)
{
	if (!sites)
		return;
	for (size_t i = 0; i < sites->count; i++)
		site_free(sites->site[i]);
	free(sites);
}

static void add_point(struct census_site *site, const struct census_point *point)
{
	if (site->point_count == CENSUS_POINTS_MAX) {
		site->point_count--;
		memmove(site->point, site->point + 1, site->point_count * sizeof(site->point[0]));
	}
	site->point[site->point_count++] = *point;
}

/* Who came to an age since the last census: those of that age now, and those of then who are not
 * among them. What came before the first census of the site nobody saw. */
static void advance(struct census_site *site, u64 time_ns, const struct event_census_site *now)
{
	struct census_point point = { .time_ns = time_ns };

	if (site->point_count)
		point = site->point[site->point_count - 1];
	for (size_t i = 0; site->point_count && i < EVENT_STAYS; i++) {
		u64 remain = site->last.stayed[i] - MIN(now->ended[i], site->last.stayed[i]);

		point.came[i] += now->stayed[i] - MIN(remain, now->stayed[i]);
		point.ended[i] += now->ended[i];
	}
	point.time_ns = time_ns;
	add_point(site, &point);
}

/* Takes a site's row out of the table; NULL: it has none. */
static struct census_site *take(struct census_sites *sites, u64 gopc)
{
	for (size_t i = 0; i < sites->count; i++) {
		struct census_site *site = sites->site[i];

		if (site && site->last.gopc == gopc) {
			sites->site[i] = NULL;
			return site;
		}
	}
	return NULL;
}

/* Continues a site, or begins it. NULL: out of memory. */
static struct census_site *follow(struct census_sites *sites, u64 time_ns,
				  const struct event_census_site *now)
{
	CLEANUP(site_freep) struct census_site *site = take(sites, now->gopc);
	size_t count = MIN(now->age_count, (size_t)CENSUS_AGES_MAX);
	CLEANUP(freep) struct event_age *ages = calloc(count + 1, sizeof(*ages));

	if (!site)
		site = calloc(1, sizeof(*site));
	if (!site || !ages)
		return NULL;
	if (!site->point_count)
		site->first_ns = time_ns;
	if (count)
		memcpy(ages, now->ages, count * sizeof(*ages));
	advance(site, time_ns, now);
	free((void *)site->last.ages);
	site->last = *now;
	site->last.age_count = count;
	site->last.ages = TAKE_PTR(ages);
	return TAKE_PTR(site);
}

int census_sites_update(struct census_sites *sites, u64 time_ns, const struct event_census *census)
{
	struct census_site *site[CENSUS_SITES_MAX] = { NULL };
	size_t wanted = MIN(census->site_count, (size_t)CENSUS_SITES_MAX), count = 0;

	for (size_t i = 0; i < wanted; i++) {
		site[count] = follow(sites, time_ns, &census->sites[i]);
		count += site[count] != NULL;
	}
	for (size_t i = 0; i < sites->count; i++)
		site_free(sites->site[i]);
	for (size_t i = 0; i < count; i++)
		sites->site[i] = site[i];
	memcpy(sites->stay_ns, census->stay_ns, sizeof(sites->stay_ns));
	sites->count = count;
	sites->left_out += census->sites_left_out + (census->site_count - wanted);
	return count == wanted ? 0 : -ENOMEM;
}

size_t census_sites_count(const struct census_sites *sites)
{
	return sites->count;
}

const struct census_site *census_sites_at(const struct census_sites *sites, size_t i)
{
	return sites->site[i];
}

const struct census_site *census_sites_find(const struct census_sites *sites, u64 gopc)
{
	for (size_t i = 0; i < sites->count; i++) {
		if (sites->site[i]->last.gopc == gopc)
			return sites->site[i];
	}
	return NULL;
}

u64 census_sites_stay_ns(const struct census_sites *sites, size_t level)
{
	return sites->stay_ns[level];
}

u64 census_sites_left_out(const struct census_sites *sites)
{
	return sites->left_out;
}
