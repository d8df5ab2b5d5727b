/* SPDX-License-Identifier: BSD-2-Clause */
/* uthash for bounded tables: a failed allocation is an error to return, not an exit. */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <stddef.h>
#include <string.h>

#include <gosonde/types.h>

/*
 * Keys here are a few words of fixed size: hashed by words (a multiplicative hash, Knuth, TAOCP 3,
 * 6.4, its upper half folded in for the buckets, which go by the lowest bits). uthash's own goes by
 * bytes, which was a quarter of what taking in a record cost. A key's padding counts, as it does to
 * uthash.
 */
static inline unsigned table_hash(const void *key, size_t size)
{
	const char *at = key;
	u64 hash = size;

	for (size_t left = size; left;) {
		size_t step = left < sizeof(u64) ? left : sizeof(u64);
		u64 word = 0;

		memcpy(&word, at, step);
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 32;
		at += step;
		left -= step;
	}
	return (unsigned)hash;
}

#define HASH_FUNCTION(key, size, hash) ((hash) = table_hash(key, size))

/* An element that could not be added has hh.tbl == NULL. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#endif
