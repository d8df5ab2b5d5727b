/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/datagram.h"

#include <errno.h>

static int reconnect(struct datagram *datagram)
{
	CLEANUP(fd_closep) int fd = -1;

	fd = socket(datagram->to.addr.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&datagram->to.addr, datagram->to.len) < 0)
		return -errno;
	datagram->fd = TAKE_FD(fd);
	return 0;
}

int datagram_send(struct datagram *datagram, const char *text, size_t len)
{
	int rc;

	if (!datagram->to.len)
		return -EHOSTUNREACH;
	rc = datagram->fd < 0 ? reconnect(datagram) : 0;
	datagram->failed |= rc != 0;
	if (rc)
		return rc;
	if (send(datagram->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		return 0;
	rc = -errno;
	if (rc == -EAGAIN || rc == -EMSGSIZE)
		return rc; /* the receiver is there */
	datagram->failed = true;
	/* A socket that was removed and made anew is another one: connect to it at once. */
	datagram_close(datagram);
	if (reconnect(datagram))
		return rc;
	return send(datagram->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

void datagram_close(struct datagram *datagram)
{
	if (datagram->fd >= 0)
		close(datagram->fd);
	datagram->fd = -1;
}

void datagram_move(struct datagram *datagram, const struct address *to)
{
	datagram_close(datagram);
	datagram->to = *to;
}
