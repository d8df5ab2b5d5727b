/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why a goroutine waits, in the runtime's own words. What a number in
 * g.waitreason means changes with most releases, so no table of ours says it:
 * the process itself has runtime.waitReasonStrings, an array of Go strings that
 * is known by its content. Its order began with "", "GC assist marking", "IO
 * wait" in every release from 1.11 to 1.27 (runtime/runtime2.go).
 */
#ifndef GOBIN_WAITREASON_H
#define GOBIN_WAITREASON_H

#include "gobin/live.h"

enum {
	WAIT_REASONS_MAX = 64,	/* Go 1.27 has 47 */
	WAIT_REASON_BYTES = 48, /* with the NUL; the longest of 1.27 has 31 letters */
};

struct go_wait_reasons {
	/* How many texts follow each other there; those of other variables may trail behind the
	 * runtime's, under numbers that no goroutine has. */
	size_t count;
	char text[WAIT_REASONS_MAX][WAIT_REASON_BYTES]; /* raw; "" for 0, no reason */
};

/*
 * Reads them out of the variables of a live process, once per process: some
 * MiB of its memory in a large program.
 * Returns 0, -ENOENT (no such array), or what the reader returned.
 */
int go_wait_reasons_read(const struct go_process *p, struct go_wait_reasons *ret, struct err *err);

/* The text of a number; NULL if there is none. */
const char *go_wait_reason(const struct go_wait_reasons *reasons, u32 number);

#endif
