/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/outlets.h"

#include <string.h>

#include "daemon/undelivered.h"

static const char *target_of(const struct daemon_config *c, int outlet)
{
	return outlet == OUTLET_SYSLOG	   ? c->syslog
	       : outlet == OUTLET_JOURNALD ? c->journald
					   : c->alertmanager;
}

static bool stays(const struct daemon_config *from, const struct daemon_config *to, int outlet)
{
	const char *before = from ? target_of(from, outlet) : NULL, *after = target_of(to, outlet);

	return before && after && !strcmp(before, after);
}

static int open_new(struct outlets *ret, const struct daemon_config *from,
		    const struct daemon_config *to, struct err *err)
{
	static const struct sink_ops *const ops[OUTLETS] = { &sink_syslog, &sink_journald,
							     &sink_alertmanager };
	int rc = 0;

	for (int i = 0; i < OUTLETS && !rc; i++)
		if (target_of(to, i) && !stays(from, to, i))
			rc = sink_open(&ret->sink[i], ops[i], target_of(to, i), err);
	return rc;
}

int outlets_change(struct outlets *outlets, const struct daemon_config *from,
		   const struct daemon_config *to, const struct timebase *timebase, struct err *err)
{
	struct outlets other = { { NULL } };
	int rc = open_new(&other, from, to, err);

	for (int i = 0; i < OUTLETS && !rc; i++) {
		struct sink *before = outlets->sink[i];

		if (stays(from, to, i))
			continue;
		outlets->sink[i] = other.sink[i];
		other.sink[i] = before;
	}
	outlets_close(&other, timebase);
	return rc;
}

void outlets_close(struct outlets *outlets, const struct timebase *timebase)
{
	sinks_settle(outlets->sink, OUTLETS, timebase);
	undelivered_tell(outlets->sink, OUTLETS);
	for (int i = 0; i < OUTLETS; i++) {
		sink_close(outlets->sink[i]);
		outlets->sink[i] = NULL;
	}
}
