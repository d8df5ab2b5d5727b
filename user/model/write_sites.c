/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/write_sites.h"

#include <errno.h>
#include <math.h>

#define RECENT_TIME_CONSTANT_S 10.0

struct write_sites {
	size_t limit;
	u64 time_ns; /* of the last sample */
	u64 refused;
	struct write_site *table;
};

struct write_sites *write_sites_new(size_t limit)
{
	struct write_sites *sites = calloc(1, sizeof(*sites));

	if (sites)
		sites->limit = limit;
	return sites;
}

void write_sites_free(struct write_sites *sites)
{
	struct write_site *site, *next;

	if (!sites)
		return;
	HASH_ITER (hh, sites->table, site, next) {
		HASH_DEL(sites->table, site);
		free(site);
	}
	free(sites);
}

static int site_get(struct write_sites *sites, const struct event_map_site *seen,
		    struct write_site **ret)
{
	struct write_site *site, probe = { .key = { seen->fn, seen->return_pc, seen->type } };

	HASH_FIND(hh, sites->table, &probe.key, sizeof(probe.key), site);
	if (!site && HASH_COUNT(sites->table) >= sites->limit) {
		sites->refused++;
		return -ENOSPC;
	}
	if (!site) {
		site = calloc(1, sizeof(*site));
		if (!site)
			return -ENOMEM;
		*site = probe;
		HASH_ADD(hh, sites->table, key, sizeof(site->key), site);
		if (!site->hh.tbl) {
			free(site);
			return -ENOMEM;
		}
	}
	*ret = site;
	return 0;
}

static void site_update(struct write_site *site, u64 writes)
{
	site->recent += (double)(writes >= site->last_writes ? writes - site->last_writes : writes);
	site->last_writes = writes;
}

static void decay(struct write_sites *sites, u64 time_ns)
{
	double seconds = time_ns > sites->time_ns ? (double)(time_ns - sites->time_ns) / 1e9 : 0;
	double keep = exp(-seconds / RECENT_TIME_CONSTANT_S);

	for (struct write_site *site = sites->table; site; site = site->hh.next)
		site->recent *= keep;
	sites->time_ns = MAX(sites->time_ns, time_ns);
}

int write_sites_update(struct write_sites *sites, u64 time_ns, const struct event_sample *sample)
{
	int err = 0;

	decay(sites, time_ns);
	for (size_t i = 0; i < sample->map_site_count; i++) {
		const struct event_map_site *seen = &sample->map_sites[i];
		struct write_site *site;
		int got;

		if (seen->fn >= WIRE_FN_MAPDELETE)
			continue;
		got = site_get(sites, seen, &site);
		if (!got)
			site_update(site, seen->count);
		else if (got == -ENOMEM)
			err = got;
	}
	return err;
}

/* Keeps ret[] in order; what falls off its end is forgotten. Returns the new length. */
static size_t insert_sorted(const struct write_site **ret, size_t n, size_t max,
			    const struct write_site *site)
{
	size_t at = n;

	while (at > 0 && ret[at - 1]->recent < site->recent)
		at--;
	if (at == max)
		return n;
	for (size_t i = MIN(n, max - 1); i > at; i--)
		ret[i] = ret[i - 1];
	ret[at] = site;
	return MIN(n + 1, max);
}

size_t write_sites_top(const struct write_sites *sites, const struct write_site **ret, size_t max)
{
	size_t n = 0;

	for (const struct write_site *site = sites->table; site; site = site->hh.next) {
		if (site->recent >= 1)
			n = insert_sorted(ret, n, max, site);
	}
	return n;
}

double write_sites_recent(const struct write_sites *sites)
{
	double recent = 0;

	for (const struct write_site *site = sites->table; site; site = site->hh.next)
		recent += site->recent;
	return recent;
}

u64 write_sites_refused(const struct write_sites *sites)
{
	return sites->refused;
}
