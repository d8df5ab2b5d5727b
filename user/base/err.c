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
	char prefix[sizeof(err->text) / 2];
	struct err before;
	va_list args;

	if (!err)
		return as_failure(code);
	before = *err;
	va_start(args, fmt);
	vsnprintf(prefix, sizeof(prefix), fmt, args);
	va_end(args);
	return err_set(err, code, "%s: %s", prefix, before.text);
}
