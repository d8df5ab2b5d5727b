/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The head of a Go map in a process's memory: how many entries it has, and
 * whether it is still the map that it was. Foreign bytes, read while the program
 * runs: a head that no map can have is refused.
 *
 * Layouts: hmap is the same in Go 1.15 to 1.23 (runtime/map.go), maps.Map in
 * Go 1.24 to 1.27 (internal/runtime/maps/map.go).
 */
#ifndef GOBIN_MAP_HEAD_H
#define GOBIN_MAP_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "gobin/memory.h"

enum { GO_MAP_HEAD_BYTES = 40, GO_MAP_HEADS_MAX = 256 };

struct go_map_head {
	u64 entries;
	u64 slots_max; /* it has no more slots than these */
	u64 seed;      /* of its hash: another map's differs; drawn anew when a map is emptied */
};

/* swiss: gobin_info.swiss_maps. Returns 0, or -EBADMSG: this is no map. */
int go_map_head(const u8 bytes[static GO_MAP_HEAD_BYTES], bool swiss, struct go_map_head *ret);

/*
 * Reads the heads of n maps, of which no more than GO_MAP_HEADS_MAX are looked
 * at. known[i] tells whether ret[i] was read and can be a map's.
 */
void go_map_heads(const struct memory_reader *mem, bool swiss, const u64 *maps, size_t n,
		  struct go_map_head *ret, bool *known);

#endif
