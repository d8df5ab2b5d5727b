/* SPDX-License-Identifier: BSD-2-Clause */
/* A small text file, such as /proc and /sys have. */
#ifndef PROC_TEXT_FILE_H
#define PROC_TEXT_FILE_H

#include <stddef.h>

/*
 * Reads it, NUL-terminated and cut to size - 1. dir: an open folder that path is
 * relative to, or AT_FDCWD. Returns 0 or a negative errno.
 */
int text_file_read(int dir, const char *path, char *buf, size_t size);

#endif
