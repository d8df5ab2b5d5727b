/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One process under observation, from arming to summary: the probes' facts go
 * through model and detectors to the report and the sinks.
 */
#ifndef DAEMON_SESSION_H
#define DAEMON_SESSION_H

#include "alert/ruleset.h"
#include "daemon/listen.h"
#include "daemon/loop.h"
#include "daemon/report.h"
#include "probe/plan.h"
#include "sink/sink.h"

enum { SESSION_SINKS_MAX = 4 };

/* All pointers are borrowed and must outlive the session. */
struct session_config {
	int pid;
	struct probe_groups groups;
	u64 interval_ns;
	u64 for_ns;    /* 0: until a signal, or until the target exits */
	double budget; /* share of one CPU that probes may cost the target: 0.01; 0: no limit */
	const struct ruleset *rules; /* NULL: the defaults */
	bool dry_run;		     /* of every rule */
	struct report *report;
	struct sink *sinks[SESSION_SINKS_MAX]; /* NULL-terminated unless full */
	const struct listen_address *metrics;  /* where to serve them; NULL: nowhere */
	const char *version;		       /* of gosonde, for the metrics */
};

/*
 * Attaches, observes, detaches, reports a summary.
 * Returns an enum loop_end, or a negative errno: -ESRCH (the target was gone before the
 * probes were armed), -EPERM, -ENOSYS (this kernel lacks what it takes), or another.
 */
int session_run(const struct session_config *config, struct err *err);

#endif
