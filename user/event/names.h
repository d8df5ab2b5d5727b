/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Turns a target's addresses into text. Filled by whoever knows the binary and
 * the process (live) or the recording (replay). The text is raw: it comes from
 * the target and must be escaped on every way out.
 */
#ifndef EVENT_NAMES_H
#define EVENT_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include <gosonde/types.h>

struct names {
	void *arg;
	/*
	 * "main.(*Cache).Put cache.go:42" for a program counter; file as its last
	 * path element. return_address: look up the call, not what follows it.
	 * Returns 0, or a negative errno with buf set to "0x<pc>".
	 */
	int (*frame)(void *arg, u64 pc, bool return_address, char *buf, size_t size);
	/* Name of the function alone. Same returns. */
	int (*func)(void *arg, u64 pc, bool return_address, char *buf, size_t size);
	/* "map[string]*main.Order" for a type descriptor. Returns 0, or negative with buf "?". */
	int (*type)(void *arg, u64 type, char *buf, size_t size);
	/* Bytes of the target: from its memory, else from its file. All of len, or a negative
	 * errno. */
	int (*read)(void *arg, u64 addr, void *buf, size_t len);
	/* A Go string of the target, cut to size - 1. Returns 0, or negative with buf "". */
	int (*string)(void *arg, u64 ptr, u64 len, char *buf, size_t size);
};

#endif
