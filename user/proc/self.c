/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/self.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/macros.h"
#include "proc/process.h"

/* The second field, in pages (proc(5)). */
static u64 resident_bytes(void)
{
	CLEANUP(fd_closep) int fd = open(PROC_ROOT "/self/statm", O_RDONLY | O_CLOEXEC);
	unsigned long long pages = 0;
	char text[128] = { 0 };

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0 ||
	    sscanf(text, "%*u %llu", &pages) != 1)
		return 0;
	return pages * (u64)sysconf(_SC_PAGESIZE);
}

static u64 cpu_ns(clockid_t clock)
{
	struct timespec ts = { 0 };

	clock_gettime(clock, &ts);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

u64 proc_thread_cpu_ns(void)
{
	return cpu_ns(CLOCK_THREAD_CPUTIME_ID);
}

void proc_self_read(struct proc_self *ret)
{
	ret->cpu_ns = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
	ret->rss_bytes = resident_bytes();
}
