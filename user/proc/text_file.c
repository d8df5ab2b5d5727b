/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/text_file.h"

#include <errno.h>
#include <fcntl.h>

#include "base/macros.h"

int text_file_read(int dir, const char *path, char *buf, size_t size)
{
	CLEANUP(fd_closep) int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;

	if (fd < 0)
		return -errno;
	while (len < size - 1) {
		ssize_t n = read(fd, buf + len, size - 1 - len);

		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	buf[len] = '\0';
	return 0;
}
