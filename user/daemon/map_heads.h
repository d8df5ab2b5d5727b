/* SPDX-License-Identifier: BSD-2-Clause */
/* How many entries the maps of a sample have, and those that were asked for: read from memory. */
#ifndef DAEMON_MAP_HEADS_H
#define DAEMON_MAP_HEADS_H

#include "daemon/tally_maps.h"
#include "event/event.h"
#include "gobin/live.h"
#include "gobin/map_head.h"

/* All zero is an empty one. */
struct map_heads {
	struct map_key wanted[TALLY_MAPS_WANTED];
	size_t wanted_count;
	struct event_map_head head[GO_MAP_HEADS_MAX];
};

/* Maps to read beside those of the sample, from now on. */
void map_heads_want(struct map_heads *heads, const struct map_key *keys, size_t n);

/* Sets the heads of the sample, which borrows them until the next call. What can't be a map's is
 * left out. */
void map_heads_read(struct map_heads *heads, const struct go_process *go, struct event_sample *ret);

#endif
