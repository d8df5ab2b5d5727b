/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Turns a target's addresses into text. Filled by whoever knows the binary and
 * the process (live) or the recording (replay). The text is raw: it comes from
 * the target and must be escaped on every way out.
 *
 * Go's compiler inlines calls, so a program counter stands for one or more
 * frames; event/stack.h walks the frames of a stack.
 */
#ifndef EVENT_NAMES_H
#define EVENT_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include <gosonde/types.h>

enum frame_kind {
	FRAME_PROGRAM, /* the program's own, C code, and what has no name */
	FRAME_RUNTIME, /* the Go runtime's */
	FRAME_PANIC,   /* the same, and a wrapper that called it belongs into stacks */
	FRAME_WRAPPER, /* made by the compiler: it stands in no source file */
};

struct names {
	void *arg;
	/*
	 * The place in the source that pc stands for: of its frames the innermost
	 * that is neither the runtime's nor a wrapper, else the innermost. Text as
	 * of frame_at.
	 * Returns 0, or a negative errno: it is no Go code. buf is set all the same.
	 */
	int (*frame)(void *arg, u64 pc, bool return_address, char *buf, size_t size);
	/*
	 * The depth-th frame of pc, 0 for the innermost: "main.(*Cache).Put cache.go:42"
	 * with the file as its last path element, "symbol libname.so" or
	 * "libname.so+0x<offset>" for other code, "0x<pc>" for what is unknown, which
	 * is one frame too. return_address: look up the call, not what follows it.
	 * Returns its enum frame_kind, or -ENOENT: pc has no more than depth frames,
	 * and none at all if it is known not to be code.
	 */
	int (*frame_at)(void *arg, u64 pc, bool return_address, size_t depth, char *buf,
			size_t size);
	/* Name of the function that holds pc, alone, inlined or not. Returns as frame does. */
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
