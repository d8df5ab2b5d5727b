/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/write_sites.h"

#include <errno.h>

#define RECENT_TIME_CONSTANT_S 10.0

struct write_site {
	struct hot_site hot;
	u64 last_writes; /* of the last sample, which starts anew when probes do */
};

struct hot_sites *write_sites_new(size_t limit)
{
	return hot_sites_new(limit, sizeof(struct write_site), RECENT_TIME_CONSTANT_S);
}

static void site_update(struct write_site *site, u64 writes)
{
	site->hot.heat +=
		(double)(writes >= site->last_writes ? writes - site->last_writes : writes);
	site->last_writes = writes;
}

int write_sites_update(struct hot_sites *sites, u64 time_ns, const struct event_sample *sample)
{
	int err = 0;

	hot_sites_decay(sites, time_ns);
	for (size_t i = 0; i < sample->map_site_count; i++) {
		const struct event_map_site *seen = &sample->map_sites[i];
		const u64 key[HOT_SITE_KEYS] = { [WRITE_SITE_PC] = seen->return_pc,
						 [WRITE_SITE_TYPE] = seen->type,
						 [WRITE_SITE_FN] = seen->fn };
		struct hot_site *hot;
		int got;

		if (seen->fn >= WIRE_FN_MAPDELETE)
			continue;
		got = hot_sites_get(sites, key, &hot);
		if (!got)
			site_update((struct write_site *)hot, seen->count);
		else if (got == -ENOMEM)
			err = got;
	}
	return err;
}

size_t write_sites_top(const struct hot_sites *sites, const struct hot_site **ret, size_t max)
{
	return hot_sites_top(sites, 1, ret, max);
}
