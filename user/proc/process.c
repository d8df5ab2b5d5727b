/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include "proc/file.h"
#include "proc/text_file.h"

enum {
	EXIT_WAIT_MS = 200,
	READ_BATCH = 512, /* pieces a system call; the kernel takes up to IOV_MAX, 1024 */
};

/* A number in /proc/PID/status, by its name with the colon; -1: it is not there. */
static int status_field(int pid, const char *name)
{
	CLEANUP(freep) char *line = NULL;
	char path[32];
	size_t size = 0;
	int value = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	if (!f)
		return -1;
	while (value < 0 && getline(&line, &size, f) > 0)
		if (!strncmp(line, name, strlen(name)))
			(void)sscanf(line + strlen(name), "%d", &value);
	fclose(f);
	return value;
}

/* A PID of a thread would attach to nothing: the kernel's filter wants the process. */
static int check_is_process(int pid, struct err *err)
{
	int tgid = status_field(pid, "Tgid:");

	if (tgid < 0)
		return err_set(err, -ESRCH, "no process has PID %d", pid);
	if (tgid != pid)
		return err_set(err, -EINVAL, "%d is a thread of process %d: use that PID", pid,
			       tgid);
	return 0;
}

static int exe_failure(const struct process *p, int code, struct err *err)
{
	if (code == EACCES || code == EPERM)
		return err_set(err, -EPERM,
			       "process %d belongs to another user (needs root, or CAP_SYS_PTRACE)",
			       p->pid);
	if (process_gone(p))
		return err_set(err, -ESRCH, "process %d has exited", p->pid);
	return err_set(err, -EINVAL, "process %d has no executable: a kernel thread, or a zombie",
		       p->pid);
}

static int open_exe(struct process *p, struct err *err)
{
	char link[32];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/exe", p->pid);
	n = readlink(link, p->exe, sizeof(p->exe) - 1);
	if (n < 0)
		return exe_failure(p, errno, err);
	p->exe[n] = 0;
	p->exe_fd = open(link, O_RDONLY | O_CLOEXEC);
	/* We may look at the process, not at the file: its mode says so. */
	if (p->exe_fd < 0 && errno == EACCES)
		return err_set(err, -EACCES,
			       "only some may read its executable, %s (needs root, or "
			       "CAP_DAC_READ_SEARCH)",
			       p->exe);
	if (p->exe_fd < 0)
		return exe_failure(p, errno, err);
	proc_fd_path(p->exe_path, p->exe_fd);
	return 0;
}

int process_open(struct process *ret, int pid, struct err *err)
{
	struct process p = { .pid = pid, .pidfd = -1, .exe_fd = -1 };
	int rc;

	if (pid <= 0)
		return err_set(err, -EINVAL, "%d is not a PID", pid);
	rc = check_is_process(pid, err);
	if (rc)
		return rc;
	p.pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (p.pidfd < 0)
		return err_set(err, -errno, "can't watch process %d: %s", pid, strerror(errno));
	rc = open_exe(&p, err);
	if (rc) {
		process_close(&p);
		return rc;
	}
	*ret = p;
	return 0;
}

void process_close(struct process *process)
{
	if (process->pidfd >= 0)
		close(process->pidfd);
	if (process->exe_fd >= 0)
		close(process->exe_fd);
	process->pidfd = process->exe_fd = -1;
}

static bool exits_within(const struct process *process, int timeout_ms)
{
	struct pollfd fd = { .fd = process->pidfd, .events = POLLIN };

	return poll(&fd, 1, timeout_ms) > 0;
}

bool process_gone(const struct process *process)
{
	return exits_within(process, EXIT_WAIT_MS);
}

bool process_exited(const struct process *process)
{
	return exits_within(process, 0);
}

/* Of /proc/PID/stat, which asks for less privilege than auxv or maps (proc(5)). */
struct memory_layout {
	u64 start_code;	 /* field 26: of the program's first executable segment */
	u64 start_stack; /* field 28 */
};

/* The command's name, field 2, may hold anything, but no ')' follows its own. */
static int read_layout(const struct process *process, struct memory_layout *ret)
{
	char path[32], text[1024], *p;
	ssize_t n;
	CLEANUP(fd_closep) int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/stat", process->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = 0;
	p = strrchr(text, ')');
	for (int field = 2; p && field < 26; field++)
		p = strchr(p + 1, ' ');
	return p && sscanf(p, " %llu %*u %llu", &ret->start_code, &ret->start_stack) == 2
		       ? 0
		       : -EBADMSG;
}

int process_code_start(const struct process *process, u64 *ret, struct err *err)
{
	enum { NOT_PERMITTED = 1 }; /* fs/proc/array.c: do_task_stat() */
	struct memory_layout layout = { 0 };
	int rc = read_layout(process, &layout);

	if (!rc && layout.start_code == NOT_PERMITTED)
		return err_set(err, -EPERM,
			       "not permitted to see the memory layout of process %d (needs root, "
			       "or CAP_SYS_PTRACE)",
			       process->pid);
	if ((rc || !layout.start_code) && process_gone(process))
		return err_set(err, -ESRCH, "process %d has exited", process->pid);
	if (rc || !layout.start_code)
		return err_set(err, -EBADMSG,
			       "/proc/%d/stat does not tell where the program's code lies",
			       process->pid);
	*ret = layout.start_code;
	return 0;
}

u64 process_image(const struct process *process)
{
	struct memory_layout layout = { 0 };

	return read_layout(process, &layout) ? 0 : layout.start_code ^ layout.start_stack;
}

int process_read(const struct process *process, u64 addr, void *buf, size_t len)
{
	struct iovec local = { .iov_base = buf, .iov_len = len };
	struct iovec remote = { .iov_base = (void *)(unsigned long)addr, .iov_len = len };
	ssize_t n = process_vm_readv(process->pid, &local, 1, &remote, 1, 0);

	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EFAULT;
}

/* One call's worth. Returns the pieces that were read whole. */
static size_t read_batch(const struct process *process, const struct memory_piece *pieces, size_t n)
{
	struct iovec local[READ_BATCH], remote[READ_BATCH];
	ssize_t left;
	size_t whole = 0;

	for (size_t i = 0; i < n; i++) {
		local[i] = (struct iovec) { pieces[i].buf, pieces[i].len };
		remote[i] = (struct iovec) { (void *)(unsigned long)pieces[i].addr, pieces[i].len };
	}
	left = process_vm_readv(process->pid, local, n, remote, n, 0);
	while (whole < n && left >= (ssize_t)pieces[whole].len)
		left -= (ssize_t)pieces[whole++].len;
	return whole;
}

size_t process_read_pieces(const struct process *process, const struct memory_piece *pieces,
			   size_t n)
{
	size_t done = 0;

	while (done < n) {
		size_t batch = MIN(n - done, (size_t)READ_BATCH);
		size_t whole = read_batch(process, pieces + done, batch);

		done += whole;
		if (whole < batch)
			break;
	}
	return done;
}

bool in_initial_pid_namespace(void)
{
	/* PROC_PID_INIT_INO, include/linux/proc_ns.h */
	const ino_t initial = 0xEFFFFFFC;
	struct stat st;

	return !stat("/proc/self/ns/pid", &st) && st.st_ino == initial;
}

bool process_is_debugged(const struct process *process)
{
	return status_field(process->pid, "TracerPid:") != 0;
}

s64 process_uid(int pid)
{
	return status_field(pid, "Uid:");
}

void process_cgroup(int pid, char *ret, size_t size)
{
	CLEANUP(freep) char *line = NULL;
	char path[32];
	size_t room = 0;
	const char *at;
	FILE *f;

	ret[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	f = fopen(path, "re");
	if (!f)
		return;
	/* "0::/a/b", "4:cpu,cpuacct:/a/b" */
	if (getline(&line, &room, f) > 0 && (at = strchr(line, ':')) && (at = strchr(at + 1, ':')))
		snprintf(ret, size, "%.*s", (int)strcspn(at + 1, "\n"), at + 1);
	fclose(f);
}

bool process_thread_runs(const struct process *process, int tid)
{
	char path[64], text[128];
	const char *end;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", process->pid, tid);
	if (text_file_read(AT_FDCWD, path, text, sizeof(text)))
		return false;
	/* proc(5): the name stands in brackets, and may have some itself. */
	end = strrchr(text, ')');
	return end && !strncmp(end, ") R", 3);
}

u64 process_cpu_ns(const struct process *process)
{
	struct timespec ts;
	clockid_t clock;

	if (clock_getcpuclockid(process->pid, &clock) || clock_gettime(clock, &ts))
		return 0;
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}
