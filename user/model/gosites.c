/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/gosites.h"

#include <errno.h>
#include <float.h>

#define GROWTH_TIME_CONSTANT_S 30.0

struct hot_sites *gosites_new(size_t limit)
{
	return hot_sites_new(limit, sizeof(struct gosite), GROWTH_TIME_CONSTANT_S);
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
	if (!seen->system)
		site->hot.heat += (double)created - (double)exited;
}

int gosites_update(struct hot_sites *sites, u64 time_ns, const struct event_sample *sample)
{
	int err = 0;

	hot_sites_decay(sites, time_ns);
	for (size_t i = 0; i < sample->go_site_count; i++) {
		const struct event_go_site *seen = &sample->go_sites[i];
		const u64 key[HOT_SITE_KEYS] = {
			[GOSITE_PC] = seen->gopc, [GOSITE_START] = seen->startpc
		};
		struct hot_site *hot;
		int got = hot_sites_get(sites, key, &hot);

		if (!got)
			site_update((struct gosite *)hot, seen);
		else if (got == -ENOMEM)
			err = got;
	}
	return err;
}

size_t gosites_top(const struct hot_sites *sites, const struct hot_site **ret, size_t max)
{
	return hot_sites_top(sites, DBL_MIN, ret, max);
}
