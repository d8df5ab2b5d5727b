/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "output/syslog.h"
#include "sink/sink.h"

enum { HOST_BYTES = 256, PORT_BYTES = 8 };

static const char default_path[] = "/dev/log";

/* A receiver, by address; both forms of the message follow from its family. */
struct state {
	struct sockaddr_storage addr;
	socklen_t addr_len;
	int fd; /* connected; -1: not */
	u32 agent_pid;
	char hostname[HOST_BYTES];
};

static bool is_local(const struct state *state)
{
	return state->addr.ss_family == AF_UNIX;
}

static int address_unix(struct state *state, const char *path, struct err *err)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&state->addr;

	if (!*path)
		return err_set(err, -EINVAL, "unix:PATH lacks its path");
	if (strlen(path) >= sizeof(un->sun_path))
		return err_set(err, -EINVAL, "path of more than %zu bytes: %s",
			       sizeof(un->sun_path) - 1, path);
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, strlen(path) + 1);
	state->addr_len = sizeof(*un);
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
		return err_set(err, -EINVAL, "an IPv6 address needs brackets: udp:[%.*s]%s",
			       (int)len, text, colon);
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

static int address_udp(struct state *state, const char *text, struct err *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICSERV };
	char host[HOST_BYTES], port[PORT_BYTES];
	struct addrinfo *found = NULL;
	int rc = split_host_port(text, host, port, err);

	if (rc)
		return rc;
	rc = getaddrinfo(host, port, &hints, &found);
	if (rc)
		return err_set(err, -EHOSTUNREACH, "%s: %s", host, gai_strerror(rc));
	memcpy(&state->addr, found->ai_addr, found->ai_addrlen);
	state->addr_len = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

static int parse_target(struct state *state, const char *target, struct err *err)
{
	if (!target || strcmp(target, "local") == 0)
		return address_unix(state, default_path, err);
	if (strncmp(target, "unix:", strlen("unix:")) == 0)
		return address_unix(state, target + strlen("unix:"), err);
	if (strncmp(target, "udp:", strlen("udp:")) == 0)
		return address_udp(state, target + strlen("udp:"), err);
	return err_set(err, -EINVAL, "\"%s\" is not local, unix:PATH or udp:HOST:PORT", target);
}

static int reconnect(struct state *state)
{
	CLEANUP(fd_closep) int fd = -1;

	fd = socket(state->addr.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&state->addr, state->addr_len) < 0)
		return -errno;
	state->fd = TAKE_FD(fd);
	return 0;
}

static void disconnect(struct state *state)
{
	if (state->fd >= 0)
		close(state->fd);
	state->fd = -1;
}

static int syslog_open(void **ret, const char *target, struct err *err)
{
	CLEANUP(freep) struct state *state = calloc(1, sizeof(*state));
	int rc;

	if (!state)
		return err_set(err, -ENOMEM, "out of memory");
	state->fd = -1;
	state->agent_pid = (u32)getpid();
	if (gethostname(state->hostname, sizeof(state->hostname) - 1) < 0)
		return err_set(err, -errno, "host name: %s", strerror(errno));
	rc = parse_target(state, target, err);
	if (rc)
		return rc;
	*ret = TAKE_PTR(state);
	return 0;
}

static int render_both(struct state *state, const struct alert *alert,
		       const struct timebase *timebase, struct sink_message *ret)
{
	char local[SYSLOG_LOCAL_BUF], net[SYSLOG_NET_BUF];
	const char *text = local;
	size_t len;

	if (is_local(state)) {
		len = syslog_local(local, alert, timebase, state->agent_pid);
	} else {
		len = syslog_rfc5424(net, alert, timebase, state->hostname, state->agent_pid);
		text = net;
	}
	ret->text = strndup(text, len);
	ret->len = len;
	return ret->text ? 0 : -ENOMEM;
}

static int syslog_render(void *arg, const struct alert *alert, const struct timebase *timebase,
			 struct sink_message *ret)
{
	return render_both(arg, alert, timebase, ret);
}

/* Loss is told as an alert of its own rule, so that whoever parses the others finds it. */
static int syslog_render_lost(void *arg, u64 lost, u64 now_ns, const struct timebase *timebase,
			      struct sink_message *ret)
{
	struct alert alert = {
		.time_ns = now_ns,
		.since_ns = now_ns,
		.rule = "alerts-lost",
		.state = ALERT_FIRING,
		.severity = SEVERITY_WARNING,
		.value = (double)lost,
		.unit = "alerts",
	};
	struct state *state = arg;

	alert.pid = state->agent_pid;
	snprintf(alert.subject, sizeof(alert.subject), "gosonde");
	snprintf(alert.summary, sizeof(alert.summary),
		 "%llu alerts were lost while this receiver took no messages", lost);
	return render_both(state, &alert, timebase, ret);
}

static int syslog_transmit(void *arg, const struct sink_message *message)
{
	struct state *state = arg;
	int rc = state->fd < 0 ? reconnect(state) : 0;

	if (rc)
		return rc;
	if (send(state->fd, message->text, message->len, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		return 0;
	rc = -errno;
	if (rc == -EAGAIN || rc == -EMSGSIZE)
		return rc; /* the receiver is there */
	/* A socket that was removed and made anew is another one: connect to it at once. */
	disconnect(state);
	if (reconnect(state))
		return rc;
	return send(state->fd, message->text, message->len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0
		       ? -errno
		       : 0;
}

static void syslog_close(void *arg)
{
	disconnect(arg);
	free(arg);
}

const struct sink_ops sink_syslog = {
	.name = "syslog",
	.leaves_machine = true,
	.open = syslog_open,
	.render = syslog_render,
	.render_lost = syslog_render_lost,
	.transmit = syslog_transmit,
	.close = syslog_close,
};
