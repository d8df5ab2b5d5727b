/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/map_heads.h"

#include <string.h>

#include "gobin/gobin.h"

void map_heads_want(struct map_heads *heads, const struct map_key *keys, size_t n)
{
	heads->wanted_count = MIN(n, (size_t)TALLY_MAPS_WANTED);
	memcpy(heads->wanted, keys, heads->wanted_count * sizeof(*keys));
}

static bool is_wanted(const struct map_heads *heads, const struct event_map *map)
{
	for (size_t i = 0; i < heads->wanted_count; i++) {
		if (heads->wanted[i].map == map->map && heads->wanted[i].type == map->type)
			return true;
	}
	return false;
}

/* Those that were asked for first: they are followed already. Returns how many. */
static size_t choose(const struct map_heads *heads, const struct event_sample *sample,
		     struct map_key *ret)
{
	size_t n = MIN(heads->wanted_count, (size_t)GO_MAP_HEADS_MAX);

	memcpy(ret, heads->wanted, n * sizeof(*ret));
	for (size_t i = 0; i < sample->map_count && n < GO_MAP_HEADS_MAX; i++) {
		if (!is_wanted(heads, &sample->maps[i]))
			ret[n++] = (struct map_key) { sample->maps[i].map, sample->maps[i].type };
	}
	return n;
}

void map_heads_read(struct map_heads *heads, const struct go_process *go, struct event_sample *ret)
{
	struct map_key key[GO_MAP_HEADS_MAX];
	struct go_map_head head[GO_MAP_HEADS_MAX];
	bool known[GO_MAP_HEADS_MAX];
	u64 address[GO_MAP_HEADS_MAX] = { 0 };
	size_t n = choose(heads, ret, key);

	for (size_t i = 0; i < n; i++)
		address[i] = key[i].map;
	go_map_heads(&go->mem, gobin_info(go->bin)->swiss_maps, address, n, head, known);
	ret->map_heads = heads->head;
	ret->map_head_count = 0;
	for (size_t i = 0; i < n; i++) {
		if (known[i])
			heads->head[ret->map_head_count++] = (struct event_map_head) {
				.map = key[i].map,
				.type = key[i].type,
				.entries = head[i].entries,
				.slots_max = head[i].slots_max,
				.seed = head[i].seed,
			};
	}
}
