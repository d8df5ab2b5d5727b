/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The context of an error: a negative errno says what kind, this says what and
 * where. A library fills one and returns the code; only a program prints it.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/macros.h"

struct err {
	char text[512]; /* one line, no newline at the end; "" when nothing failed */
};

/*
 * Writes the formatted text into err, unless err is NULL.
 *
 * code: a negative errno; zero or a positive one counts as -EINVAL, so that a
 *       failure is never forgotten.
 * Returns the code, for `return err_set(err, -ENOENT, …)`.
 */
int err_set(struct err *err, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/*
 * Puts "<formatted text>: " before what err already says.
 * Returns the code.
 */
int err_prefix(struct err *err, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
