/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "daemon/describe.h"
#include "daemon/loop.h"
#include "daemon/target.h"
#include "output/json.h"
#include "output/text.h"
#include "probe/attach.h"

struct inspect {
	const char *subject; /* a PID or a path */
	bool json;
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct inspect *in = state->input;

	switch (key) {
	case 'j':
		in->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (in->subject)
			argp_error(state, "one PID or FILE at a time");
		in->subject = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which process or file? `gosonde list` shows the processes");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{ "json", 'j', 0, 0, "One JSON object instead of a table", 0 },
	{ 0 },
};

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "PID|FILE",
	.doc = "Shows what would be probed in a Go process or executable: each function, the "
	       "address of its probe, the kind of site and what a hit costs on this machine "
	       "(measured on gosonde itself, which takes privilege; else it is not known). "
	       "Attaches nothing to the process.\v"
	       "Examples:\n"
	       "  gosonde inspect 4711\n"
	       "  gosonde inspect /usr/bin/caddy --json\n",
};

static const struct probe_groups every_group = { .want = { true, true, true, true, true } };

static void show(const struct inspect *in, const struct go_process *p, const struct plan *plan,
		 const char *exe, u32 pid)
{
	struct calibration cost;
	struct kern_features features;
	const struct timebase timebase = { .mono_to_wall_ns = monotonic_to_wall_ns() };
	struct text_output text = { .out = stdout, .colour = cmd_colour(STDOUT_FILENO) };
	struct description d;

	/* Without the privilege to measure it the cost stays unknown, and shows as such. */
	kern_features_probe(&features);
	if (calibrate_here(&features, &cost, NULL) == -ENOTSUP && features.uprobe_multi) {
		features.uprobe_multi = false; /* as attach does */
		(void)calibrate_here(&features, &cost, NULL);
	}
	describe_plan(p->bin, plan, p->bias, exe, &cost, &d);
	describe_missing(p, &every_group, &d);
	describe_facts(p, &d);
	d.info.pid = pid;
	d.info.time_ns = now_monotonic_ns();
	if (in->json)
		(void)json_attached(stdout, &d.info, &timebase);
	else
		text_attached(&text, &d.info);
}

static int inspect_process(const struct inspect *in, int pid, struct err *err)
{
	CLEANUP(target_freep) struct target *target = NULL;
	struct plan plan;
	int rc = target_open(&target, pid, err);

	if (rc)
		return rc;
	plan_make(target->bin, &every_group, &plan);
	attach_verify(&plan, &target->go);
	show(in, &target->go, &plan, target->process.exe, (u32)pid);
	return 0;
}

static int inspect_file(const struct inspect *in, struct err *err)
{
	CLEANUP(proc_file_close) struct proc_file file = { 0 };
	CLEANUP(gobin_freep) struct gobin *bin = NULL;
	struct go_layout layout;
	struct plan plan;
	int rc = proc_file_open(in->subject, &file, err);

	if (rc)
		return rc;
	rc = gobin_open_mapped(&bin, file.bytes, proc_file_release, err);
	if (rc)
		return err_prefix(err, rc, "%s", in->subject);
	go_layout_find(bin, &layout);
	plan_make(bin, &every_group, &plan);
	show(in, &(struct go_process) { .bin = bin, .layout = &layout }, &plan, in->subject, 0);
	return 0;
}

int cmd_inspect(int argc, char **argv)
{
	struct inspect in = { 0 };
	struct err err = { 0 };
	int code = cmd_parse(&argp, argc, argv, &in), pid, rc;

	if (code >= 0)
		return code;
	pid = cmd_parse_pid(in.subject);
	rc = pid ? inspect_process(&in, pid, &err) : inspect_file(&in, &err);
	return rc ? cmd_fail(rc, &err) : EXIT_DONE;
}
