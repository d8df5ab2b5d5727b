/* SPDX-License-Identifier: BSD-2-Clause */
/* The sinks that a daemon's configuration names, and others that the next one does. */
#ifndef DAEMON_OUTLETS_H
#define DAEMON_OUTLETS_H

#include "daemon/daemon_config.h"
#include "sink/sink.h"

enum outlet { OUTLET_SYSLOG, OUTLET_JOURNALD, OUTLET_ALERTMANAGER, OUTLETS };

/* NULL: the configuration has no such sink. */
struct outlets {
	struct sink *sink[OUTLETS];
};

/*
 * from: the configuration that they are of; NULL: there are none yet. Those that
 * both configurations name stay, with what they know: what waits, and which alerts
 * fire. Returns 0, or a negative errno: then nothing has changed.
 */
int outlets_change(struct outlets *outlets, const struct daemon_config *from,
		   const struct daemon_config *to, const struct timebase *timebase,
		   struct err *err);

/* Waits for what is under way, tells on stderr what did not arrive, and closes them. */
void outlets_close(struct outlets *outlets, const struct timebase *timebase);

#endif
