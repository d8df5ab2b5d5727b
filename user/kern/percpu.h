/* SPDX-License-Identifier: BSD-2-Clause */
/* Per-CPU maps whose values are arrays of u64, read as sums over the CPUs. */
#ifndef KERN_PERCPU_H
#define KERN_PERCPU_H

#include <stddef.h>

#include <gosonde/types.h>

#include "base/err.h"

/* Sums the value under key, word by word, into ret. */
int percpu_read_sum(int map_fd, const void *key, u64 *ret, size_t words, struct err *err);

/* Calls fn with each key and its sum (of `words` words), both borrowed for the call. */
int percpu_each_sum(int map_fd, size_t key_size, size_t words,
		    void (*fn)(void *arg, const void *key, const u64 *sum), void *arg,
		    struct err *err);

#endif
