/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/host.h"

#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/macros.h"
#include "proc/process.h"

static u64 effective_capabilities(void)
{
	CLEANUP(freep) char *line = NULL;
	size_t size = 0;
	u64 caps = 0;
	FILE *f = fopen("/proc/self/status", "re");

	if (!f)
		return 0;
	while (getline(&line, &size, f) > 0)
		if (sscanf(line, "CapEff: %llx", &caps) == 1)
			break;
	fclose(f);
	return caps;
}

/* The mode in brackets: "none [integrity] confidentiality". */
static void read_lockdown(char *ret, size_t size)
{
	char line[80] = "", *open, *close;
	FILE *f = fopen("/sys/kernel/security/lockdown", "re");

	ret[0] = 0;
	if (!f)
		return;
	open = fgets(line, sizeof(line), f) ? strchr(line, '[') : NULL;
	close = open ? strchr(open, ']') : NULL;
	if (close)
		snprintf(ret, size, "%.*s", (int)(close - open - 1), open + 1);
	fclose(f);
}

void host_read(struct host *ret)
{
	u64 caps = effective_capabilities();
	struct utsname name;

	memset(ret, 0, sizeof(*ret));
	if (!uname(&name)) {
		snprintf(ret->kernel, sizeof(ret->kernel), "%s", name.release);
		snprintf(ret->machine, sizeof(ret->machine), "%.39s", name.machine);
	}
	ret->cap_sys_admin = caps >> CAP_SYS_ADMIN & 1;
	ret->cap_bpf = ret->cap_sys_admin || (caps >> CAP_BPF & 1);
	ret->cap_perfmon = ret->cap_sys_admin || (caps >> CAP_PERFMON & 1);
	ret->cap_sys_ptrace = caps >> CAP_SYS_PTRACE & 1;
	ret->cap_dac_read_search = caps >> CAP_DAC_READ_SEARCH & 1;
	read_lockdown(ret->lockdown, sizeof(ret->lockdown));
	ret->initial_pid_namespace = in_initial_pid_namespace();
}
