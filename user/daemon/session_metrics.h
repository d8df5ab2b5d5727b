/* SPDX-License-Identifier: BSD-2-Clause */
/* A session as /metrics shows it. All calls but the first do nothing when nobody asked for it. */
#ifndef DAEMON_SESSION_METRICS_H
#define DAEMON_SESSION_METRICS_H

#include "daemon/exporter.h"
#include "daemon/observed.h"
#include "daemon/session.h"

struct session_metrics {
	const struct session_config *config;
	struct exporter *exporter; /* NULL: not asked for */
	u64 start_ns;
};

/* config is borrowed. After every fork: see listener_open(), whose errors it returns. */
int session_metrics_start(struct session_metrics *m, const struct session_config *config,
			  struct err *err);
void session_metrics_stop(struct session_metrics *m);

/* What a tick has come to. last: its window, NULL: none yet; records: that came through the ring.
 */
void session_metrics_publish(struct session_metrics *m, u64 now_ns, const struct observed *o,
			     const struct window *last, u64 records);

#endif
