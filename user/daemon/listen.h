/* SPDX-License-Identifier: BSD-2-Clause */
/* A socket of ours that others connect to, by the address that the user gave. */
#ifndef DAEMON_LISTEN_H
#define DAEMON_LISTEN_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/err.h"

#define LISTEN_DEFAULT "127.0.0.1:9464"

struct listen_address {
	struct sockaddr_storage addr;
	socklen_t len;
	char text[160]; /* as it was given */
};

/*
 * "127.0.0.1:9464", "[::1]:9464" (port 0: the kernel chooses one) or
 * "unix:PATH". Names of hosts are none: where we listen is not for a name server
 * to say. Returns 0 or -EINVAL.
 */
int listen_parse(const char *text, struct listen_address *ret, struct err *err);

struct listener {
	int fd;
	char name[160]; /* "http://127.0.0.1:9464", "unix:/run/gosonde/metrics" */
	struct listen_address at;
	bool has_file; /* a Unix socket's; file tells it from a later one of that path */
	struct stat file;
};

/*
 * Opens it. A Unix socket that nobody listens at any more gives way, and gets
 * mode 0660. Fork before, not after: a child would keep the address.
 * Returns 0, -EADDRINUSE or another negative errno.
 */
int listener_open(struct listener *ret, const struct listen_address *at, struct err *err);

/* Closes it and removes its file. */
void listener_close(struct listener *listener);

#endif
