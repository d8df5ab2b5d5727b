/* SPDX-License-Identifier: BSD-2-Clause */
/* Per-CPU maps whose values are arrays of u64, read as sums over the CPUs. */
#ifndef KERN_PERCPU_H
#define KERN_PERCPU_H

#include <stdbool.h>
#include <stddef.h>

#include <gosonde/types.h>

#include "base/err.h"

/* Sums the value under key, word by word, into ret. each, unless NULL, sees the value of each CPU.
 */
int percpu_read_sum(int map_fd, const void *key, u64 *ret, size_t words,
		    void (*each)(void *arg, size_t cpu, const u64 *value), void *arg,
		    struct err *err);

/*
 * Calls fn with each key and its sum (of `words` words), both borrowed for the call. take: and
 * deletes the key; what a program adds at that very moment is lost.
 */
int percpu_each_sum(int map_fd, size_t key_size, size_t words, bool take,
		    void (*fn)(void *arg, const void *key, const u64 *sum), void *arg,
		    struct err *err);

struct bpf_map;

/* Makes a row of an array all zeros, on all CPUs if it is one per CPU. */
int percpu_zero_row(const struct bpf_map *map, u32 row, struct err *err);

/* Deletes the keys that drops() names. */
int percpu_drop(int map_fd, size_t key_size, size_t words,
		bool (*drops)(const void *arg, const void *key), const void *arg, struct err *err);

#endif
