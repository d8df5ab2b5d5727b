/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/cmd.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.h"
#include "base/units.h"
#include "daemon/session.h"

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

u64 cmd_duration(struct argp_state *state, const char *option, const char *arg, u64 min_ns)
{
	char min[UNITS_BUF];
	u64 ns = 0;

	if (parse_duration_ns(arg, &ns) || ns < min_ns)
		argp_error(state,
			   "--%s wants a duration of at least %s, like 30s or 1m30s; not "
			   "\"%s\"",
			   option, fmt_duration_ns(min, min_ns), arg);
	return ns;
}

error_t cmd_take_pid(int key, const char *arg, struct argp_state *state, int *pid)
{
	switch (key) {
	case ARGP_KEY_ARG:
		if (*pid)
			argp_error(state, "one process at a time");
		*pid = cmd_parse_pid(arg);
		if (!*pid)
			argp_error(state, "\"%s\" is not a PID; `gosonde list` shows the processes",
				   arg);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which process? `gosonde list` shows them");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

unsigned int cmd_terminal_width(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

int cmd_observe(const struct session_config *config)
{
	struct err err = { 0 };
	int end;

	loop_block_signals(false);
	end = session_run(config, &err);
	if (end < 0)
		return cmd_fail(end, &err);
	if (end == LOOP_TARGET_REPLACED)
		fprintf(stderr, "gosonde: process %d has executed a program; attach to it anew\n",
			config->pid);
	else if (end == LOOP_TARGET_EXITED)
		fprintf(stderr, "gosonde: process %d has exited\n", config->pid);
	return EXIT_DONE;
}
