/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages as datagrams to a receiver that may be away, restarted, or too slow. Never blocks. */
#ifndef SINK_DATAGRAM_H
#define SINK_DATAGRAM_H

#include "sink/address.h"

struct datagram {
	struct address to;
	int fd; /* connected; -1: not */
};

/* Returns 0, or a negative errno: it was not sent. */
int datagram_send(struct datagram *datagram, const char *text, size_t len);
void datagram_close(struct datagram *datagram);

#endif
