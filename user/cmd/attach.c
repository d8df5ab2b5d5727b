/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "cmd/cmd.h"
#include "daemon/rules_files.h"
#include "daemon/session.h"
#include "daemon/undelivered.h"

/* Where alerts go, in the order of the session's sinks. */
enum { TO_STDERR, TO_SYSLOG, TO_JOURNALD, TO_ALERTMANAGER, OUTLETS };

static const struct sink_ops *const outlets[OUTLETS] = {
	[TO_STDERR] = &sink_stderr,
	[TO_SYSLOG] = &sink_syslog,
	[TO_JOURNALD] = &sink_journald,
	[TO_ALERTMANAGER] = &sink_alertmanager,
};

struct attach {
	struct session_config session;
	struct report report;
	const char *rules_path;
	bool wants[OUTLETS];
	const char *target[OUTLETS]; /* NULL: the sink's default */
	struct listen_address metrics;
};

enum { STDOUT_BYTES = 1 << 20 };

#define DEFAULT_BUDGET 0.01
#define FIND_NS	       (3 * NS_PER_S) /* what a name server may take to tell of a mistyped host */

enum {
	OPT_FOR = 256,
	OPT_INTERVAL,
	OPT_OUTPUT,
	OPT_PROBES,
	OPT_BUDGET,
	OPT_RULES,
	OPT_DRY_RUN,
	OPT_SYSLOG,
	OPT_JOURNALD,
	OPT_ALERTMANAGER,
	OPT_EVENTS,
	OPT_METRICS
};

static const struct argp_option options[] = {
	{ "for", OPT_FOR, "DUR", 0, "Stop after DUR (\"30s\", \"5m\"); default: at Ctrl-C", 0 },
	{ "interval", OPT_INTERVAL, "DUR", 0, "Length of a window, 100ms or more; default 1s", 0 },
	{ "output", OPT_OUTPUT, "text|json", 0, "Text for people, or JSON Lines; default text", 0 },
	{ "events", OPT_EVENTS, 0, 0,
	  "In text too, a line for each GC cycle and each map growth (JSON has them always)", 0 },
	{ "probes", OPT_PROBES, "GROUP,…", 0,
	  "Only these groups: map-write, map-grow, gc, goroutine, fault; default all", 0 },
	{ "budget", OPT_BUDGET, "PCT|off", 0,
	  "Share of one CPU that probes may cost the target; default 1. Groups that would cost more "
	  "are sampled",
	  0 },
	{ "rules", OPT_RULES, "FILE", 0,
	  "Alert rules in YAML, over the defaults; `gosonde check-config FILE` checks them", 0 },
	{ "dry-run", OPT_DRY_RUN, 0, 0, "Evaluate and show alerts, send none", 0 },
	{ "syslog", OPT_SYSLOG, "TARGET", OPTION_ARG_OPTIONAL,
	  "Send alerts to syslog: local (default, /dev/log), unix:PATH, udp:HOST:PORT or "
	  "tcp:HOST:PORT",
	  0 },
	{ "journald", OPT_JOURNALD, "SOCKET", OPTION_ARG_OPTIONAL,
	  "Send alerts to systemd's journal, with fields; default /run/systemd/journal/socket", 0 },
	{ "alertmanager", OPT_ALERTMANAGER, "URL", 0,
	  "Send alerts to a Prometheus Alertmanager: http://HOST:9093, or https", 0 },
	{ "metrics", OPT_METRICS, "ADDR", OPTION_ARG_OPTIONAL,
	  "Serve /metrics for Prometheus, /healthz and /readyz at ADDR: 127.0.0.1:9464 (default), "
	  "[::1]:PORT or unix:PATH",
	  0 },
	{ 0 },
};

static void parse_groups(struct argp_state *state, const char *arg, struct probe_groups *ret)
{
	CLEANUP(freep) char *copy = strdup(arg);
	char *rest = copy, *name;

	memset(ret, 0, sizeof(*ret));
	while (rest && (name = strsep(&rest, ","))) {
		int group = probe_group_by_name(name);

		if (group < 0)
			argp_error(state,
				   "there is no probe group \"%s\"; the groups are map-write, "
				   "map-grow, gc, goroutine and fault",
				   name);
		else
			ret->want[group] = true;
	}
}

static void parse_budget(struct argp_state *state, const char *arg, struct attach *in)
{
	char *end;
	double pct = strtod(arg, &end);

	if (!strcmp(arg, "off")) {
		in->session.budget = 0;
		return;
	}
	if (*end == '%')
		end++;
	if (end == arg || *end || !(pct > 0 && pct <= 100))
		argp_error(state,
			   "--budget wants a percentage of one CPU above 0 and at most 100, "
			   "or \"off\"; not \"%s\"",
			   arg);
	in->session.budget = pct / 100;
}

static void parse_metrics(struct argp_state *state, const char *arg, struct attach *in)
{
	struct err err = { 0 };

	if (listen_parse(arg ? arg : LISTEN_DEFAULT, &in->metrics, &err))
		argp_error(state, "--metrics: %s", err.text);
	in->session.metrics = &in->metrics;
}

static error_t want(struct attach *in, int outlet, const char *target)
{
	in->wants[outlet] = true;
	in->target[outlet] = target;
	return 0;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct attach *in = state->input;

	switch (key) {
	case OPT_FOR:
		in->session.for_ns = cmd_duration(state, "for", arg, 1);
		return 0;
	case OPT_INTERVAL:
		in->session.interval_ns = cmd_duration(state, "interval", arg, 100 * NS_PER_MS);
		return 0;
	case OPT_OUTPUT:
		in->report.ops = report_find(arg);
		if (!in->report.ops)
			argp_error(state, "--output is text or json, not \"%s\"", arg);
		return 0;
	case OPT_EVENTS:
		in->report.text_events = true;
		return 0;
	case OPT_PROBES:
		parse_groups(state, arg, &in->session.groups);
		return 0;
	case OPT_BUDGET:
		parse_budget(state, arg, in);
		return 0;
	case OPT_RULES:
		in->rules_path = arg;
		return 0;
	case OPT_DRY_RUN:
		in->session.dry_run = true;
		return 0;
	case OPT_SYSLOG:
		return want(in, TO_SYSLOG, arg);
	case OPT_JOURNALD:
		return want(in, TO_JOURNALD, arg);
	case OPT_ALERTMANAGER:
		return want(in, TO_ALERTMANAGER, arg);
	case OPT_METRICS:
		parse_metrics(state, arg, in);
		return 0;
	default:
		return cmd_take_pid(key, arg, state, &in->session.pid);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "PID",
	.doc = "Watches a running Go process: a line of figures each second, alerts with their "
	       "evidence as they happen, and a summary at the end. Ends after --for, at Ctrl-C, or "
	       "when the process exits; the process itself runs on untouched.\v"
	       "Examples:\n"
	       "  gosonde attach 4711\n"
	       "  gosonde attach 4711 --for 1m --output json > figures.jsonl\n"
	       "  gosonde attach 4711 --probes gc,goroutine --syslog\n"
	       "  gosonde attach 4711 --journald --syslog=tcp:logs.example.com:601\n"
	       "  gosonde attach 4711 --alertmanager=http://localhost:9093\n"
	       "  gosonde attach 4711 --metrics & curl http://127.0.0.1:9464/metrics\n\n"
	       "Exit status: 0 observed to the end, 1 failed, 2 usage (or rules that are wrong), 3 no such process (or it "
	       "exited "
	       "before the probes stood), 4 not permitted or the kernel lacks what it takes.",
};

static int open_sinks(struct attach *in, struct err *err)
{
	size_t count = 0;
	int rc = 0;

	_Static_assert((int)OUTLETS <= (int)SESSION_SINKS_MAX, "each outlet is a sink");
	for (int i = 0; i < OUTLETS && !rc; i++) {
		if (in->wants[i])
			rc = sink_open(&in->session.sinks[count++], outlets[i], in->target[i], err);
	}
	return rc;
}

static void close_sinks(struct attach *in)
{
	for (size_t i = 0; i < SESSION_SINKS_MAX; i++)
		sink_close(in->session.sinks[i]);
}

static int run(struct attach *in)
{
	CLEANUP(ruleset_freep) struct ruleset *rules = NULL;
	struct err err = { 0 };
	int rc = open_sinks(in, &err);

	if (!rc && in->rules_path)
		rc = rules_files_read(in->rules_path, &rules, NULL, &err);
	if (!rc && in->wants[TO_SYSLOG])
		rc = sink_syslog_find(in->target[TO_SYSLOG], FIND_NS, &err);
	if (rc == -EINVAL) {
		(void)cmd_fail(rc, &err);
		return EXIT_USAGE;
	}
	if (rc)
		return cmd_fail(rc, &err);
	in->session.rules = rules;
	rc = cmd_observe(&in->session);
	undelivered_tell(in->session.sinks, SESSION_SINKS_MAX);
	return rc;
}

int cmd_attach(int argc, char **argv)
{
	struct attach in = {
		.session = {
			.groups.want = { true, true, true, true, true },
			.interval_ns = 1000000000,
			.budget = DEFAULT_BUDGET,
			.report = &in.report,
			.version = cmd_version_text(),
		},
		.report = {
			.ops = report_find("text"),
			.out = stdout,
			.text = { .out = stdout,
				  .colour = cmd_colour(STDOUT_FILENO),
				  .header_every = 20 },
			.timebase.mono_to_wall_ns = monotonic_to_wall_ns(),
		},
	};
	int code;

	want(&in, TO_STDERR, cmd_colour(STDERR_FILENO) ? "colour" : NULL);
	code = cmd_parse(&argp, argc, argv, &in);

	if (code >= 0)
		return code;
	/* Lines go out whole, at each batch of records and each tick. */
	setvbuf(stdout, NULL, _IOFBF, STDOUT_BYTES);
	code = run(&in);
	close_sinks(&in);
	return code;
}
