/* SPDX-License-Identifier: BSD-2-Clause */
#include "kern/features.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <gosonde/types.h>

#include "base/macros.h"

/* BPF_TRACE_UPROBE_MULTI of include/uapi/linux/bpf.h, since 6.6: Debian 12's headers are older. */
#define TRACE_UPROBE_MULTI ((enum bpf_attach_type)48)

/* `return 0`, the smallest program there is. */
static int load_empty_program(enum bpf_attach_type attach_type)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach_type);

	return bpf_prog_load(BPF_PROG_TYPE_KPROBE, "gosonde_probe", "GPL", code, ARRAY_SIZE(code),
			     &opts);
}

/* What can't be found out, without privilege, is taken for there: bpf_err says why. */
static bool has_attach_cookie(void)
{
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE, BPF_FUNC_get_attach_cookie, NULL) != 0;
}

/* A kernel that knows uprobe_multi looks at the path first and finds that "/" is no file (EBADF);
 * one that does not refuses the attach type (EINVAL). */
static bool has_uprobe_multi(void)
{
	CLEANUP(fd_closep) int prog = load_empty_program(TRACE_UPROBE_MULTI);
	const unsigned long offset = 0;
	LIBBPF_OPTS(bpf_link_create_opts, opts, .uprobe_multi.path = "/",
		    .uprobe_multi.offsets = &offset, .uprobe_multi.cnt = 1);
	CLEANUP(fd_closep) int link = -1;

	if (prog < 0)
		return false;
	link = bpf_link_create(prog, -1, TRACE_UPROBE_MULTI, &opts);
	return link >= 0 || link == -EBADF;
}

/* The perf PMU that makes uprobes has a number of its own on each kernel. */
static int uprobe_pmu_type(void)
{
	CLEANUP(fd_closep)
	int fd = open("/sys/bus/event_source/devices/uprobe/type", O_RDONLY | O_CLOEXEC);
	char text[16] = { 0 };
	int type;

	if (fd < 0)
		return -errno;
	if (read(fd, text, sizeof(text) - 1) <= 0 || sscanf(text, "%d", &type) != 1)
		return -EIO;
	return type;
}

/* Opens a disabled uprobe on this very process; nothing is armed. */
static int try_perf_uprobe(void)
{
	struct perf_event_attr attr = { .size = sizeof(attr), .disabled = 1 };
	CLEANUP(fd_closep) int fd = -1;
	int type = uprobe_pmu_type();

	if (type < 0)
		return type;
	attr.type = (u32)type;
	attr.config1 = (u64)(unsigned long)"/";
	fd = (int)syscall(SYS_perf_event_open, &attr, getpid(), -1, -1, PERF_FLAG_FD_CLOEXEC);
	/* Without the privilege it is refused before the path is looked at. */
	return fd >= 0 || (errno != EPERM && errno != EACCES) ? 0 : -errno;
}

/* Only that it is there: to parse all of it takes 200 ms and 10 MB. */
static bool has_btf(void)
{
	CLEANUP(fd_closep) int fd = open("/sys/kernel/btf/vmlinux", O_RDONLY | O_CLOEXEC);
	u16 magic;

	return fd >= 0 && read(fd, &magic, sizeof(magic)) == sizeof(magic) && magic == BTF_MAGIC;
}

void kern_features_probe(struct kern_features *ret)
{
	CLEANUP(fd_closep) int prog = load_empty_program(0);

	*ret = (struct kern_features) {
		.btf = has_btf(),
		.bpf_err = prog < 0 ? prog : 0,
		.attach_cookie = has_attach_cookie(),
		.uprobe_multi = has_uprobe_multi(),
		.perf_uprobe_err = try_perf_uprobe(),
	};
}
