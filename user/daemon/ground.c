/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/ground.h"

#include <errno.h>

#include "kern/features.h"
#include "proc/privileges.h"
#include "proc/process.h"

enum { RING_BYTES = 4 << 20 /* 7,000 growths with their stacks: seconds of a storm */ };

static int load_programs(struct ground *ground, const struct ground_options *options,
			 bool uprobe_multi, struct err *err)
{
	struct kern_options load = {
		.targets = options->targets + 1,
		.ring_bytes = RING_BYTES,
		.uprobe_multi = uprobe_multi,
		.processes = options->processes,
	};

	for (int g = 0; g < PROBE_GROUP_COUNT; g++)
		load.groups[g] = options->groups.want[g];
	ground->own_slot = options->targets; /* the last */
	load.groups[PROBE_MAP_WRITE] = true; /* the one that is calibrated */
	return kern_open(&ground->kern, &load, err);
}

/*
 * To calibrate is to attach, to write maps and to read them, as for any target later: so it shows
 * what that takes here. Where it fails for another reason, nothing is known, and all are kept.
 */
static int calibrate_with_least(struct ground *ground, bool uprobe_multi, struct err *err)
{
	/* A perf event takes CAP_PERFMON at least, and libbpf CAP_BPF at the first one: it loads a
	 * program to see whether links to them exist, and remembers the answer. */
	int level = uprobe_multi ? PRIVILEGES_READ : PRIVILEGES_TRACE;
	int rc = -EPERM, kept;

	for (; rc == -EPERM && level <= PRIVILEGES_ADMIN; level++) {
		rc = privileges_use((enum privileges)level, err);
		if (!rc)
			rc = calibrate(ground->kern, ground->own_slot, &ground->cost, err);
	}
	kept = rc ? privileges_use(PRIVILEGES_ADMIN, NULL) : privileges_give_up(err);
	return rc ? rc : kept;
}

/* The words for who lacks the right to do without uprobe_multi. */
static int check_perf(const struct kern_features *features, struct err *err)
{
	if (features->perf_uprobe_err != -EPERM && features->perf_uprobe_err != -EACCES)
		return 0;
	return err_set(err, -EPERM,
		       "without a uprobe_multi that serves (kernels from 6.6 have it) this kernel "
		       "takes breakpoints from who has CAP_SYS_ADMIN: run gosonde as root, or give "
		       "its service that capability, as gosonde-before-6.6.conf does");
}

/* Without a calibration the cost is unknown, and said to be; only a budget can't be kept then. */
static int load_and_calibrate(struct ground *ground, const struct ground_options *options,
			      const struct kern_features *features, bool uprobe_multi,
			      struct err *err)
{
	int rc = uprobe_multi || features->bpf_err ? 0 : check_perf(features, err), calibrated;

	if (!rc)
		rc = load_programs(ground, options, uprobe_multi, err);
	if (rc)
		return rc;
	calibrated = options->give_up
			     ? calibrate_with_least(ground, uprobe_multi, err)
			     : calibrate(ground->kern, ground->own_slot, &ground->cost, err);
	if (calibrated == -ENOTSUP && uprobe_multi) {
		ground_close(ground);
		return load_and_calibrate(ground, options, features, false, err);
	}
	if (calibrated && options->budget)
		return err_prefix(err, calibrated,
				  "what a probe costs here can't be measured, so no budget can be "
				  "kept (--budget off attaches without one)");
	if (!calibrated)
		rc = meter_new(&ground->meter, ground->kern, ground->own_slot, &ground->cost, err);
	if (!rc)
		rc = breakers_new(&ground->breakers, ground->kern, err);
	return rc ? rc : crew_new(&ground->crew, err);
}

int ground_open(struct ground *ret, const struct ground_options *options, struct err *err)
{
	struct kern_features features;

	if (!in_initial_pid_namespace())
		return err_set(
			err, -ENOSYS,
			"gosonde runs in a PID namespace of its own, where the kernel's PIDs "
			"are not the ones seen here; run it on the host");
	kern_features_probe(&features);
	if (!features.btf)
		return err_set(
			err, -ENOSYS,
			"this kernel shows no BTF (/sys/kernel/btf/vmlinux); `gosonde doctor` "
			"says what is missing");
	if (!features.attach_cookie)
		return err_set(
			err, -ENOSYS,
			"this kernel is too old: it can't tell a program which probe was hit "
			"(attach cookies, from 5.15 on); `gosonde doctor` says what is missing");
	return load_and_calibrate(ret, options, &features, features.uprobe_multi, err);
}

void ground_tick(struct ground *ground, u64 now_ns)
{
	if (ground->meter)
		meter_tick(ground->meter, now_ns);
}

void ground_close(struct ground *ground)
{
	breakers_free(ground->breakers); /* they hurry the crew */
	crew_free(ground->crew);
	meter_free(ground->meter);
	kern_close(ground->kern);
	*ground = (struct ground) { 0 };
}
