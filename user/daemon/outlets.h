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
 * Those of a configuration. What it names as the one before does is that one's sink, with what
 * it knows: what waits, and which alerts fire.
 *
 * now: those of the configuration from; NULL, both: there are none yet.
 * Returns 0, or a negative errno: then nothing was opened.
 */
int outlets_open(struct outlets *ret, const struct outlets *now, const struct daemon_config *from,
		 const struct daemon_config *to, struct err *err);

bool outlets_equal(const struct outlets *a, const struct outlets *b);

/* Puts next in their place, and closes those that it has not, as outlets_close() does. */
void outlets_replace(struct outlets *outlets, const struct outlets *next,
		     const struct timebase *timebase);

/* Waits for what is under way, tells on stderr what did not arrive, and closes them. */
void outlets_close(struct outlets *outlets, const struct timebase *timebase);

#endif
