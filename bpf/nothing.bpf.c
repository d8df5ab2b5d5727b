// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* For breakpoints that are set only to be taken out again: see kern_touch(). */
#include <vmlinux.h>

#include <bpf/bpf_helpers.h>

SEC("uprobe.multi")
int nothing(const struct pt_regs *ctx)
{
	(void)ctx;
	return 0;
}
