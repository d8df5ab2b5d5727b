/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole file, mapped for reading: how a target's executable gets to gobin.
 * It costs address space, not memory: only the pages that are read get loaded.
 */
#ifndef PROC_FILE_H
#define PROC_FILE_H

#include "base/cursor.h"
#include "base/err.h"

/* Larger executables are refused: no Go linker writes them, and 32-bit offsets stay exact. */
#define PROC_FILE_MAX_BYTES (4ULL << 30)

struct proc_file {
	struct bytes bytes;
	u64 dev, ino;		/* which file it is, whatever its path is by now */
	u64 mtime_ns, ctime_ns; /* when its bytes, and anything of it, were last changed */
};

/*
 * Maps the regular file at path. Never blocks on a FIFO or a device.
 * What a file is cut short of later reads as zeros: proc/truncation.h. The kernel
 * refuses that of an executable that runs (ETXTBSY), but it ends or executes another.
 *
 * Returns 0; -EINVAL (no regular file), -ENODATA (empty), -EFBIG (too large), -ENFILE
 * (too many are open), or what open(2) and mmap(2) say: -ENOENT, -EACCES, -ENOMEM…
 */
int proc_file_open(const char *path, struct proc_file *ret, struct err *err);

/*
 * Lets the kernel take the pages of a part of a mapped file back: they count as
 * ours until then. They are read again when they are needed.
 */
void proc_file_release(struct bytes range);

/* A path to an open file, whatever became of its name; for this process's own use. */
enum { PROC_FD_PATH_BYTES = 32 };
void proc_fd_path(char ret[static PROC_FD_PATH_BYTES], int fd);

/* Unmaps and zeroes; a zeroed struct is fine. */
void proc_file_close(struct proc_file *file);

#endif
