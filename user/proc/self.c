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

void proc_self_read(struct proc_self *ret)
{
	struct timespec ts = { 0 };

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	ret->cpu_ns = (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
	ret->rss_bytes = resident_bytes();
}
