/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An alert as a syslog message. To a local socket goes what syslog(3) writes:
 * a real rsyslog reads an RFC 5424 line there as tag `1` and loses its fields.
 * To a network receiver goes RFC 5424. Neither ends with a newline: a datagram
 * is a message.
 */
#ifndef OUTPUT_SYSLOG_H
#define OUTPUT_SYSLOG_H

#include <stddef.h>

#include "alert/alert.h"
#include "base/clock.h"

enum {
	SYSLOG_LOCAL_BUF = 4096, /* well below what rsyslog (8 KiB) and journald take */
	SYSLOG_NET_BUF = 2048,	 /* what RFC 5424, 6.1 asks every receiver to take */
};

/* Facility daemon (3) and the alert's severity; a resolved alert is a notice, so that it pages
 * nobody. */
unsigned int syslog_priority(const struct alert *alert);

/*
 * `<28>Jan  2 15:04:05 gosonde[77]: rule=… pid=… state=… severity=… value=… subject="…"
 * summary="…"`; before the subject `container="…" pod_uid="…" qos="…"`, of a process that has
 * them, and `label_team="payments"` of each label. A long summary is cut
 * within its quotes. agent_pid: of the agent. Returns the length.
 */
size_t syslog_local(char buf[static SYSLOG_LOCAL_BUF], const struct alert *alert,
		    const struct timebase *timebase, u32 agent_pid);

/*
 * `<28>1 2026-01-02T15:04:05.000000Z HOST gosonde 77 alert [gosonde@32473 rule="…" pid="…" …]
 * summary`, labels in an element of their own, `[labels@32473 team="payments"]`; UTF-8 without a
 * byte order mark. hostname: "" if unknown; what is no printable ASCII of it becomes '?'. Returns
 * the length.
 */
size_t syslog_rfc5424(char buf[static SYSLOG_NET_BUF], const struct alert *alert,
		      const struct timebase *timebase, const char *hostname, u32 agent_pid);

#endif
