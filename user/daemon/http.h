/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small HTTP server (libmicrohttpd) in a thread of its own, for GET and HEAD.
 * A client that never reads, or never writes, holds one of HTTP_CONNECTIONS and a
 * few KiB for HTTP_IDLE_S seconds, and one that is slow for longer, but only until
 * somebody else wants it: when all are held, the oldest is closed for the next.
 */
#ifndef DAEMON_HTTP_H
#define DAEMON_HTTP_H

#include <stddef.h>

#include "base/err.h"
#include "base/macros.h"
#include "daemon/listen.h"

enum { HTTP_CONNECTIONS = 16, HTTP_IDLE_S = 5, HTTP_REQUEST_BYTES = 16 << 10 };

struct http_reply {
	unsigned int status;
	const char *content_type; /* static */
	char *body;		  /* from malloc, taken; NULL: out of memory, a status 503 */
	size_t len;
};

/* Called in the server's thread. accept: the header, NULL if there is none. */
typedef void (*http_get_fn)(void *arg, const char *path, const char *accept,
			    struct http_reply *ret);

struct http;

/* Signals that this thread has blocked stay so in the server's. Returns 0 or as listener_open(). */
int http_start(struct http **ret, const struct listen_address *at, http_get_fn get, void *arg,
	       struct err *err);

/* Where it listens: see struct listener. */
const char *http_name(const struct http *http);

/* Ends the thread, whatever its clients do. */
void http_free(struct http *http);
DEFINE_FREEP(struct http, http_free)

#endif
