/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/cmd.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"

static enum exit_code exit_code_of(int rc)
{
	switch (rc) {
	case -ESRCH:
		return EXIT_GONE;
	case -EPERM:
	case -EACCES:
	case -ENOSYS: /* the kernel lacks it */
		return EXIT_NOT_PERMITTED;
	default:
		return EXIT_FAILED;
	}
}

int cmd_fail(int rc, const struct err *err)
{
	char text[sizeof(err->text) * TEXT_ESCAPE_GROWTH];

	fprintf(stderr, "gosonde: %s\n", text_escape(text, sizeof(text), err->text));
	return exit_code_of(rc);
}

bool cmd_colour(int fd)
{
	const char *no_color = getenv("NO_COLOR");

	return isatty(fd) && (!no_color || !*no_color);
}

int cmd_parse_pid(const char *text)
{
	char *end;
	long pid;

	errno = 0;
	pid = strtol(text, &end, 10);
	return !*text || *end || errno || pid <= 0 || pid > INT_MAX ? 0 : (int)pid;
}

int cmd_parse(const struct argp *argp, int argc, char **argv, void *input)
{
	/* argp itself leaves the process with argp_err_exit_status after a usage error. */
	argp_err_exit_status = EXIT_USAGE;
	return argp_parse(argp, argc, argv, 0, NULL, input) ? EXIT_USAGE : -1;
}
