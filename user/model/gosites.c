/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/gosites.h"

#include <errno.h>
#include <math.h>

#define GROWTH_TIME_CONSTANT_S 30.0

struct gosites {
	size_t limit;
	u64 time_ns; /* of the last sample */
	u64 refused;
	struct gosite *table;
};

struct gosites *gosites_new(size_t limit)
{
	struct gosites *sites = calloc(1, sizeof(*sites));

	if (sites)
		sites->limit = limit;
	return sites;
}

void gosites_free(struct gosites *sites)
{
	struct gosite *site, *next;

	if (!sites)
		return;
	HASH_ITER (hh, sites->table, site, next) {
		HASH_DEL(sites->table, site);
		free(site);
	}
	free(sites);
}

static int site_get(struct gosites *sites, const struct event_go_site *seen, struct gosite **ret)
{
	struct gosite *site, probe = { .key = { seen->gopc, seen->startpc } };

	HASH_FIND(hh, sites->table, &probe.key, sizeof(probe.key), site);
	if (site) {
		*ret = site;
		return 0;
	}
	if (HASH_COUNT(sites->table) >= sites->limit) {
		sites->refused++;
		return -ENOSPC;
	}
	site = calloc(1, sizeof(*site));
	if (!site)
		return -ENOMEM;
	*site = probe;
	HASH_ADD(hh, sites->table, key, sizeof(site->key), site);
	if (!site->hh.tbl) {
		free(site);
		return -ENOMEM;
	}
	*ret = site;
	return 0;
}

/* A count that fell has started anew. */
static u64 advance(u64 now, u64 *last)
{
	u64 delta = now >= *last ? now - *last : now;

	*last = now;
	return delta;
}

static void site_update(struct gosite *site, const struct event_go_site *seen)
{
	u64 created = advance(seen->created, &site->last_created);
	u64 exited = advance(seen->exited, &site->last_exited);

	site->created += created;
	site->exited += exited;
	site->growth += (double)created - (double)exited;
	site->system = seen->system;
}

static void decay(struct gosites *sites, u64 time_ns)
{
	double seconds = time_ns > sites->time_ns ? (double)(time_ns - sites->time_ns) / 1e9 : 0;
	double keep = exp(-seconds / GROWTH_TIME_CONSTANT_S);

	for (struct gosite *site = sites->table; site; site = site->hh.next)
		site->growth *= keep;
	sites->time_ns = MAX(sites->time_ns, time_ns);
}

int gosites_update(struct gosites *sites, u64 time_ns, const struct event_sample *sample)
{
	int err = 0;

	decay(sites, time_ns);
	for (size_t i = 0; i < sample->go_site_count; i++) {
		struct gosite *site;
		int got = site_get(sites, &sample->go_sites[i], &site);

		if (!got)
			site_update(site, &sample->go_sites[i]);
		else if (got == -ENOMEM)
			err = got;
	}
	return err;
}

/* Keeps ret[] in order; what falls off its end is forgotten. Returns the new length. */
static size_t insert_sorted(const struct gosite **ret, size_t n, size_t max,
			    const struct gosite *site)
{
	size_t at = n;

	while (at > 0 && ret[at - 1]->growth < site->growth)
		at--;
	if (at == max)
		return n;
	for (size_t i = MIN(n, max - 1); i > at; i--)
		ret[i] = ret[i - 1];
	ret[at] = site;
	return MIN(n + 1, max);
}

size_t gosites_top(const struct gosites *sites, const struct gosite **ret, size_t max)
{
	size_t n = 0;

	for (const struct gosite *site = sites->table; site; site = site->hh.next) {
		if (!site->system && site->growth > 0)
			n = insert_sorted(ret, n, max, site);
	}
	return n;
}

u64 gosites_refused(const struct gosites *sites)
{
	return sites->refused;
}
