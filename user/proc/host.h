/* SPDX-License-Identifier: BSD-2-Clause */
/* What this machine is and what this process may do on it. */
#ifndef PROC_HOST_H
#define PROC_HOST_H

#include <stdbool.h>

#include <gosonde/types.h>

struct host {
	char kernel[80];  /* release */
	char machine[40]; /* "x86_64" */
	bool cap_bpf, cap_perfmon, cap_sys_admin, cap_sys_ptrace,
		cap_dac_read_search; /* effective; SYS_ADMIN implies the
					first two */
	char lockdown[32]; /* "none", "integrity", "confidentiality"; "" if this kernel has no
			      lockdown */
	bool initial_pid_namespace; /* the PIDs we see are those that the BPF programs see */
};

/* Reads it; what can't be read stays empty or false. */
void host_read(struct host *ret);

#endif
