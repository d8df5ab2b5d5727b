/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is mapped where in a process: /proc/PID/maps. The paths in it are the
 * process's choice; they may hold any byte and end in " (deleted)" honestly or not.
 */
#ifndef PROC_MAPS_H
#define PROC_MAPS_H

#include <stdbool.h>

#include "base/cursor.h"
#include "base/err.h"

enum { MAPS_PATH_BYTES = 4096 }; /* PATH_MAX: the kernel shows no longer one */

struct maps_entry {
	u64 start, end;
	u64 offset; /* in the file */
	u64 ino;    /* 0: no file */
	u32 major, minor;
	bool readable, writable, executable;
	/* Unescaped, raw; "" for anonymous memory, "[vdso]", "[heap]"…; cut if too long. */
	char path[MAPS_PATH_BYTES];
};

/* Over the text of a maps file; start it as { .text = … }. Pure. */
struct maps_iter {
	struct bytes text;
	size_t pos;
};

/*
 * The next mapping; lines that are none are skipped.
 * Returns false at the end of the text, ret then undefined.
 */
bool maps_next(struct maps_iter *it, struct maps_entry *ret);

/* The mapping that holds addr. Returns 0 or -ENOENT. */
int maps_find(struct bytes text, u64 addr, struct maps_entry *ret);

/*
 * Reads the maps of a process; free ret->data.
 * Returns 0, -EFBIG (more mappings than vm.max_map_count allows by default),
 * -ENOMEM, or what open(2) and read(2) say: -ENOENT, -ESRCH, -EACCES…
 */
int maps_read(int pid, struct bytes *ret, struct err *err);

/*
 * Opens the mapped file for reading: the very one where the kernel lets us
 * (/proc/PID/map_files), else what the process's root has at its path by now,
 * if that is the same inode.
 * Returns a file descriptor to close, -ENOENT (no file, or another by now), or
 * what open(2) says.
 */
int maps_open(int pid, const struct maps_entry *entry, struct err *err);

#endif
