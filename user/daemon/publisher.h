/* SPDX-License-Identifier: BSD-2-Clause */
/* What is observed, as /metrics shows it. All calls but the first do nothing when nobody asked for
 * it. */
#ifndef DAEMON_PUBLISHER_H
#define DAEMON_PUBLISHER_H

#include "daemon/exporter.h"
#include "daemon/observed.h"
#include "sink/sink.h"

struct publisher_config {
	const struct listen_address *at; /* NULL: nowhere */
	u64 interval_ns;		 /* between two publications */
	const char *version;		 /* of gosonde; static */
};

struct publisher {
	struct publisher_config config;
	struct exporter *exporter; /* NULL: not asked for */
	u64 start_ns;
};

/* After every fork: see listener_open(), whose errors it returns. Says on stderr where it listens.
 */
int publisher_start(struct publisher *p, const struct publisher_config *config, struct err *err);
void publisher_stop(struct publisher *p);

/* What a tick has come to. */
struct publication {
	const struct observed *observed;
	const struct window *last; /* its window; NULL: none yet */
};

struct publisher_agent {
	struct sink *const *sinks; /* count of them; NULLs are passed over */
	size_t count;
	u64 records; /* that came through the ring */
	struct timebase timebase;
};

void publisher_publish(struct publisher *p, u64 now_ns, const struct publication *targets,
		       size_t count, const struct publisher_agent *agent);

#endif
