/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>

/* A receiver that vanished without a word counts as away after this. */
enum { VANISHED_MS = 30000 };

static void hang_up(struct stream *stream)
{
	if (stream->fd >= 0)
		close(stream->fd);
	stream->fd = -1;
	stream->connected = false;
	stream->sent = 0; /* of the frame: anew from its beginning */
}

static void fail(struct stream *stream, int rc)
{
	hang_up(stream);
	stream->away = rc;
	stream->retry_ns = stream->now_ns + backoff_fail_ns(&stream->backoff, stream->last);
}

static void begin(struct stream *stream)
{
	const unsigned int vanished_ms = VANISHED_MS;
	const int on = 1;

	stream->fd =
		socket(stream->to.addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (stream->fd < 0) {
		fail(stream, -errno);
		return;
	}
	(void)setsockopt(stream->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &vanished_ms,
			 sizeof(vanished_ms));
	(void)setsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(stream->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	if (connect(stream->fd, (const struct sockaddr *)&stream->to.addr, stream->to.len) < 0 &&
	    errno != EINPROGRESS)
		fail(stream, -errno);
}

static void await_connection(struct stream *stream)
{
	struct pollfd writable = { .fd = stream->fd, .events = POLLOUT };
	int error = 0;
	socklen_t len = sizeof(error);

	if (poll(&writable, 1, 0) <= 0)
		return;
	if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error) {
		fail(stream, -error);
		return;
	}
	stream->connected = true;
	stream->away = 0;
	backoff_succeed(&stream->backoff);
}

/* Writing into a connection that the peer has closed would succeed once, and be lost. */
static bool peer_has_closed(const struct stream *stream)
{
	char ignored[256];
	ssize_t n = recv(stream->fd, ignored, sizeof(ignored), MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static void connect_further(struct stream *stream)
{
	if (!stream->to.len)
		return;
	/* A receiver that was there a moment ago may be restarting: connect at once. */
	if (stream->connected && peer_has_closed(stream)) {
		hang_up(stream);
		stream->away = -EPIPE;
		begin(stream);
	} else if (stream->fd < 0 && stream->now_ns >= stream->retry_ns) {
		begin(stream);
	}
	if (stream->fd >= 0 && !stream->connected)
		await_connection(stream);
}

static void push(struct stream *stream)
{
	while (stream->sent < stream->len) {
		ssize_t n = send(stream->fd, stream->frame + stream->sent,
				 stream->len - stream->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0) {
			stream->sent += (size_t)n;
		} else if (errno == EAGAIN) {
			stream->away = -EAGAIN;
			return;
		} else if (errno != EINTR) {
			fail(stream, -errno);
			return;
		}
	}
	free(stream->frame);
	stream->frame = NULL;
	stream->len = stream->sent = 0;
	stream->away = 0;
}

static void advance(struct stream *stream)
{
	connect_further(stream);
	if (stream->connected && stream->frame)
		push(stream);
}

void stream_init(struct stream *stream, u64 seed)
{
	*stream = (struct stream) { .fd = -1, .away = -EHOSTUNREACH, .backoff.seed = seed };
}

void stream_move(struct stream *stream, const struct address *to)
{
	stream->to = *to;
	if (stream->connected)
		return;
	hang_up(stream);
	stream->away = -ENOTCONN;
	stream->retry_ns = stream->now_ns;
	connect_further(stream);
}

bool stream_is_cut_off(const struct stream *stream)
{
	return stream->to.len && stream->fd < 0;
}

void stream_close(struct stream *stream)
{
	hang_up(stream);
	free(stream->frame);
	stream->frame = NULL;
}

int stream_send(struct stream *stream, const struct sink_message *message)
{
	int len;

	if (stream->frame)
		advance(stream);
	if (stream->frame)
		return stream->away ? stream->away : -EAGAIN;
	len = asprintf(&stream->frame, "%zu %.*s", message->len, (int)message->len, message->text);
	if (len < 0) {
		stream->frame = NULL;
		return -ENOMEM;
	}
	stream->len = (size_t)len;
	stream->sent = 0;
	stream->alerts = message->alerts;
	advance(stream);
	return 0;
}

void stream_progress(struct stream *stream, u64 now_ns, bool last, struct sink_progress *ret)
{
	stream->now_ns = now_ns;
	if (last && !stream->last)
		stream->retry_ns = now_ns; /* no time for the pause that it is in */
	stream->last = last;
	advance(stream);
	*ret = (struct sink_progress) {
		.takes_time = true,
		.waiting = stream->frame ? stream->alerts : 0,
		.away = stream->away,
	};
}
