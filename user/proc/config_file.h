/* SPDX-License-Identifier: BSD-2-Clause */
/* What people configure: small files that may be changed while they are read, and folders of them.
 */
#ifndef PROC_CONFIG_FILE_H
#define PROC_CONFIG_FILE_H

#include <stddef.h>

#include "base/err.h"
#include "base/macros.h"

/*
 * Reads the regular file at path, of at most max_bytes, into memory from malloc. Never blocks on a
 * FIFO or a device.
 *
 * Returns 0; -EISDIR, -EINVAL (no regular file), -EFBIG, -ENOMEM, or what open(2) and read(2) say.
 */
int config_file_read(const char *path, size_t max_bytes, char **ret, size_t *ret_size,
		     struct err *err);

/* The names of a folder's files that end with a suffix, in the order of their bytes. */
struct config_folder {
	char **name; /* owned, as the array is */
	size_t count;
};

/*
 * suffix: ".yaml". Hidden files (".a.yaml") are left out.
 * Returns 0; -E2BIG (more than max of them), -ENOMEM, or what opendir(3) says.
 */
int config_folder_list(const char *path, const char *suffix, size_t max, struct config_folder *ret,
		       struct err *err);
void config_folder_done(struct config_folder *folder);

#endif
