/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An address looked up by a thread of its own: a name server that is away holds
 * getaddrinfo() for up to a minute, and nothing breaks it off. Who does not want
 * to know any more lets go of the lookup, and the thread ends in its own time.
 */
#ifndef SINK_LOOKUP_H
#define SINK_LOOKUP_H

#include "sink/address.h"

struct lookup;

struct lookup_result {
	int rc; /* as address_inet() */
	struct address address;
	struct err err;
};

/* As address_inet(); text is copied. Returns 0, -ENOMEM, or why no thread could be had. */
int lookup_start(struct lookup **ret, const char *text, int socktype);

/* NULL: it is under way. Borrowed from the lookup. */
const struct lookup_result *lookup_result(const struct lookup *lookup);

/* Lets go of it, over or not; never waits. Accepts NULL. */
void lookup_free(struct lookup *lookup);
DEFINE_FREEP(struct lookup, lookup_free)

#endif
