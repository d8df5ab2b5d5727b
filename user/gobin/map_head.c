/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/map_head.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"

/* A machine's memory holds no more buckets, or tables. */
#define MAX_LOG2 40

enum {
	BUCKET_SLOTS = 8,
	TABLE_SLOTS = 1024, /* internal/runtime/maps.maxTableCapacity */
	HMAP_FLAGS = 0xf,   /* iterator, oldIterator, hashWriting, sameSizeGrow */
};

struct hmap {
	u64 count;
	u8 flags, log2_buckets;
	u16 noverflow;
	u32 hash0;
	u64 buckets;
};

struct swiss_map {
	u64 used, seed, dir_ptr, dir_len;
	u8 global_depth;
};

static int classic_head(const u8 *bytes, struct go_map_head *ret)
{
	struct hmap h;

	memcpy(&h, bytes, sizeof(h));
	if (h.log2_buckets > MAX_LOG2 || h.flags & ~HMAP_FLAGS ||
	    h.count > (u64)BUCKET_SLOTS << h.log2_buckets || (h.count && !h.buckets))
		return -EBADMSG;
	*ret = (struct go_map_head) { h.count, (u64)BUCKET_SLOTS << h.log2_buckets, h.hash0 };
	return 0;
}

static int swiss_head(const u8 *bytes, struct go_map_head *ret)
{
	struct swiss_map m;
	u64 slots;

	memcpy(&m, bytes, sizeof(m));
	if (m.global_depth > MAX_LOG2 || (m.dir_len && m.dir_len != 1ULL << m.global_depth))
		return -EBADMSG;
	slots = m.dir_len ? m.dir_len * TABLE_SLOTS : BUCKET_SLOTS;
	if (m.used > slots || (m.used && !m.dir_ptr))
		return -EBADMSG;
	*ret = (struct go_map_head) { m.used, slots, m.seed };
	return 0;
}

_Static_assert(sizeof(struct hmap) <= GO_MAP_HEAD_BYTES, "head");
_Static_assert(sizeof(struct swiss_map) <= GO_MAP_HEAD_BYTES, "head");

int go_map_head(const u8 bytes[static GO_MAP_HEAD_BYTES], bool swiss, struct go_map_head *ret)
{
	return swiss ? swiss_head(bytes, ret) : classic_head(bytes, ret);
}

/* Sets been[i] for what could be read. */
static void read_all(const struct memory_reader *mem, const struct memory_piece *pieces, size_t n,
		     bool *been)
{
	size_t at = 0, read;

	while (at < n) {
		read = memory_read_pieces(mem, pieces + at, n - at);
		for (size_t i = 0; i < read; i++)
			been[at + i] = true;
		at += read + 1; /* what comes next can't be read */
	}
}

void go_map_heads(const struct memory_reader *mem, bool swiss, const u64 *maps, size_t n,
		  struct go_map_head *ret, bool *known)
{
	struct memory_piece piece[GO_MAP_HEADS_MAX];
	u8 bytes[GO_MAP_HEADS_MAX][GO_MAP_HEAD_BYTES];

	n = MIN(n, (size_t)GO_MAP_HEADS_MAX);
	for (size_t i = 0; i < n; i++) {
		piece[i] = (struct memory_piece) { maps[i], bytes[i], GO_MAP_HEAD_BYTES };
		known[i] = false;
	}
	read_all(mem, piece, n, known);
	for (size_t i = 0; i < n; i++)
		known[i] = known[i] && !go_map_head(bytes[i], swiss, &ret[i]);
}
