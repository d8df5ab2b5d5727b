/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/throttling.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "proc/text_file.h"

enum {
	GROUP_FILE_BYTES = 16 << 10, /* as scan.c */
	MOUNTS_FILE_BYTES = 4 << 20, /* a node with thousands of containers */
	STAT_FILE_BYTES = 4096,
};

static int find_group(const struct throttling *t, int pid, struct cgroup *ret, struct err *err)
{
	char path[CGROUP_PATH_BYTES], text[GROUP_FILE_BYTES];
	int rc;

	snprintf(path, sizeof(path), "%s/%d/cgroup", t->proc_root, pid);
	rc = text_file_read(AT_FDCWD, path, text, sizeof(text));
	if (rc)
		return err_set(err, rc, "%s: %s", path, strerror(-rc));
	if (!cgroup_of_process(text, ret))
		return err_set(err, -ENOENT, "%s names no group that can be found", path);
	return 0;
}

static int find_mount(struct throttling *t, struct err *err)
{
	CLEANUP(freep) char *text = malloc(MOUNTS_FILE_BYTES);
	char path[CGROUP_PATH_BYTES];
	int rc;

	if (!text)
		return err_set(err, -ENOMEM, "out of memory");
	snprintf(path, sizeof(path), "%s/self/mountinfo", t->proc_root);
	rc = text_file_read(AT_FDCWD, path, text, MOUNTS_FILE_BYTES);
	if (rc)
		return err_set(err, rc, "%s: %s", path, strerror(-rc));
	if (!cgroup_find_mount(text, &t->group, &t->mount))
		return err_set(err, -ENOENT, "no mount shows the group %s", t->group.path);
	return 0;
}

/* Of each level from the group's folder up to the mount point. Returns how many, or a negative
 * errno. */
static int read_levels(const struct throttling *t,
		       struct cgroup_throttled ret[static THROTTLING_LEVELS])
{
	char folder[CGROUP_PATH_BYTES], path[CGROUP_PATH_BYTES + 16], text[STAT_FILE_BYTES];
	size_t point_len, len = cgroup_folder(&t->mount, &t->group, folder, &point_len);
	int levels = 0, rc;

	if (!len)
		return -ENOENT;
	while (levels < THROTTLING_LEVELS) {
		snprintf(path, sizeof(path), "%.*s/cpu.stat", (int)len, folder);
		rc = text_file_read(AT_FDCWD, path, text, sizeof(text));
		/* The root of v1, and any group of which the folder is gone, has none. */
		if (rc && (rc != -ENOENT || len > point_len))
			return rc;
		if (!rc && cgroup_throttled_parse(text, &ret[levels]))
			levels++;
		if (len <= point_len)
			break;
		while (len > point_len && folder[len - 1] != '/')
			len--;
		len = MAX(len - 1, point_len);
	}
	return levels;
}

static struct cgroup_throttled most_grown(const struct cgroup_throttled *before,
					  const struct cgroup_throttled *now, size_t levels)
{
	struct cgroup_throttled most = { 0 };

	for (size_t i = 0; i < levels; i++) {
		u64 ns = now[i].ns - MIN(before[i].ns, now[i].ns);

		if (ns < most.ns)
			continue;
		most.ns = ns;
		most.periods = now[i].periods - MIN(before[i].periods, now[i].periods);
	}
	return most;
}

static int take_in(struct throttling *t, struct err *err)
{
	struct cgroup_throttled now[THROTTLING_LEVELS], grown;
	int levels = read_levels(t, now);
	bool same = t->based && levels == (int)t->levels;

	t->based = levels >= 0;
	if (levels < 0)
		return err_set(err, levels, "cpu.stat of the group %s: %s", t->group.path,
			       strerror(-levels));
	if (same) {
		grown = most_grown(t->last, now, (size_t)levels);
		t->total.ns += grown.ns;
		t->total.periods += grown.periods;
	}
	t->levels = (size_t)levels;
	memcpy(t->last, now, sizeof(now[0]) * (size_t)levels);
	return same ? 0 : -EAGAIN;
}

int throttling_read(struct throttling *t, int pid, struct err *err)
{
	struct cgroup group;
	bool first = !t->group.version, moved;
	int rc = find_group(t, pid, &group, err);

	if (rc) {
		t->based = false;
		return rc;
	}
	moved = first || group.version != t->group.version || strcmp(group.path, t->group.path);
	if (moved) {
		t->based = false;
		t->group = group;
		rc = find_mount(t, err);
		if (rc) {
			t->group.version = 0; /* look for it again */
			return rc;
		}
	}
	rc = take_in(t, err);
	return first && rc == -EAGAIN ? 0 : rc;
}
