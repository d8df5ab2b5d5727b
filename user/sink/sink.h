/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where alerts go. A sink never holds up the pipeline: what its receiver does
 * not take now waits in a bounded queue, the oldest gives way when that is
 * full, and once the receiver is back it is told how many were lost.
 */
#ifndef SINK_SINK_H
#define SINK_SINK_H

#include <stdbool.h>
#include <stddef.h>

#include "alert/alert.h"
#include "base/clock.h"
#include "base/err.h"

enum {
	SINK_QUEUE_MAX = 256, /* messages that wait for a receiver */
	SINK_TROUBLE_BYTES = 160,
};

/* A message, rendered; owned. */
struct sink_message {
	char *text; /* from malloc */
	size_t len;
	u32 alerts; /* how many are lost with it: 1; 0 for a notice or a repetition */
};

/* What became of the messages that transmit took. */
struct sink_progress {
	bool takes_time; /* a little more of it may bring what waits to the receiver */
	size_t waiting;	 /* alerts under way */
	u64 lost;	 /* alerts that the receiver will never take; since open */
	u64 unrefreshed; /* firing alerts that are not repeated, for want of room; since open */
	int away;	 /* why nothing gets there now: a negative errno; 0: it does */
	char trouble[SINK_TROUBLE_BYTES]; /* the same in words, if they say more; "" */
};

/* A kind of sink. The functions get the state that open made. */
struct sink_ops {
	const char *name;
	bool leaves_machine; /* alerts of a dry run stay here: they are not sent */
	/* target: the kind's own syntax, NULL for its default. A receiver that is away is no error.
	 */
	int (*open)(void **ret, const char *target, struct err *err);
	/* Returns 0, or -ENOMEM. */
	int (*render)(void *state, const struct alert *alert, const struct timebase *timebase,
		      struct sink_message *ret);
	/* That `lost` alerts never reached the receiver. */
	int (*render_lost)(void *state, u64 lost, u64 now_ns, const struct timebase *timebase,
			   struct sink_message *ret);
	/*
	 * Never blocks on a network or a socket. Returns 0; -EMSGSIZE, which no repetition
	 * mends; any other negative errno: not taken now, and to be tried again.
	 */
	int (*transmit)(void *state, const struct sink_message *message);
	/*
	 * NULL where what transmit took is delivered. Else: goes on with it, never
	 * blocking, and tells what became of it. last: the agent is about to end, so
	 * that pauses between tries become short.
	 */
	void (*progress)(void *state, u64 now_ns, bool last, struct sink_progress *ret);
	void (*close)(void *state);
};

/* Text blocks on stderr; target "colour" for colours. */
extern const struct sink_ops sink_stderr;

/*
 * syslog; target "local" (the default: /dev/log), "unix:PATH", "udp:HOST:PORT" or
 * "tcp:HOST:PORT" ([HOST] for IPv6). A host's name is looked up by a thread of its
 * own, from the first progress on until it is known, and again while the receiver
 * is not found there.
 *
 * What UDP loses on its way nobody can count. TCP is octet-counted (RFC 6587,
 * 3.4.1); syslog has no acknowledgement, so what the kernel took and the
 * receiver had not read when the connection broke is lost, and nobody can
 * count that either. A message that was cut in two by it is sent anew.
 */
extern const struct sink_ops sink_syslog;

/*
 * For people, who mistype: whether the target's host is known, as far as name servers
 * tell within patience_ns. Returns 0, also if they do not tell; -EHOSTUNREACH, -EINVAL,
 * or why it could not be looked up.
 */
int sink_syslog_find(const char *target, u64 patience_ns, struct err *err);

#define SINK_JOURNALD_SOCKET "/run/systemd/journal/socket"

/* systemd's journal, with fields; target: the path of its socket, NULL for SINK_JOURNALD_SOCKET. */
extern const struct sink_ops sink_journald;

/*
 * Alertmanager's v2 API; target: its URL, "http://HOST:9093" or https, with the
 * prefix of its path if it has one. Who posts is a thread of its own, through
 * the proxy that $http_proxy or $https_proxy names, if they do.
 * Firing alerts are repeated each minute; what fires when the agent ends, Alertmanager
 * resolves after its resolve_timeout. Answers 5xx, 408 and 429, and none,
 * are tried again; any other than 2xx loses the alert.
 */
extern const struct sink_ops sink_alertmanager;

struct sink_stats {
	u64 sent;
	u64 lost;	 /* queue full, too long, refused, or out of memory */
	u64 withheld;	 /* of dry runs */
	u64 unrefreshed; /* firing alerts that their receiver will forget */
	size_t waiting;
	int away; /* why the receiver took nothing, the last time: a negative errno; 0: it did */
	char trouble[SINK_TROUBLE_BYTES]; /* in words: "" if there was none */
};

struct sink;

/* Returns 0, -EINVAL (target), -ENOMEM, or why this machine's own name can't be had. */
int sink_open(struct sink **ret, const struct sink_ops *ops, const char *target, struct err *err);

/* What waits goes once more; what is not taken then is lost. Accepts NULL. */
void sink_close(struct sink *sink);
DEFINE_FREEP(struct sink, sink_close)

/* Sends an alert or lets it wait. Returns 0, or -ENOMEM: it is lost, and counted. */
int sink_send(struct sink *sink, const struct alert *alert, const struct timebase *timebase);

/* Tries again with what waits. To be called at each tick; costs nothing when nothing does. */
void sink_flush(struct sink *sink, u64 now_ns, const struct timebase *timebase);

/*
 * Before the sinks are closed: gives those of them whose receiver takes its
 * time up to two seconds, all together, for what waits. NULLs are passed over.
 */
void sinks_settle(struct sink *const *sinks, size_t count, const struct timebase *timebase);

/* "syslog"; static. */
const char *sink_name(const struct sink *sink);
struct sink_stats sink_stats(const struct sink *sink);

#endif
