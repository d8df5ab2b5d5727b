/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/macros.h"

enum { BACKLOG = 64, UNIX_MODE = 0660 };

static const char unix_prefix[] = "unix:";

static int parse_unix(const char *path, struct listen_address *ret, struct err *err)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&ret->addr;

	if (!*path)
		return err_set(err, -EINVAL, "unix:PATH lacks its path");
	if (strlen(path) >= sizeof(un->sun_path))
		return err_set(err, -EINVAL, "path of more than %zu bytes: %s",
			       sizeof(un->sun_path) - 1, path);
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, strlen(path) + 1);
	ret->len = sizeof(*un);
	return 0;
}

/* The host without its brackets; -EINVAL: it is not as long as a host, or lacks a bracket. */
static int host_of(const char *text, const char *colon, char host[static INET6_ADDRSTRLEN])
{
	size_t len = (size_t)(colon - text);
	bool bracketed = len >= 2 && text[0] == '[' && text[len - 1] == ']';

	if (bracketed) {
		text++;
		len -= 2;
	}
	if (len == 0 || len >= INET6_ADDRSTRLEN || (memchr(text, ':', len) != NULL) != bracketed)
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	return 0;
}

static int parse_inet(const char *text, struct listen_address *ret)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
					.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN];
	struct addrinfo *found;

	if (!colon || host_of(text, colon, host))
		return -EINVAL;
	/* getaddrinfo() takes 65537 for 1. */
	if (!colon[1] || strlen(colon + 1) > 5 || colon[1 + strspn(colon + 1, "0123456789")] ||
	    strtoul(colon + 1, NULL, 10) > 65535)
		return -EINVAL;
	if (getaddrinfo(host, colon + 1, &hints, &found))
		return -EINVAL;
	memcpy(&ret->addr, found->ai_addr, found->ai_addrlen);
	ret->len = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

int listen_parse(const char *text, struct listen_address *ret, struct err *err)
{
	struct listen_address at = { 0 };
	int rc;

	snprintf(at.text, sizeof(at.text), "%s", text);

	if (!strncmp(text, unix_prefix, strlen(unix_prefix))) {
		rc = parse_unix(text + strlen(unix_prefix), &at, err);
	} else {
		rc = parse_inet(text, &at);
		if (rc)
			err_set(err, rc,
				"\"%s\" is no address to listen at, like " LISTEN_DEFAULT
				", [::1]:9464 or unix:PATH",
				text);
	}
	if (!rc)
		*ret = at;
	return rc;
}

static void set_name(struct listener *l)
{
	struct listen_address own = { .len = sizeof(own.addr) };
	char host[INET6_ADDRSTRLEN] = "", port[8] = "";
	bool v6 = l->at.addr.ss_family == AF_INET6;

	if (l->at.addr.ss_family == AF_UNIX) {
		snprintf(l->name, sizeof(l->name), "unix:%s",
			 ((const struct sockaddr_un *)&l->at.addr)->sun_path);
		return;
	}
	if (getsockname(l->fd, (struct sockaddr *)&own.addr, &own.len) ||
	    getnameinfo((const struct sockaddr *)&own.addr, own.len, host, sizeof(host), port,
			sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV))
		return;
	snprintf(l->name, sizeof(l->name), v6 ? "http://[%s]:%s" : "http://%s:%s", host, port);
}

/* Whether somebody answers at a Unix socket that is there; what is no socket stays as well. */
static bool is_held(const struct listen_address *at)
{
	CLEANUP(fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const char *path = ((const struct sockaddr_un *)&at->addr)->sun_path;
	struct stat st;

	if (lstat(path, &st) || !S_ISSOCK(st.st_mode) || fd < 0)
		return true;
	return connect(fd, (const struct sockaddr *)&at->addr, at->len) == 0 ||
	       errno != ECONNREFUSED;
}

static int bind_unix(struct listener *l)
{
	const char *path = ((const struct sockaddr_un *)&l->at.addr)->sun_path;
	const struct sockaddr *addr = (const struct sockaddr *)&l->at.addr;
	int rc;

	(void)fchmod(l->fd, UNIX_MODE); /* the file gets the socket's, less the umask */
	rc = bind(l->fd, addr, l->at.len);
	if (rc && errno == EADDRINUSE && !is_held(&l->at)) {
		(void)unlink(path);
		rc = bind(l->fd, addr, l->at.len);
	}
	if (rc)
		return -errno;
	(void)chmod(path, UNIX_MODE);
	l->has_file = !lstat(path, &l->file);
	return 0;
}

static int bind_inet(struct listener *l)
{
	const int on = 1;

	/* Not the port of one that listens, but of one that did a minute ago. */
	(void)setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (l->at.addr.ss_family == AF_INET6)
		(void)setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	return bind(l->fd, (const struct sockaddr *)&l->at.addr, l->at.len) ? -errno : 0;
}

int listener_open(struct listener *ret, const struct listen_address *at, struct err *err)
{
	struct listener l = { .at = *at };
	bool is_unix = at->addr.ss_family == AF_UNIX;
	int rc;

	l.fd = socket(at->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l.fd < 0)
		return err_set(err, -errno, "can't open a socket: %s", strerror(errno));
	rc = is_unix ? bind_unix(&l) : bind_inet(&l);
	if (!rc && listen(l.fd, BACKLOG))
		rc = -errno;
	if (rc) {
		listener_close(&l);
		return rc == -EADDRINUSE && !is_unix
			       ? err_set(err, rc, "the port is in use by another program")
			       : err_set(err, rc, "%s", strerror(-rc));
	}
	set_name(&l);
	*ret = l;
	return 0;
}

/* Inode numbers are used again; a socket's time of change is of its bind(). */
static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

void listener_close(struct listener *l)
{
	const char *path = ((const struct sockaddr_un *)&l->at.addr)->sun_path;
	struct stat now;

	if (l->has_file && !lstat(path, &now) && is_same_file(&l->file, &now))
		(void)unlink(path);
	if (l->fd >= 0)
		close(l->fd);
	*l = (struct listener) { .fd = -1 };
}
