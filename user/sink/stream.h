/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages over TCP, each after its length in bytes and a space (RFC 6587,
 * 3.4.1), to a receiver that may be away, restarted, or too slow. Never blocks:
 * one message is under way at a time, and goes on with each call.
 */
#ifndef SINK_STREAM_H
#define SINK_STREAM_H

#include "sink/address.h"
#include "sink/backoff.h"
#include "sink/sink.h"

struct stream {
	struct address to; /* len 0: not known yet */
	int fd;		   /* -1: none */
	bool connected;
	char *frame; /* under way, or NULL */
	size_t len, sent;
	u32 alerts; /* of the frame */
	u64 now_ns; /* as it was given last */
	u64 retry_ns;
	bool last;
	struct backoff backoff;
	int away;
};

/* Without an address yet: what it takes waits. */
void stream_init(struct stream *stream, u64 seed);
void stream_close(struct stream *stream);

/* Begins to connect to another address; a connection that stands stays. */
void stream_move(struct stream *stream, const struct address *to);

/* Whether the last try to connect failed, and the next is to come. */
bool stream_is_cut_off(const struct stream *stream);

/* Takes a message, which is sent anew after a connection that broke within it. Returns 0,
 * -ENOMEM, or why there is no room: the one before is still under way. */
int stream_send(struct stream *stream, const struct sink_message *message);

/* As sink_ops.progress. Keeps the connection up when nothing waits too. */
void stream_progress(struct stream *stream, u64 now_ns, bool last, struct sink_progress *ret);

#endif
