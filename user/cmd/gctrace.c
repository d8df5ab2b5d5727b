/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>

#include "base/macros.h"
#include "base/text.h"
#include "base/units.h"
#include "cmd/cmd.h"
#include "daemon/session.h"
#include "output/gctrace.h"

struct gctrace {
	struct session_config session;
	struct report report;
	u32 last; /* cycle that was printed; 0: none yet */
};

enum { OPT_FOR = 256 };

static const struct argp_option options[] = {
	{ "for", OPT_FOR, "DUR", 0, "Stop after DUR (\"30s\", \"5m\"); default: at Ctrl-C", 0 },
	{ 0 },
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct gctrace *in = state->input;

	switch (key) {
	case OPT_FOR:
		in->session.for_ns = cmd_duration(state, "for", arg, 1);
		return 0;
	default:
		return cmd_take_pid(key, arg, state, &in->session.pid);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "PID",
	.doc = "Prints, for every garbage collection of a running Go process, the line that the "
	       "process itself would print if it had been started with GODEBUG=gctrace=1. Nothing "
	       "else goes to stdout. Ends after --for, at Ctrl-C, or when the process exits.\v"
	       "Example:\n"
	       "  gosonde gctrace 4711 --for 1m > gctrace.txt\n\n"
	       "What the line's fields mean: the comment on gctrace in Go's runtime/extern.go.\n\n"
	       "Exit status: 0 observed to the end, 1 failed (so too when a figure of the line "
	       "can't be found in this program), 2 usage, 3 no such process, 4 not permitted or "
	       "the kernel lacks what it takes.",
};

static struct gctrace *of_report(struct report *r)
{
	return (struct gctrace *)((char *)r - offsetof(struct gctrace, report));
}

/* A line is whole or it is not there: without all of its figures there is nothing to observe. */
static int on_attached(struct report *r, const struct attached_info *info, struct err *err)
{
	char go[128];

	(void)r;
	if (info->missing_count)
		return err_set(err, -ENODATA, "no line without all of its figures; missing: %s: %s",
			       info->missing[0].what, info->missing[0].reason);
	if (info->omitted_count)
		return err_set(err, -ENODATA, "no probe on %s: %s", info->omitted[0].function,
			       info->omitted[0].reason);
	fprintf(stderr, "gosonde: tracing the garbage collector of process %u (%s)\n", info->pid,
		text_escape(go, sizeof(go), info->go));
	return 0;
}

/* Numbers are the target's own, 32 bits that wrap around; a jump back is no loss. */
static void tell_lost(struct gctrace *in, u32 number)
{
	u32 lost = number - in->last - 1;

	if (!in->last || !lost || lost > UINT32_MAX / 2)
		return;
	fprintf(stderr, "gosonde: lost the line%s of %u cycle%s before gc %u\n",
		lost == 1 ? "" : "s", lost, lost == 1 ? "" : "s", number);
}

static void on_gc(struct report *r, u32 pid, const struct gc_cycle *cycle)
{
	struct gctrace *in = of_report(r);
	char line[GCTRACE_BUF];

	(void)pid;
	if (gctrace_line(line, &cycle->end)) {
		fputs("gosonde: the figures of a cycle could not all be read; it gets no line\n",
		      stderr);
		return;
	}
	tell_lost(in, (u32)cycle->end.word[WIRE_GC_NUMGC]);
	in->last = (u32)cycle->end.word[WIRE_GC_NUMGC];
	fprintf(r->out, "%s\n", line);
}

static void on_window(struct report *r, const struct window *window)
{
	(void)r, (void)window;
}

static void on_map_grow(struct report *r, const struct event *event, const struct names *names)
{
	(void)r, (void)event, (void)names;
}

static void on_alert(struct report *r, const struct alert *alert)
{
	(void)r, (void)alert;
}

static void on_summary(struct report *r, const struct summary *summary)
{
	(void)r;
	/* What tell_lost() can't see: nothing came after it. */
	if (summary->total.lost.ring)
		fprintf(stderr, "gosonde: %llu records were lost; the last lines may be missing\n",
			summary->total.lost.ring);
}

static const struct report_ops lines_only = {
	.name = "gctrace",
	.attached = on_attached,
	.window = on_window,
	.gc = on_gc,
	.map_grow = on_map_grow,
	.alert = on_alert,
	.summary = on_summary,
};

int cmd_gctrace(int argc, char **argv)
{
	struct gctrace in = {
		.session = {
			.groups.want[PROBE_GC] = true,
			.interval_ns = NS_PER_S,
			.report = &in.report,
		},
		.report = {
			.ops = &lines_only,
			.out = stdout,
			.timebase.mono_to_wall_ns = monotonic_to_wall_ns(),
		},
	};
	int code = cmd_parse(&argp, argc, argv, &in);

	if (code >= 0)
		return code;
	/* Each batch of records is written out at once: a line comes as its cycle ends. */
	setvbuf(stdout, NULL, _IOFBF, BUFSIZ);
	return cmd_observe(&in.session);
}
