/* SPDX-License-Identifier: BSD-2-Clause */
/* What this process itself costs. */
#ifndef PROC_SELF_H
#define PROC_SELF_H

#include <gosonde/types.h>

struct proc_self {
	u64 cpu_ns;    /* CPU time of all threads since the start */
	u64 rss_bytes; /* resident now; 0: unknown */
};

void proc_self_read(struct proc_self *ret);

/* CPU time of the calling thread since it started. */
u64 proc_thread_cpu_ns(void);

#endif
