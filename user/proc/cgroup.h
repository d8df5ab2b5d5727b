/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which control group limits a process's CPU time, where that group's files are,
 * and what they say. Parsers of /proc/PID/cgroup, /proc/self/mountinfo
 * (proc(5)) and cpu.stat; pure. Names of groups may be the process's choice.
 */
#ifndef PROC_CGROUP_H
#define PROC_CGROUP_H

#include <stdbool.h>
#include <stddef.h>

#include <gosonde/types.h>

enum { CGROUP_PATH_BYTES = 4096 };

/* Where the cpu controller is: on a hybrid machine a v2 hierarchy stands beside it without one. */
enum cgroup_version { CGROUP_V1 = 1, CGROUP_V2 = 2 };

/* A process's group, as seen from the reader's cgroup namespace. */
struct cgroup {
	enum cgroup_version version;
	char path[CGROUP_PATH_BYTES]; /* "/a/b", "/" */
};

/*
 * From the text of /proc/PID/cgroup. False: none that can be found in the file
 * system (no hierarchy, or it lies outside of the reader's namespace: "/../x").
 */
bool cgroup_of_process(const char *text, struct cgroup *ret);

/* A mount of the hierarchy: the group at root stands in the file system at point. */
struct cgroup_mount {
	char root[CGROUP_PATH_BYTES], point[CGROUP_PATH_BYTES];
};

/*
 * From the text of /proc/self/mountinfo the mount that shows the group and most
 * of its ancestors. False: none does.
 */
bool cgroup_find_mount(const char *text, const struct cgroup *group, struct cgroup_mount *ret);

/*
 * The group's folder, below the mount. Returns its length, of which the first
 * *ret_point_len bytes are the mount point; 0: it is not below this mount, or too long.
 */
size_t cgroup_folder(const struct cgroup_mount *mount, const struct cgroup *group,
		     char ret[static CGROUP_PATH_BYTES], size_t *ret_point_len);

/*
 * How often and how long a group's quota held it up, since it was made. The time is
 * added up over CPUs, and counted when a CPU is let go again (kernel/sched/fair.c:
 * unthrottle_cfs_rq).
 */
struct cgroup_throttled {
	u64 ns, periods;
};

/* From the text of cpu.stat, v1 or v2. False: the group has no such figures (root, no controller).
 */
bool cgroup_throttled_parse(const char *text, struct cgroup_throttled *ret);

#endif
