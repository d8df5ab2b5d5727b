/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binaries that were opened, so that a second process of the same one costs a
 * look at its file: worker processes and restarts are many, their binaries few.
 * The same are those of one device and inode, of one size and times of change, and
 * with one build id: what stands behind a path, or got its inode number, may be
 * another build by now.
 *
 * For one thread. Entries that nobody uses are kept, up to BINARIES_IDLE_MAX.
 */
#ifndef DAEMON_BINARIES_H
#define DAEMON_BINARIES_H

#include "gobin/layout.h"
#include "proc/file.h"

enum { BINARIES_IDLE_MAX = 8 };

/* Shared by all that got it: read only. A process copies the layout, where it checks it. */
struct binary {
	struct proc_file file;
	struct gobin *bin;
	struct go_layout layout; /* as the file alone tells it */
};

struct binaries;

/* NULL: out of memory. Every binary must have been put back before binaries_free(). */
struct binaries *binaries_new(void);
void binaries_free(struct binaries *binaries);
DEFINE_FREEP(struct binaries, binaries_free)

/*
 * The binary at path (a process's: /proc/PID/exe), opened if it is not here yet.
 * Returns 0, or what proc_file_open() and gobin_open() return: failures are not kept.
 */
int binaries_get(struct binaries *binaries, const char *path, const struct binary **ret,
		 struct err *err);

/*
 * A layout that was checked on a process of the binary: what other processes of it
 * said is the same nearly always, and is there once. Returns one that is equal and
 * lives as long as the binary; NULL: there is none, and no room for it.
 */
const struct go_layout *binaries_share_layout(const struct binary *binary,
					      const struct go_layout *layout);

/* What the other files of all targets that share these take: daemon/images.h counts there. */
u64 *binaries_images_bytes(struct binaries *binaries);

/* Gives one back; NULL is fine. */
void binaries_put(struct binaries *binaries, const struct binary *binary);

#endif
