/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * strand PID: sets breakpoints in a Go process as an agent would that is killed while it does,
 * again and again until the kernel has left some, and prints how many.
 *
 * Exit status: 0 some are left, 1 failed, 3 the kernel left none.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/target.h"
#include "kern/features.h"
#include "kern/kern.h"
#include "probe/plan.h"

enum { TRIES = 200, INT3 = 0xcc };

struct strand {
	struct kern *kern;
	struct target *target;
	struct plan plan;
	struct kern_site sites[PLAN_PROBES_MAX];
};

static int prepare(struct strand *s, int pid, struct err *err)
{
	static const struct probe_groups all = { { true, true, true, true, true } };
	struct kern_options options = { .targets = 1, .ring_bytes = 1 << 16 };
	struct kern_features features;
	int rc = target_open(&s->target, pid, err);

	if (rc)
		return rc;
	plan_make(s->target->bin, &all, &s->plan);
	for (size_t i = 0; i < s->plan.probe_count; i++)
		s->sites[i].file_offset = s->plan.probes[i].file_offset;
	kern_features_probe(&features);
	options.uprobe_multi = features.uprobe_multi;
	options.groups[PROBE_GC] = true;
	return kern_open(&s->kern, &options, err);
}

static size_t breakpoints(const struct strand *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->plan.probe_count; i++) {
		u8 now = 0;

		(void)process_read(&s->target->process, s->plan.probes[i].addr + s->target->go.bias,
				   &now, 1);
		n += now == INT3;
	}
	return n;
}

/* As soon as the first breakpoint is seen. */
static void kill_an_owner(struct strand *s)
{
	struct kern_probes *probes;
	pid_t owner = fork();

	if (owner == 0)
		_exit(kern_attach(s->kern, PROBE_GC, s->target->process.pid,
				  s->target->process.exe_path, s->sites, s->plan.probe_count,
				  &probes, NULL) != 0);
	while (!breakpoints(s) && !waitpid(owner, NULL, WNOHANG))
		;
	kill(owner, SIGKILL);
	waitpid(owner, NULL, 0);
}

int main(int argc, char **argv)
{
	CLEANUP(freep) struct strand *s = calloc(1, sizeof(*s));
	struct err err = { 0 };
	size_t left;

	if (argc != 2 || !s)
		return 1;
	if (prepare(s, atoi(argv[1]), &err)) {
		fprintf(stderr, "strand: %s\n", err.text);
		return 1;
	}
	for (int i = 0; i < TRIES && !breakpoints(s); i++)
		kill_an_owner(s);
	left = breakpoints(s);
	printf("%zu\n", left);
	kern_close(s->kern);
	target_free(s->target);
	return left ? 0 : 3;
}
