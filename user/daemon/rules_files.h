/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules out of their files: the main one, and those of the folder that it includes. */
#ifndef DAEMON_RULES_FILES_H
#define DAEMON_RULES_FILES_H

#include "alert/ruleset.h"

/*
 * Reads the file at path, then every *.yaml in the folder that it includes, in the order of their
 * names; the folder is relative to the file's own.
 *
 * ret_included: how many; may be NULL.
 * Returns 0; -EINVAL (something in a file is wrong: err says which, where, and what was
 * expected), or that a file or the folder can't be read: -ENOENT, -EACCES, -EFBIG, -E2BIG…
 */
int rules_files_read(const char *path, struct ruleset **ret, size_t *ret_included, struct err *err);

#endif
