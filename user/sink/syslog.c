/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "output/syslog.h"
#include "sink/datagram.h"
#include "sink/lost.h"
#include "sink/sink.h"
#include "sink/stream.h"
#include "sink/syslog_target.h"

enum { HOST_BYTES = 256 };

/* A receiver; the form of a message follows from where it is. */
struct state {
	bool is_local, is_stream;
	struct datagram datagram; /* if it is no stream */
	struct stream stream;
	u32 agent_pid;
	char hostname[HOST_BYTES];
};

static int to_socket(struct state *state, const char *path, struct err *err)
{
	state->is_local = true;
	return address_unix(&state->datagram.to, path, err);
}

static int to_udp(struct state *state, const char *where, struct err *err)
{
	return address_inet(&state->datagram.to, where, SOCK_DGRAM, err);
}

static int to_tcp(struct state *state, const char *where, struct err *err)
{
	struct address to;
	int rc = address_inet(&to, where, SOCK_STREAM, err);

	if (rc)
		return rc;
	state->is_stream = true;
	stream_start(&state->stream, &to, (u64)time(NULL) ^ (u64)state->agent_pid << 32);
	return 0;
}

static int open_target(struct state *state, const char *target, struct err *err)
{
	enum syslog_kind kind;
	const char *where;
	int rc = syslog_target_parse(target, &kind, &where, err);

	if (rc)
		return rc;
	switch (kind) {
	case SYSLOG_UDP:
		return to_udp(state, where, err);
	case SYSLOG_TCP:
		return to_tcp(state, where, err);
	default:
		return to_socket(state, where, err);
	}
}

static int syslog_open(void **ret, const char *target, struct err *err)
{
	CLEANUP(freep) struct state *state = calloc(1, sizeof(*state));
	int rc;

	if (!state)
		return err_set(err, -ENOMEM, "out of memory");
	state->datagram.fd = -1;
	state->agent_pid = (u32)getpid();
	if (gethostname(state->hostname, sizeof(state->hostname) - 1) < 0)
		return err_set(err, -errno, "host name: %s", strerror(errno));
	rc = open_target(state, target, err);
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

	if (state->is_local) {
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

static int syslog_render_lost(void *arg, u64 lost, u64 now_ns, const struct timebase *timebase,
			      struct sink_message *ret)
{
	struct state *state = arg;
	struct alert alert;

	lost_alert(&alert, lost, now_ns, state->agent_pid);
	return render_both(state, &alert, timebase, ret);
}

static int syslog_transmit(void *arg, const struct sink_message *message)
{
	struct state *state = arg;

	return state->is_stream ? stream_send(&state->stream, message)
				: datagram_send(&state->datagram, message->text, message->len);
}

static void syslog_progress(void *arg, u64 now_ns, bool last, struct sink_progress *ret)
{
	struct state *state = arg;

	if (state->is_stream)
		stream_progress(&state->stream, now_ns, last, ret);
}

static void syslog_close(void *arg)
{
	struct state *state = arg;

	datagram_close(&state->datagram);
	if (state->is_stream)
		stream_close(&state->stream);
	free(state);
}

const struct sink_ops sink_syslog = {
	.name = "syslog",
	.leaves_machine = true,
	.open = syslog_open,
	.render = syslog_render,
	.render_lost = syslog_render_lost,
	.transmit = syslog_transmit,
	.progress = syslog_progress,
	.close = syslog_close,
};
