/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading a target's memory, whoever does it: a live process, a file's image, a test. */
#ifndef GOBIN_MEMORY_H
#define GOBIN_MEMORY_H

#include <stddef.h>

#include <gosonde/types.h>

struct memory_piece {
	u64 addr; /* run-time */
	void *buf;
	size_t len;
};

struct memory_reader {
	/* All of len bytes at a run-time address. Returns 0 or a negative errno. */
	int (*read)(void *arg, u64 addr, void *buf, size_t len);
	/*
	 * Many pieces in one go. Returns how many were read whole, from the first on: the one
	 * after them can't be read. NULL: the reader has no such way.
	 */
	size_t (*read_pieces)(void *arg, const struct memory_piece *pieces, size_t n);
	void *arg;
};

/* What read_pieces() does, of any reader: how many were read, from the first on, n at most. */
size_t memory_read_pieces(const struct memory_reader *mem, const struct memory_piece *pieces,
			  size_t n);

#endif
