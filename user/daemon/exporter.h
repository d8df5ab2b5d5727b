/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /metrics, /healthz and /readyz. The pipeline gives a snapshot at each tick; a
 * scrape renders the last one in the server's thread and sees nothing else.
 *
 *	/healthz	503 once no tick came for three intervals and 10 s
 *	/readyz		503 until the first snapshot: the probes do not stand yet
 */
#ifndef DAEMON_EXPORTER_H
#define DAEMON_EXPORTER_H

#include "daemon/http.h"
#include "output/metrics.h"

struct exporter;

/* interval_ns: between two snapshots. Returns 0 or as http_start(). */
int exporter_start(struct exporter **ret, const struct listen_address *at, u64 interval_ns,
		   struct err *err);
void exporter_free(struct exporter *exporter);
DEFINE_FREEP(struct exporter, exporter_free)

/* Where it listens: see struct listener. */
const char *exporter_name(const struct exporter *exporter);

/* The snapshot is from malloc, and taken. */
void exporter_publish(struct exporter *exporter, struct metrics_snapshot *snapshot);

#endif
