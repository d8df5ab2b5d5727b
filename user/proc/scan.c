/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <uthash.h>

#include "base/units.h"
#include "proc/file.h"
#include "proc/text_file.h"

enum {
	TEXT_FILE_BYTES = 16384, /* a cgroup file: 4 KiB a path, a dozen v1 hierarchies at most */
	VERDICTS_MAX = 4096,	 /* executables remembered; above, they are looked into again */
};

/* What was found in an executable. The change time tells a reused inode apart. */
struct verdict {
	struct verdict_key {
		u64 dev, ino, ctime_ns, size;
	} key;
	enum scan_kind kind;
	int rc;
	struct err why;
	char version_text[64], module[256];
	struct goversion version;
	bool pie, stripped, swiss_maps;
	UT_hash_handle hh;
};

struct scan {
	DIR *dir;
	char *root;
	struct verdict *verdicts;
};

int scan_open(struct scan **ret, const char *root, struct err *err)
{
	CLEANUP(scan_closep) struct scan *scan = calloc(1, sizeof(*scan));

	if (!scan)
		return err_set(err, -ENOMEM, "list of processes");
	scan->root = strdup(root);
	if (!scan->root)
		return err_set(err, -ENOMEM, "list of processes");
	scan->dir = opendir(root);
	if (!scan->dir)
		return err_set(err, -errno, "%s: %s", root, strerror(errno));
	*ret = TAKE_PTR(scan);
	return 0;
}

void scan_close(struct scan *scan)
{
	struct verdict *verdict, *next;

	if (!scan)
		return;
	HASH_ITER (hh, scan->verdicts, verdict, next) {
		HASH_DEL(scan->verdicts, verdict);
		free(verdict);
	}
	if (scan->dir)
		closedir(scan->dir);
	free(scan->root);
	free(scan);
}

/* A small text file of a process, cut to size - 1. Returns 0 or a negative errno. */
static int read_text(const struct scan *scan, int pid, const char *name, char *buf, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "%d/%s", pid, name);
	return text_file_read(dirfd(scan->dir), path, buf, size);
}

/* Field 22 of stat, in clock ticks; the name before may hold spaces and parentheses. */
static int parse_start(const char *stat, u64 *ret_ns)
{
	u64 ticks_per_s = (u64)sysconf(_SC_CLK_TCK);
	const char *p = strrchr(stat, ')');
	u64 ticks;

	for (int field = 2; p && field < 22; field++) {
		p = strchr(p, ' ');
		p = p ? p + 1 : NULL;
	}
	if (!p || sscanf(p, "%llu", &ticks) != 1)
		return -EBADMSG;
	*ret_ns = ticks / ticks_per_s * NS_PER_S + ticks % ticks_per_s * NS_PER_S / ticks_per_s;
	return 0;
}

/* "Uid:" of status: real, effective, … The name above it is escaped by the kernel. */
static int parse_uid(const char *status, u32 *ret)
{
	const char *line = strstr(status, "\nUid:");

	return line && sscanf(line, "\nUid: %*u %u", ret) == 1 ? 0 : -EBADMSG;
}

static int read_identity(const struct scan *scan, struct scan_process *p)
{
	char text[TEXT_FILE_BYTES];
	int rc;

	rc = read_text(scan, p->pid, "comm", p->comm, sizeof(p->comm));
	if (rc)
		return rc;
	p->comm[strcspn(p->comm, "\n")] = '\0';

	rc = read_text(scan, p->pid, "stat", text, sizeof(text));
	rc = rc ? rc : parse_start(text, &p->start_ns);
	if (rc)
		return rc;
	rc = read_text(scan, p->pid, "status", text, sizeof(text));
	rc = rc ? rc : parse_uid(text, &p->uid);
	if (rc)
		return rc;

	/* A kernel may be without cgroups; the process is in no container then. */
	rc = read_text(scan, p->pid, "cgroup", text, sizeof(text));
	if (rc && rc != -ENOENT)
		return rc;
	container_from_cgroup(rc ? "" : text, &p->container);
	return 0;
}

static void judge(struct verdict *v, const char *path)
{
	CLEANUP(proc_file_close) struct proc_file file = { 0 };
	CLEANUP(gobin_freep) struct gobin *bin = NULL; /* goes before the file that it reads */
	const struct gobin_info *info;

	v->rc = proc_file_open(path, &file, &v->why);
	if (v->rc) {
		/* -ENOENT: it exited since the stat */
		v->kind = v->rc == -ENOENT ? SCAN_NO_EXE : SCAN_UNREADABLE;
		return;
	}
	v->rc = gobin_open_mapped(&bin, file.bytes, proc_file_release, &v->why);
	if (v->rc == -ENODATA || v->rc == -ENOEXEC || v->rc == -EPFNOSUPPORT) {
		v->kind = SCAN_OTHER;
		v->rc = 0;
		return;
	}
	v->kind = v->rc ? SCAN_GO_REFUSED : SCAN_GO;
	if (v->rc)
		return;

	info = gobin_info(bin);
	v->version = info->version;
	v->pie = info->pie;
	v->stripped = info->stripped;
	v->swiss_maps = info->swiss_maps;
	snprintf(v->version_text, sizeof(v->version_text), "%s", info->version_text);
	snprintf(v->module, sizeof(v->module), "%s", info->module);
}

static void take_verdict(struct scan_process *p, const struct verdict *v)
{
	p->kind = v->kind;
	p->rc = v->rc;
	p->why = v->why;
	p->version = v->version;
	p->pie = v->pie;
	p->stripped = v->stripped;
	p->swiss_maps = v->swiss_maps;
	memcpy(p->version_text, v->version_text, sizeof(p->version_text));
	memcpy(p->module, v->module, sizeof(p->module));
}

/* Judges the file at path, or remembers what was found in it before. */
static int look_into(struct scan *scan, const char *path, const struct stat *st,
		     struct scan_process *p)
{
	CLEANUP(freep) struct verdict *fresh = NULL;
	struct verdict *known;
	struct verdict_key key = {
		.dev = st->st_dev,
		.ino = st->st_ino,
		.ctime_ns = (u64)st->st_ctim.tv_sec * NS_PER_S + (u64)st->st_ctim.tv_nsec,
		.size = (u64)st->st_size,
	};

	HASH_FIND(hh, scan->verdicts, &key, sizeof(key), known);
	if (known) {
		take_verdict(p, known);
		return 0;
	}
	fresh = calloc(1, sizeof(*fresh));
	if (!fresh)
		return -ENOMEM;
	fresh->key = key;
	judge(fresh, path);
	take_verdict(p, fresh);
	/* Whether one may read it depends on the process, so that is not remembered. */
	if (fresh->kind >= SCAN_OTHER && HASH_COUNT(scan->verdicts) < VERDICTS_MAX) {
		known = TAKE_PTR(fresh);
		HASH_ADD(hh, scan->verdicts, key, sizeof(known->key), known);
	}
	return 0;
}

static int read_executable(struct scan *scan, struct scan_process *p)
{
	char path[PATH_MAX];
	struct stat st;
	ssize_t len;

	snprintf(path, sizeof(path), "%s/%d/exe", scan->root, p->pid);
	len = readlink(path, p->exe, sizeof(p->exe) - 1);
	if (len >= 0)
		p->exe[len] = '\0';
	if (len < 0 || stat(path, &st) < 0) {
		p->kind = errno == ENOENT ? SCAN_NO_EXE : SCAN_UNREADABLE;
		p->rc = err_set(&p->why, -errno, "%s: %s", path, strerror(errno));
		return 0;
	}
	return look_into(scan, path, &st, p);
}

/* A directory of a process is named by its number alone; 0 for others. */
static int parse_pid(const char *name)
{
	char *end;
	long pid;

	if (name[0] < '1' || name[0] > '9')
		return 0;
	errno = 0;
	pid = strtol(name, &end, 10);
	return *end || errno || pid > INT_MAX ? 0 : (int)pid;
}

static bool vanished(int rc)
{
	return rc == -ENOENT || rc == -ESRCH; /* before the open, and between open and read */
}

int scan_next(struct scan *scan, struct scan_process *ret, struct err *err)
{
	for (;;) {
		const struct dirent *entry;
		int pid, rc;

		errno = 0;
		entry = readdir(scan->dir);
		if (!entry && errno)
			return err_set(err, -errno, "%s: %s", scan->root, strerror(errno));
		if (!entry)
			return 0;
		pid = parse_pid(entry->d_name);
		if (!pid)
			continue;
		*ret = (struct scan_process) { .pid = pid };
		rc = read_identity(scan, ret);
		if (vanished(rc))
			continue;
		rc = rc ? rc : read_executable(scan, ret);
		if (rc)
			return err_set(err, rc, "%s/%d: %s", scan->root, pid, strerror(-rc));
		return 1;
	}
}
