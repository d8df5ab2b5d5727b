/* SPDX-License-Identifier: BSD-2-Clause */
/* A session as /metrics shows it. All calls but the first do nothing when nobody asked for it. */
#ifndef DAEMON_SESSION_METRICS_H
#define DAEMON_SESSION_METRICS_H

#include "alert/watch.h"
#include "daemon/exporter.h"
#include "daemon/session.h"
#include "daemon/target.h"

struct session_metrics {
	const struct session_config *config;
	struct exporter *exporter; /* NULL: not asked for */
	u64 start_ns;
	struct metrics_rule rules[DETECTORS];
};

/* config is borrowed. After every fork: see listener_open(), whose errors it returns. */
int session_metrics_start(struct session_metrics *m, const struct session_config *config,
			  const struct rules *rules, struct err *err);
void session_metrics_stop(struct session_metrics *m);

void session_metrics_count(struct session_metrics *m, const struct alert *alert);

/* What a tick has come to. Borrowed for the call. */
struct session_metrics_tick {
	const struct target *target;
	const struct watch *watch;
	const struct window *last;  /* NULL: none yet */
	const char *budget_failure; /* NULL: none */
	u64 records;		    /* that came through the ring */
};

void session_metrics_publish(struct session_metrics *m, u64 now_ns,
			     const struct session_metrics_tick *tick);

#endif
