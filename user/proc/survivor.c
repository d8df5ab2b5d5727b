/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/survivor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macros.h"

static void ignore_signals(void)
{
	/* SIGABRT: systemd's watchdog sends it to all of a service when its main process hangs. */
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGABRT };

	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
}

/* Whoever reads the agent's output is to see its end when the agent ends. */
static void let_go_of_output(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
}

/* Readable when the last thread is gone, and its files with it. */
static void await_exit(int pidfd)
{
	struct pollfd exited = { .fd = pidfd, .events = POLLIN };

	while (poll(&exited, 1, -1) < 0 && errno == EINTR)
		;
}

__attribute__((noreturn)) static void run(int pidfd, void (*work)(void *arg), void *arg)
{
	ignore_signals();
	prctl(PR_SET_NAME, "gosonde-after");
	let_go_of_output();
	await_exit(pidfd);
	work(arg);
	_exit(0);
}

int survivor_start(struct survivor *ret, void (*work)(void *arg), void *arg, struct err *err)
{
	CLEANUP(fd_closep) int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	pid_t pid;

	if (pidfd < 0)
		return err_set(err, -errno, "can't watch our own process: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		return err_set(err, -errno, "can't fork: %s", strerror(errno));
	if (pid == 0)
		run(pidfd, work, arg);
	ret->pid = pid;
	return 0;
}

void survivor_end(struct survivor *survivor)
{
	if (survivor->pid <= 0)
		return;
	kill(survivor->pid, SIGKILL);
	waitpid(survivor->pid, NULL, 0);
	survivor->pid = 0;
}
