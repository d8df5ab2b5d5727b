/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"

/* Why stdout failed nobody has kept: the end of the line that was cut fails likewise, or is there.
 */
static const char *why(void)
{
	return write(STDOUT_FILENO, "\n", 1) == 1 ? "for a while it took none" : strerror(errno);
}

/* Whoever failed has said so. */
static void check_results(int status, void *arg)
{
	(void)arg;
	if (status != EXIT_DONE || (fflush(stdout) == 0 && !ferror(stdout)))
		return;
	fprintf(stderr, "gosonde: can't write the results: %s\n", why());
	_exit(EXIT_FAILED);
}

/* What is opened next would take their numbers, and messages would go into it: a socket, a BPF map.
 */
static int open_closed(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

int cmd_guard_streams(void)
{
	if (open_closed())
		return EXIT_FAILED;
	/* argp leaves the process by itself after --help. */
	return on_exit(check_results, NULL) ? EXIT_FAILED : EXIT_DONE;
}
