/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static int as_failure(int code)
{
	return code < 0 ? code : -EINVAL;
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
	va_list args;

	if (err) {
		va_start(args, fmt);
		vsnprintf(err->text, sizeof(err->text), fmt, args);
		va_end(args);
	}
	return as_failure(code);
}

int err_prefix(struct err *err, int code, const char *fmt, ...)
{
	struct err before;
	va_list args;
	int n;

	if (!err)
		return as_failure(code);
	before = *err;
	va_start(args, fmt);
	n = vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	if (n >= 0 && (size_t)n < sizeof(err->text))
		snprintf(err->text + n, sizeof(err->text) - (size_t)n, ": %s", before.text);
	return as_failure(code);
}
