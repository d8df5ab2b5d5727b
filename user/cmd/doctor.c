/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "base/units.h"
#include "kern/features.h"
#include "kern/kern.h"
#include "probe/calibrate.h"
#include "proc/host.h"

enum verdict { GOOD, NOTE, BAD };

struct report {
	bool colour;
	bool bad;
};

/* One line a check: what was looked at, what was found, and what to do about it. */
static void line(struct report *r, enum verdict verdict, const char *what, const char *found,
		 const char *advice)
{
	static const struct {
		const char *word, *colour;
	} style[] = { { "ok  ", "\033[32m" }, { "note", "\033[33m" }, { "FAIL", "\033[31m" } };

	printf("%s%s%s  %-22s %s\n", r->colour ? style[verdict].colour : "", style[verdict].word,
	       r->colour ? "\033[0m" : "", what, found);
	if (verdict != GOOD && advice)
		printf("      %-22s -> %s\n", "", advice);
	r->bad |= verdict == BAD;
}

static void report_links(struct report *r, const struct kern_features *f)
{
	line(r, f->attach_cookie ? GOOD : BAD, "attach cookies",
	     f->attach_cookie ? "a probe knows its site" : "this kernel lacks them",
	     "kernels from 5.15 have them; there is no substitute");
	line(r, f->uprobe_multi ? GOOD : NOTE, "uprobe_multi",
	     f->uprobe_multi ? "one link for all sites, least privilege" : "this kernel lacks it",
	     "kernels from 6.6 have it; perf-event uprobes serve instead");
}

static void report_kernel(struct report *r, const struct host *host, const struct kern_features *f)
{
	line(r, !strcmp(host->machine, "x86_64") ? GOOD : BAD, "architecture", host->machine,
	     "gosonde reads x86-64 programs only, so far");
	line(r, f->btf ? GOOD : BAD, "BTF", f->btf ? "the kernel describes its types" : "none",
	     "use a kernel built with CONFIG_DEBUG_INFO_BTF (every current distribution's is)");
	line(r, f->bpf_err ? BAD : GOOD, "BPF programs",
	     f->bpf_err ? strerror(-f->bpf_err) : "can be loaded",
	     "run as root, or with CAP_BPF and CAP_PERFMON");
	/* The rest is found out by loading programs, but for perf events. */
	if (!f->bpf_err)
		report_links(r, f);
	line(r,
	     !f->perf_uprobe_err ? GOOD
	     : f->uprobe_multi	 ? NOTE
				 : BAD,
	     "perf-event uprobes",
	     f->perf_uprobe_err ? strerror(-f->perf_uprobe_err) : "can be opened",
	     f->uprobe_multi ? "not needed here, uprobe_multi serves"
			     : "needs CAP_SYS_ADMIN (or root); the service has it with "
			       "gosonde-before-6.6.conf");
	if (*host->lockdown)
		line(r, !strcmp(host->lockdown, "confidentiality") ? BAD : GOOD, "kernel lockdown",
		     host->lockdown,
		     "lockdown=confidentiality forbids BPF to read memory: boot with "
		     "lockdown=integrity at most");
}

static void report_rights(struct report *r, const struct host *host)
{
	line(r, host->cap_bpf && host->cap_perfmon ? GOOD : BAD, "CAP_BPF, CAP_PERFMON",
	     host->cap_bpf && host->cap_perfmon ? "yes" : "missing", "run as root, or grant them");
	line(r, host->cap_sys_ptrace ? GOOD : NOTE, "CAP_SYS_PTRACE",
	     host->cap_sys_ptrace ? "yes" : "missing",
	     "without it only processes of your own user can be read");
	line(r, host->cap_dac_read_search ? GOOD : NOTE, "CAP_DAC_READ_SEARCH",
	     host->cap_dac_read_search ? "yes" : "missing",
	     "without it programs whose file only some may read (mode 0700) are left alone");
	line(r, host->initial_pid_namespace ? GOOD : BAD, "PID namespace",
	     host->initial_pid_namespace ? "the machine's own" : "a container's",
	     "run gosonde on the host, or its container with the host's PID namespace");
}

/* On this process itself, with the real program: what a hit costs, and that every thread's is seen.
 */
static void report_cost(struct report *r, const struct kern_features *features)
{
	char emulated[UNITS_BUF], lean[UNITS_BUF], nop[UNITS_BUF], step[UNITS_BUF], text[160];
	struct calibration cost;
	struct err err = { 0 };
	int rc = calibrate_here(features, &cost, &err);

	if (rc) {
		line(r, rc == -ENOTSUP ? NOTE : BAD, "a probe, tried", err.text,
		     rc == -ENOTSUP ? "perf-event uprobes serve instead" : NULL);
		return;
	}
	snprintf(text, sizeof(text),
		 "%s a hit (emulated; %s if only counted), %s (5-byte nop), %s (single-stepped); "
		 "all threads seen",
		 fmt_duration_ns(emulated, (u64)cost.ns[SITE_EMULATED]),
		 fmt_duration_ns(lean, (u64)cost.lean_ns),
		 fmt_duration_ns(nop, (u64)cost.ns[SITE_OPTIMISED]),
		 fmt_duration_ns(step, (u64)cost.ns[SITE_SINGLE_STEP]));
	line(r, GOOD, "a probe, tried", text, NULL);
}

int cmd_doctor(int argc, char **argv)
{
	static const struct argp argp = {
		.doc = "Says what this kernel and these privileges allow, and what to do where "
		       "they "
		       "don't. Every feature is tried, not guessed from the version.\v"
		       "Examples:\n"
		       "  gosonde doctor           what you may do as who you are\n"
		       "  sudo gosonde doctor      and as root\n\n"
		       "Exit status: 0 if gosonde can attach here, 4 if not.",
	};
	struct report r = { .colour = cmd_colour(STDOUT_FILENO) };
	int code = cmd_parse(&argp, argc, argv, NULL);
	struct kern_features features;
	struct host host;

	if (code >= 0)
		return code;
	host_read(&host);
	kern_features_probe(&features);
	line(&r, GOOD, "kernel", host.kernel, NULL);
	report_kernel(&r, &host, &features);
	report_rights(&r, &host);
	if (!r.bad)
		report_cost(&r, &features);
	puts(r.bad ? "\ngosonde can't attach to processes here."
		   : "\ngosonde can attach to Go processes here. `gosonde list` shows them.");
	return r.bad ? EXIT_NOT_PERMITTED : EXIT_DONE;
}
