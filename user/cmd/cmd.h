/* SPDX-License-Identifier: BSD-2-Clause */
/* What the subcommands share: exit codes, the one place that prints an error, option helpers,
 * and an observation from start to end. */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include <argp.h>
#include <stdbool.h>

#include <gosonde/types.h>

#include "base/err.h"

struct session_config;

/* The contract of the command line: scripts test these. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_GONE = 3,		/* the target is gone, or was never there */
	EXIT_NOT_PERMITTED = 4, /* or the kernel lacks what it takes */
};

/*
 * To be called before anything else: lets results that could not be written end the process with
 * EXIT_FAILED and a message, and standard streams that are closed lead nowhere. Returns an exit
 * code; if it is not EXIT_DONE, there is not even /dev/null.
 */
int cmd_guard_streams(void);

/* Prints "gosonde: <text>" to stderr, escaped, and returns the exit code that fits the error. */
int cmd_fail(int rc, const struct err *err);

/* Whether to colour that stream: a terminal, and NO_COLOR (no-color.org) unset or empty. */
bool cmd_colour(int fd);

/* The PID that the text is; 0 if it is none. */
int cmd_parse_pid(const char *text);

/* Runs argp; returns -1 to go on, or the exit code to leave with (EXIT_USAGE after a usage error).
 */
int cmd_parse(const struct argp *argp, int argc, char **argv, void *input);

/* The duration that an option's argument is; a usage error if it is none, or below min_ns. */
u64 cmd_duration(struct argp_state *state, const char *option, const char *arg, u64 min_ns);

/*
 * What the parser of a command on one process does with the keys that are no
 * option of its own: takes the argument as the PID; a usage error if it is no
 * PID, not the first, or missing. Returns what the parser is to return.
 */
error_t cmd_take_pid(int key, const char *arg, struct argp_state *state, int *pid);

/* Columns of the terminal on stdout; 0 when it is none. */
unsigned int cmd_terminal_width(void);

/* Runs a session to its end, says on stderr why the target ended it, and returns the exit code. */
int cmd_observe(const struct session_config *config);

/* "0.1.0+gd8be414" */
const char *cmd_version_text(void);

int cmd_list(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_attach(int argc, char **argv);
int cmd_daemon(int argc, char **argv);
int cmd_gctrace(int argc, char **argv);
int cmd_goroutines(int argc, char **argv);
int cmd_check_config(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_version(int argc, char **argv);

#endif
