/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/units.h"
#include "output/syslog.h"
#include "sink/datagram.h"
#include "sink/lost.h"
#include "sink/sink.h"
#include "sink/stream.h"
#include "sink/syslog_target.h"
#include "sink/whereabouts.h"

#define LOOK_NS (10 * NS_PER_MS)

enum { HOST_BYTES = 256 };

/* A receiver; the form of a message follows from where it is. */
struct state {
	bool is_local, is_stream;
	struct whereabouts whereabouts; /* unless it is local */
	struct datagram datagram;	/* if it is no stream */
	struct stream stream;
	u32 agent_pid;
	char hostname[HOST_BYTES];
};

static int to_socket(struct state *state, const char *path, struct err *err)
{
	state->is_local = true;
	return address_unix(&state->datagram.to, path, err);
}

static void move(struct state *state)
{
	if (state->is_stream)
		stream_move(&state->stream, &state->whereabouts.address);
	else
		datagram_move(&state->datagram, &state->whereabouts.address);
}

/* An address is there at once; a name is looked up from the first progress on. */
static int to_network(struct state *state, const char *where, int socktype, struct err *err)
{
	u64 seed = (u64)time(NULL) ^ (u64)state->agent_pid << 32;
	int rc = whereabouts_init(&state->whereabouts, where, socktype, seed, err);

	if (rc)
		return rc;
	state->is_stream = socktype == SOCK_STREAM;
	stream_init(&state->stream, seed);
	if (state->whereabouts.address.len)
		move(state);
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
		return to_network(state, where, SOCK_DGRAM, err);
	case SYSLOG_TCP:
		return to_network(state, where, SOCK_STREAM, err);
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

static void find_receiver(struct state *state, u64 now_ns, bool last)
{
	if (state->datagram.failed || (state->is_stream && stream_is_cut_off(&state->stream)))
		whereabouts_doubt(&state->whereabouts);
	state->datagram.failed = false;
	if (whereabouts_progress(&state->whereabouts, now_ns, last))
		move(state);
}

static void syslog_progress(void *arg, u64 now_ns, bool last, struct sink_progress *ret)
{
	struct state *state = arg;

	*ret = (struct sink_progress) { 0 };
	if (state->is_local)
		return;
	find_receiver(state, now_ns, last);
	if (state->is_stream)
		stream_progress(&state->stream, now_ns, last, ret);
	if (state->whereabouts.address.len)
		return;
	ret->takes_time = true;
	ret->away = -EHOSTUNREACH;
	memcpy(ret->trouble, state->whereabouts.trouble, sizeof(ret->trouble));
}

static void syslog_close(void *arg)
{
	struct state *state = arg;

	whereabouts_done(&state->whereabouts);
	datagram_close(&state->datagram);
	if (state->is_stream)
		stream_close(&state->stream);
	free(state);
}

/* NULL: nobody has told within that time. */
static const struct lookup_result *await(const struct lookup *lookup, u64 patience_ns)
{
	const struct timespec look = { .tv_nsec = (long)LOOK_NS };

	for (u64 waited_ns = 0; !lookup_result(lookup) && waited_ns < patience_ns;
	     waited_ns += LOOK_NS)
		nanosleep(&look, NULL);
	return lookup_result(lookup);
}

static int find_host(const char *where, u64 patience_ns, struct err *err)
{
	CLEANUP(lookup_freep) struct lookup *lookup = NULL;
	const struct lookup_result *result;
	struct address ignored;
	int rc = address_numeric(&ignored, where, SOCK_DGRAM, err);

	if (rc != -EHOSTUNREACH)
		return rc;
	rc = lookup_start(&lookup, where, SOCK_DGRAM);
	if (rc)
		return err_set(err, rc, "%s: %s", where, strerror(-rc));
	result = await(lookup, patience_ns);
	if (result && result->rc == -EHOSTUNREACH)
		return err_set(err, result->rc, "%s", result->err.text);
	return 0;
}

int sink_syslog_find(const char *target, u64 patience_ns, struct err *err)
{
	enum syslog_kind kind;
	const char *where;
	int rc = syslog_target_parse(target, &kind, &where, err);

	if (!rc && kind != SYSLOG_UNIX)
		rc = find_host(where, patience_ns, err);
	return rc ? err_prefix(err, rc, "%s", sink_syslog.name) : 0;
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
