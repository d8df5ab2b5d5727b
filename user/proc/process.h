/* SPDX-License-Identifier: BSD-2-Clause */
/* One running process: who it is, that it is still the same, where its binary is mapped. */
#ifndef PROC_PROCESS_H
#define PROC_PROCESS_H

#include <stdbool.h>

#include <gosonde/types.h>

#include "base/err.h"
#include "gobin/memory.h"

#define PROC_ROOT     "/proc"
#define PROC_SELF_EXE "/proc/self/exe" /* our own executable */

struct process {
	int pid;
	int pidfd;  /* readable once the process is gone */
	int exe_fd; /* its executable */
	/* Reaches that very file, be it deleted, in a container, or replaced by an exec since:
	 * what is read and what is probed are one inode. */
	char exe_path[32];
	char exe[512]; /* what it points to, for people; raw */
};

/*
 * Takes hold of a process by PID.
 * Returns 0, or
 *   -ESRCH   no such process
 *   -EINVAL  the PID is a thread of another process, or a kernel thread
 *   -EPERM   it belongs to somebody else and we lack the privilege
 *   -EACCES  we may not read its executable
 */
int process_open(struct process *ret, int pid, struct err *err);
void process_close(struct process *process);

/*
 * Whether it has exited; for whoever was refused something by the process. An
 * exit takes the memory first and is told last, so this waits a moment for it.
 */
bool process_gone(const struct process *process);

/* Whether it has exited, as far as is told now: from then on its PID may be another's. */
bool process_exited(const struct process *process);

/*
 * Where the first executable segment of its program lies in memory, from which
 * the load bias follows. Returns 0, -EPERM, -ESRCH or -EBADMSG.
 */
int process_code_start(const struct process *process, u64 *ret, struct err *err);

/*
 * Tells one image of the process from the next: it changes when the process
 * executes a program, be it the same one (the kernel places it anew). 0: unknown.
 */
u64 process_image(const struct process *process);

/* Whether a debugger (ptrace) holds it, whose breakpoints look like ours; if that can't be told,
 * yes. */
bool process_is_debugged(const struct process *process);

/* Its real user; negative: unknown. */
s64 process_uid(int pid);

/* The path of its control group, the first of /proc/PID/cgroup; "" if there is none. */
void process_cgroup(int pid, char *ret, size_t size);

/* CPU time that all of its threads have taken, to the nanosecond; 0: it can't be told. */
u64 process_cpu_ns(const struct process *process);

/* Whether a thread of it runs, or waits for nothing but a CPU. */
bool process_thread_runs(const struct process *process, int tid);

/* Reads its memory (process_vm_readv): all of len bytes, or a negative errno. The target runs on.
 */
int process_read(const struct process *process, u64 addr, void *buf, size_t len);

/*
 * Many pieces with as few system calls as it takes. Returns how many were read
 * whole, from the first on: the one after them can't be read.
 */
size_t process_read_pieces(const struct process *process, const struct memory_piece *pieces,
			   size_t n);

/* Whether this program runs in the machine's initial PID namespace, where BPF's tgid is our PID. */
bool in_initial_pid_namespace(void);

#endif
