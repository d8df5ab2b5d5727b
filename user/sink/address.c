/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/address.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <string.h>
#include <sys/un.h>

enum { HOST_BYTES = 256, PORT_BYTES = 8 };

int address_unix(struct address *ret, const char *path, struct err *err)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	if (!*path)
		return err_set(err, -EINVAL, "the socket's path is missing");
	if (strlen(path) >= sizeof(un.sun_path))
		return err_set(err, -EINVAL, "path of more than %zu bytes: %s",
			       sizeof(un.sun_path) - 1, path);
	memcpy(un.sun_path, path, strlen(path) + 1);
	*ret = (struct address) { .len = sizeof(un) };
	memcpy(&ret->addr, &un, sizeof(un));
	return 0;
}

/* "HOST:PORT" or "[HOST]:PORT" in its two parts. */
static int split_host_port(const char *text, char host[static HOST_BYTES],
			   char port[static PORT_BYTES], struct err *err)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;

	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	} else if (colon && memchr(text, ':', len)) {
		return err_set(err, -EINVAL, "an IPv6 address needs brackets: [%.*s]%s", (int)len,
			       text, colon);
	}
	if (len == 0 || len >= HOST_BYTES || !colon[1] || strlen(colon + 1) >= PORT_BYTES)
		return err_set(err, -EINVAL, "\"%s\" is not HOST:PORT", text);
	if (colon[1 + strspn(colon + 1, "0123456789")] != '\0')
		return err_set(err, -EINVAL, "\"%s\" is no port number", colon + 1);
	memcpy(host, text, len);
	host[len] = '\0';
	memcpy(port, colon + 1, strlen(colon + 1) + 1);
	return 0;
}

int address_inet_check(const char *text, struct err *err)
{
	char host[HOST_BYTES], port[PORT_BYTES];

	return split_host_port(text, host, port, err);
}

static bool is_unknown(int rc)
{
	return rc == EAI_NONAME || rc == EAI_NODATA;
}

static int find(struct address *ret, const char *text, int socktype, int flags, struct err *err)
{
	const struct addrinfo hints = { .ai_socktype = socktype,
					.ai_flags = AI_NUMERICSERV | flags };
	char host[HOST_BYTES], port[PORT_BYTES];
	struct addrinfo *found = NULL;
	int rc = split_host_port(text, host, port, err);

	if (rc)
		return rc;
	rc = getaddrinfo(host, port, &hints, &found);
	if (rc)
		return err_set(err, is_unknown(rc) ? -EHOSTUNREACH : -EAGAIN, "%s: %s", host,
			       gai_strerror(rc));
	*ret = (struct address) { .len = found->ai_addrlen };
	memcpy(&ret->addr, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return 0;
}

int address_inet(struct address *ret, const char *text, int socktype, struct err *err)
{
	return find(ret, text, socktype, 0, err);
}

int address_numeric(struct address *ret, const char *text, int socktype, struct err *err)
{
	return find(ret, text, socktype, AI_NUMERICHOST, err);
}
