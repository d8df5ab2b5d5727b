/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/hot_sites.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct hot_sites {
	size_t limit, site_bytes;
	double time_constant_s;
	u64 time_ns; /* of the last decay */
	u64 refused;
	struct hot_site *table;
};

struct hot_sites *hot_sites_new(size_t limit, size_t site_bytes, double time_constant_s)
{
	struct hot_sites *sites = calloc(1, sizeof(*sites));

	if (!sites)
		return NULL;
	sites->limit = limit;
	sites->site_bytes = site_bytes;
	sites->time_constant_s = time_constant_s;
	return sites;
}

void hot_sites_free(struct hot_sites *sites)
{
	struct hot_site *site, *next;

	if (!sites)
		return;
	HASH_ITER (hh, sites->table, site, next) {
		HASH_DEL(sites->table, site);
		free(site);
	}
	free(sites);
}

void hot_sites_decay(struct hot_sites *sites, u64 time_ns)
{
	double seconds = time_ns > sites->time_ns ? (double)(time_ns - sites->time_ns) / 1e9 : 0;
	double keep = exp(-seconds / sites->time_constant_s);

	for (struct hot_site *site = sites->table; site; site = site->hh.next)
		site->heat *= keep;
	sites->time_ns = MAX(sites->time_ns, time_ns);
}

static struct hot_site *add(struct hot_sites *sites, const u64 key[static HOT_SITE_KEYS])
{
	struct hot_site *site = calloc(1, sites->site_bytes);

	if (!site)
		return NULL;
	memcpy(site->key, key, sizeof(site->key));
	HASH_ADD(hh, sites->table, key, sizeof(site->key), site);
	if (site->hh.tbl)
		return site;
	free(site);
	return NULL;
}

int hot_sites_get(struct hot_sites *sites, const u64 key[static HOT_SITE_KEYS],
		  struct hot_site **ret)
{
	struct hot_site *site;

	HASH_FIND(hh, sites->table, key, sizeof(site->key), site);
	if (!site && HASH_COUNT(sites->table) >= sites->limit) {
		sites->refused++;
		return -ENOSPC;
	}
	*ret = site ? site : add(sites, key);
	return *ret ? 0 : -ENOMEM;
}

/* Keeps ret[] in order; what falls off its end is forgotten. Returns the new length. */
static size_t insert_sorted(const struct hot_site **ret, size_t n, size_t max,
			    const struct hot_site *site)
{
	size_t at = n;

	while (at > 0 && ret[at - 1]->heat < site->heat)
		at--;
	if (at == max)
		return n;
	for (size_t i = MIN(n, max - 1); i > at; i--)
		ret[i] = ret[i - 1];
	ret[at] = site;
	return MIN(n + 1, max);
}

size_t hot_sites_top(const struct hot_sites *sites, double least, const struct hot_site **ret,
		     size_t max)
{
	size_t n = 0;

	for (const struct hot_site *site = sites->table; site; site = site->hh.next) {
		if (site->heat >= least)
			n = insert_sorted(ret, n, max, site);
	}
	return n;
}

double hot_sites_heat(const struct hot_sites *sites)
{
	double heat = 0;

	for (const struct hot_site *site = sites->table; site; site = site->hh.next)
		heat += site->heat;
	return heat;
}

u64 hot_sites_refused(const struct hot_sites *sites)
{
	return sites->refused;
}
