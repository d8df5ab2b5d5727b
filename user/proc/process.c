/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/process.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

enum { EXIT_WAIT_MS = 200 };

/* A PID of a thread would attach to nothing: the kernel's filter wants the process. */
static int check_is_process(int pid, struct err *err)
{
	CLEANUP(freep) char *line = NULL;
	char path[32];
	size_t size = 0;
	int tgid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	if (!f)
		return err_set(err, -ESRCH, "no process has PID %d", pid);
	while (!tgid && getline(&line, &size, f) > 0)
		(void)sscanf(line, "Tgid: %d", &tgid);
	fclose(f);
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
	if (p->exe_fd < 0)
		return exe_failure(p, errno, err);
	snprintf(p->exe_path, sizeof(p->exe_path), "/proc/self/fd/%d", p->exe_fd);
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

bool process_gone(const struct process *process)
{
	struct pollfd fd = { .fd = process->pidfd, .events = POLLIN };

	return poll(&fd, 1, EXIT_WAIT_MS) > 0;
}

/* What the kernel told the program when it was executed (getauxval(3)). */
struct auxv {
	u64 phdr, entry, random;
};

static int read_auxv(const struct process *process, struct auxv *ret)
{
	CLEANUP(fd_closep) int fd = -1;
	Elf64_auxv_t aux[64];
	char path[32];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/auxv", process->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, aux, sizeof(aux));
	if (n < 0)
		return -errno;
	*ret = (struct auxv) { 0 };
	for (ssize_t i = 0; i < n / (ssize_t)sizeof(aux[0]); i++) {
		if (aux[i].a_type == AT_PHDR)
			ret->phdr = aux[i].a_un.a_val;
		else if (aux[i].a_type == AT_ENTRY)
			ret->entry = aux[i].a_un.a_val;
		else if (aux[i].a_type == AT_RANDOM)
			ret->random = aux[i].a_un.a_val;
	}
	return ret->phdr ? 0 : -ENODATA;
}

int process_phdr(const struct process *process, u64 *ret, struct err *err)
{
	struct auxv auxv;
	int rc = read_auxv(process, &auxv);

	if (rc == -EACCES || rc == -EPERM)
		return err_set(err, -EPERM, "can't read /proc/%d/auxv: %s", process->pid,
			       strerror(-rc));
	if (rc && process_gone(process))
		return err_set(err, -ESRCH, "process %d has exited", process->pid);
	if (rc)
		return err_set(err, -EBADMSG, "/proc/%d/auxv does not tell where the program lies",
			       process->pid);
	*ret = auxv.phdr;
	return 0;
}

u64 process_image(const struct process *process)
{
	struct auxv auxv;

	return read_auxv(process, &auxv) ? 0 : auxv.phdr ^ auxv.entry << 1 ^ auxv.random << 2;
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

bool in_initial_pid_namespace(void)
{
	/* PROC_PID_INIT_INO, include/linux/proc_ns.h */
	const ino_t initial = 0xEFFFFFFC;
	struct stat st;

	return !stat("/proc/self/ns/pid", &st) && st.st_ino == initial;
}
