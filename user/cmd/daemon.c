/* SPDX-License-Identifier: BSD-2-Clause */
/* gosonde daemon: observes the Go processes of this machine, as a service. */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

#include "cmd/cmd.h"
#include "daemon/loop.h"
#include "daemon/service.h"

static const char default_path[] = "/etc/gosonde/gosonde.yaml";

/*
 * Most of what there is for each target is room for what few targets have: from so many bytes on
 * it gets pages of its own, and those that are never written take no memory. A fixed limit also
 * gives back what a target had when it is gone. Threads that wait for the kernel allocate little:
 * one arena serves all.
 */
enum { PAGES_OF_ITS_OWN = 12 << 10 };

static void use_little_memory(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, PAGES_OF_ITS_OWN);
	(void)mallopt(M_MMAP_MAX, 1 << 20);
	(void)mallopt(M_TRIM_THRESHOLD, 1 << 20);
	(void)mallopt(M_ARENA_MAX, 1);
}

/* A target takes some seven: 200 would not fit below the usual soft limit of 1024. */
static void use_many_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
}

static const struct argp_option options[] = {
	{ "config", 'c', "FILE", 0,
	  "What to observe and whom to tell; default /etc/gosonde/gosonde.yaml. What that and the files "
	  "of conf.d beside it leave open, or if they are not there: every Go process, alerts to syslog, "
	  "metrics at 127.0.0.1:9464",
	  0 },
	{ 0 },
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	const char **path = state->input;

	switch (key) {
	case 'c':
		*path = arg;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "no argument is expected, not \"%s\"", arg);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.doc = "Finds the Go processes of this machine as they start, observes those that the "
	       "configuration wants, and tells of what is wrong with them. For systemd, which it "
	       "notifies; runs in the foreground.\v"
	       "Signals: SIGTERM and SIGINT end it, after every probe was taken out; SIGHUP reads the "
	       "configuration again, and applies all of it or nothing.\n\n"
	       "  gosonde check-config /etc/gosonde/gosonde.yaml   what it says, and whether it is "
	       "right\n"
	       "  gosonde daemon --config ./gosonde.yaml\n\n"
	       "Exit status: 0 ended by a signal, 1 failed, 2 usage (or a configuration that is "
	       "wrong), 4 not permitted or the kernel lacks what it takes.",
};

int cmd_daemon(int argc, char **argv)
{
	const char *path = NULL;
	struct err err = { 0 };
	int code = cmd_parse(&argp, argc, argv, &path), rc;

	if (code >= 0)
		return code;
	/* Whoever reads its messages may go and come back. */
	signal(SIGPIPE, SIG_IGN);
	use_little_memory();
	use_many_files();
	loop_block_signals(true);
	rc = service_run(path ? path : default_path, !path, cmd_version_text(), &err);
	if (!rc)
		return EXIT_DONE;
	code = cmd_fail(rc, &err);
	return rc == -EINVAL ? EXIT_USAGE : code;
}
