/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mapped files that others cut short: what is missing then reads as zeros, which
 * parsers refuse, where the kernel would end the agent with SIGBUS. Copies can't
 * stand in for mappings: executables have hundreds of MB.
 *
 * The handler of a signal has no argument, so the list of mappings is the one
 * variable of its process that a layer below daemon/ keeps. It is an array of
 * atomic words: any thread may fault or map meanwhile.
 */
#ifndef PROC_TRUNCATION_H
#define PROC_TRUNCATION_H

#include "base/cursor.h"
#include "base/err.h"

/* Twice what a full daemon maps: a binary of each target, those kept, and one it looks into. */
enum { TRUNCATION_MAX = 512 };

/*
 * Handles SIGBUS from now on, in children too; for main(). One of another cause
 * ends the process as ever. Returns 0 or a negative errno.
 */
int truncation_survive(void);

/*
 * Lists a private mapping of a file, of at most 4 GiB, as one to survive in;
 * -ENFILE: there are TRUNCATION_MAX of them.
 */
int truncation_watch(struct bytes mapping);

/* Takes it off the list; for a mapping that is not on it, nothing. Before it is unmapped. */
void truncation_forget(struct bytes mapping);

#endif
