/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/runqueue.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "proc/text_file.h"

static int by_tid(const void *a, const void *b)
{
	const struct runqueue_thread *x = a, *y = b;

	return (x->tid > y->tid) - (x->tid < y->tid);
}

void runqueue_update(struct runqueue *rq, struct runqueue_thread *now, size_t n)
{
	u64 longest_ns = 0;
	size_t old = 0;

	n = MIN(n, RUNQUEUE_THREADS);
	qsort(now, n, sizeof(now[0]), by_tid);
	for (size_t i = 0; i < n && rq->based; i++) {
		u64 before = 0, grown;

		while (old < rq->threads && rq->thread[old].tid < now[i].tid)
			old++;
		if (old < rq->threads && rq->thread[old].tid == now[i].tid)
			before = rq->thread[old].waited_ns;
		/* A count that fell is another thread's, which got the TID of one that exited. */
		grown = now[i].waited_ns - (before <= now[i].waited_ns ? before : 0);
		rq->total_ns += grown;
		longest_ns = MAX(longest_ns, grown);
	}
	rq->longest_ns += longest_ns;
	memcpy(rq->thread, now, n * sizeof(now[0]));
	rq->threads = n;
	rq->based = true;
}

/* Without CONFIG_SCHED_INFO, or with it switched off, it is "0 0 0" (fs/proc/base.c). */
bool runqueue_parse(const char *text, u64 *ret_ns)
{
	u64 ran, waited, slices;

	if (sscanf(text, "%llu %llu %llu", &ran, &waited, &slices) != 3 ||
	    (!ran && !waited && !slices))
		return false;
	*ret_ns = waited;
	return true;
}

/* Of those that have not exited since the folder was read. Returns how many, or a negative errno.
 */
static int read_threads(DIR *dir, struct runqueue_thread ret[static RUNQUEUE_THREADS])
{
	char path[NAME_MAX + 16], text[128];
	const struct dirent *entry;
	int n = 0, unread = 0;
	u64 waited_ns;

	while ((entry = readdir(dir))) {
		int tid = atoi(entry->d_name);

		if (tid <= 0)
			continue;
		if (n == RUNQUEUE_THREADS)
			return -E2BIG;
		snprintf(path, sizeof(path), "%s/schedstat", entry->d_name);
		if (text_file_read(dirfd(dir), path, text, sizeof(text)) ||
		    !runqueue_parse(text, &waited_ns))
			unread++;
		else
			ret[n++] = (struct runqueue_thread) { tid, waited_ns };
	}
	return n || !unread ? n : -ENODATA;
}

int runqueue_read(struct runqueue *rq, int pid, struct err *err)
{
	struct runqueue_thread now[RUNQUEUE_THREADS];
	char path[PATH_MAX];
	DIR *dir;
	int n;

	snprintf(path, sizeof(path), "%s/%d/task", rq->proc_root, pid);
	dir = opendir(path);
	if (!dir) {
		rq->based = false;
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	}
	n = read_threads(dir, now);
	closedir(dir);
	if (n < 0) {
		rq->based = false;
		return err_set(err, n, "%s: %s", path,
			       n == -E2BIG ? "too many threads" : "no schedstat is counted");
	}
	runqueue_update(rq, now, (size_t)n);
	return 0;
}
