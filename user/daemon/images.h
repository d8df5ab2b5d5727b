/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files that a process has mapped, for addresses that its executable's Go
 * code does not explain: C code, shared libraries, Go plugins. A file is opened
 * when the first address in it is asked for, and at most IMAGES_MAX of them.
 *
 * Go plugins are told by their file, not by walking runtime.moduledata: one way
 * then serves code and types, plugins and Go libraries with a runtime of their own.
 */
#ifndef DAEMON_IMAGES_H
#define DAEMON_IMAGES_H

#include "gobin/gobin.h"
#include "proc/elf_symbols.h"

enum {
	IMAGES_MAX = 64,
	/* Of all files' symbols, and of plugins, which are read into memory, since their files may
	 * be written to while we look; over all processes. What comes when they are spent stays
	 * unread. */
	IMAGES_MAX_BYTES = 192 << 20,
};

struct images;

/* What a run-time address is. All borrowed from the images, until the next call. */
struct image_place {
	bool data;			   /* mapped, but not to be executed: no code address */
	const char *file;		   /* last element of its path, raw; NULL: anonymous */
	u64 offset;			   /* in the file */
	u64 addr;			   /* link-time; 0: no segment has it */
	u64 bias;			   /* of the file; valid with addr */
	const struct gobin *bin;	   /* keeps; NULL: no Go module but the executable */
	const struct elf_symbols *symbols; /* NULL: the file can't be read */
};

/*
 * program, exe_ino: the executable, whose Go code others look after; borrowed.
 * total_bytes: what the files of all processes take, added to here; borrowed.
 * NULL: out of memory.
 */
struct images *images_new(int pid, u64 exe_ino, const struct gobin *program, u64 *total_bytes);
void images_free(struct images *images);
DEFINE_FREEP(struct images, images_free)

/*
 * Returns 0, or -ENOENT: nothing is mapped there. The maps are read anew for an
 * unknown address, but only some times a second.
 */
int images_find(struct images *images, u64 addr, struct image_place *ret);

/* Opens the file that is mapped there. Returns a file descriptor to close, or as maps_open(). */
int images_open_file(struct images *images, u64 addr, struct err *err);

#endif
