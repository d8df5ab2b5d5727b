/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages as datagrams to a receiver that may be away, restarted, or too slow. Never blocks. */
#ifndef SINK_DATAGRAM_H
#define SINK_DATAGRAM_H

#include <stdbool.h>

#include "sink/address.h"

struct datagram {
	struct address to; /* len 0: not known yet */
	int fd;		   /* connected; -1: not */
	bool failed; /* to send, even if another socket could at once; until the owner clears it */
};

/* Returns 0, or a negative errno: it was not sent. -EHOSTUNREACH: there is no address, or no way.
 */
int datagram_send(struct datagram *datagram, const char *text, size_t len);
void datagram_close(struct datagram *datagram);

/* To another address from now on. */
void datagram_move(struct datagram *datagram, const struct address *to);

#endif
