/* SPDX-License-Identifier: BSD-2-Clause */
/* gosonde list: the Go processes of this machine, and whether one can attach to them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/macros.h"
#include "base/text.h"
#include "base/units.h"
#include "cmd/cmd.h"
#include "gobin/offsets.h"
#include "output/listed.h"
#include "proc/process.h"
#include "proc/scan.h"

static const char doc[] =
	"Shows the Go processes of this machine: PID, command, Go version, module, whether the "
	"binary was stripped, container, age, and whether `gosonde attach` can watch it.\v"
	"A binary is told to be Go's by its build information, so stripped programs show too. "
	"Processes of other users need root (or CAP_SYS_PTRACE) to be looked into; those that "
	"could not be are counted on stderr.\n\n"
	"  gosonde list                   a table\n"
	"  gosonde list --json | jq .     one object a line, type \"process\"\n\n"
	"Whether this kernel allows probes at all: `gosonde doctor`.";

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "One JSON object a line", 0 },
	{ 0 },
};

struct list_options {
	bool json;
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct list_options *opts = state->input;

	switch (key) {
	case 'j':
		opts->json = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "no argument is expected, not \"%s\"", arg);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The Go processes found, by PID, and how many could not be looked into. */
struct found {
	struct scan_process *processes;
	size_t count, room;
	size_t unreadable;
	struct err why; /* of the last unreadable one */
};

static void found_done(struct found *found)
{
	free(found->processes);
}

static int found_add(struct found *found, const struct scan_process *process)
{
	if (found->count == found->room) {
		size_t room = found->room ? 2 * found->room : 16;
		void *larger = reallocarray(found->processes, room, sizeof(*process));

		if (!larger)
			return -ENOMEM;
		found->processes = larger;
		found->room = room;
	}
	found->processes[found->count++] = *process;
	return 0;
}

static int by_pid(const void *a, const void *b)
{
	const struct scan_process *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static int find_go_processes(struct found *found, struct err *err)
{
	CLEANUP(scan_closep) struct scan *scan = NULL;
	struct scan_process process;
	int rc = scan_open(&scan, PROC_ROOT, err);

	if (rc)
		return rc;
	while ((rc = scan_next(scan, &process, err)) > 0) {
		if (process.kind == SCAN_UNREADABLE) {
			found->unreadable++;
			found->why = process.why;
		}
		if (process.kind != SCAN_GO && process.kind != SCAN_GO_REFUSED)
			continue;
		if (found_add(found, &process))
			return err_set(err, -ENOMEM, "list of processes");
	}
	if (rc == 0 && found->count)
		qsort(found->processes, found->count, sizeof(*found->processes), by_pid);
	return rc;
}

static u64 boottime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (u64)now.tv_sec * NS_PER_S + (u64)now.tv_nsec;
}

static struct listed_process listed(const struct scan_process *p, u64 now_ns)
{
	bool understood = p->kind == SCAN_GO;

	return (struct listed_process) {
		.pid = (u32)p->pid,
		.uid = p->uid,
		.comm = p->comm,
		.exe = p->exe,
		.container = p->container.id,
		.engine = p->container.engine,
		.kubernetes = p->container.kubernetes,
		.pod_uid = p->container.pod.uid,
		.qos = p->container.pod.qos,
		.age_ns = now_ns > p->start_ns ? now_ns - p->start_ns : 0,
		.understood = understood,
		.go = p->version_text,
		.module = p->module,
		.stripped = p->stripped,
		.pie = p->pie,
		.swiss_maps = p->swiss_maps,
		.obstacle = understood ? NULL : p->why.text,
		.caveat = understood && !go_version_known(&p->version)
				  ? "offsets are derived and checked at attach"
				  : NULL,
	};
}

static int print(const struct found *found, const struct list_options *opts, struct err *err)
{
	CLEANUP(freep)
	struct listed_process *rows = calloc(found->count + 1, sizeof(*rows));
	u64 now_ns = boottime_ns();
	int rc = 0;

	if (!rows)
		return err_set(err, -ENOMEM, "list of processes");
	for (size_t i = 0; i < found->count; i++)
		rows[i] = listed(&found->processes[i], now_ns);
	if (!opts->json)
		rc = listed_text(stdout, rows, found->count, cmd_terminal_width());
	for (size_t i = 0; opts->json && rc == 0 && i < found->count; i++)
		rc = listed_json(stdout, &rows[i]);
	/* That it can't be written is told at exit, with why. */
	return rc && rc != -EIO ? err_set(err, rc, "list of processes: %s", strerror(-rc)) : 0;
}

static void tell_unreadable(const struct found *found)
{
	char why[TEXT_ESCAPED_SIZE(sizeof(found->why.text))];

	fprintf(stderr, "gosonde: could not look into %zu process%s, the last one: %s\n",
		found->unreadable, found->unreadable == 1 ? "" : "es",
		text_escape(why, sizeof(why), found->why.text));
}

int cmd_list(int argc, char **argv)
{
	static const struct argp argp = { options, parse_option, NULL, doc, NULL, NULL, NULL };
	CLEANUP(found_done) struct found found = { 0 };
	struct list_options opts = { 0 };
	struct err err = { "" };
	int code = cmd_parse(&argp, argc, argv, &opts), rc;

	if (code >= 0)
		return code;
	rc = find_go_processes(&found, &err);
	if (rc < 0)
		return cmd_fail(rc, &err);
	rc = print(&found, &opts, &err);
	if (rc < 0)
		return cmd_fail(rc, &err);
	if (found.unreadable)
		tell_unreadable(&found);
	return EXIT_DONE;
}
