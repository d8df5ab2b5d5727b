/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses of receivers, from what people write. */
#ifndef SINK_ADDRESS_H
#define SINK_ADDRESS_H

#include <sys/socket.h>

#include "base/err.h"

struct address {
	struct sockaddr_storage addr;
	socklen_t len;
};

/* Returns 0, or -EINVAL: no path, or one that is too long. */
int address_unix(struct address *ret, const char *path, struct err *err);

/*
 * "HOST:PORT" or "[HOST]:PORT"; the host is looked up, the first address counts. May
 * block for a minute: see sink/lookup.h. socktype: SOCK_DGRAM or SOCK_STREAM.
 * Returns 0, -EINVAL, -EHOSTUNREACH: no such host; -EAGAIN: nobody could tell.
 */
int address_inet(struct address *ret, const char *text, int socktype, struct err *err);

/* The same of a host that is an address itself, at once; -EHOSTUNREACH: it is a name. */
int address_numeric(struct address *ret, const char *text, int socktype, struct err *err);

/* Whether the text is one, be there such a host or not. Returns 0 or -EINVAL. */
int address_inet_check(const char *text, struct err *err);

#endif
