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

static void close_new(struct outlets *outlets, const struct daemon_config *from,
		      const struct daemon_config *to)
{
	for (int i = 0; i < OUTLETS; i++)
		if (!stays(from, to, i))
			sink_close(outlets->sink[i]);
}

int outlets_open(struct outlets *ret, const struct outlets *now, const struct daemon_config *from,
		 const struct daemon_config *to, struct err *err)
{
	static const struct sink_ops *const ops[OUTLETS] = { &sink_syslog, &sink_journald,
							     &sink_alertmanager };
	struct outlets next = { { NULL } };
	int rc = 0;

	for (int i = 0; i < OUTLETS && !rc; i++) {
		if (stays(from, to, i))
			next.sink[i] = now->sink[i];
		else if (target_of(to, i))
			rc = sink_open(&next.sink[i], ops[i], target_of(to, i), err);
	}
	if (rc)
		close_new(&next, from, to);
	else
		*ret = next;
	return rc;
}

bool outlets_equal(const struct outlets *a, const struct outlets *b)
{
	return !memcmp(a->sink, b->sink, sizeof(a->sink));
}

void outlets_replace(struct outlets *outlets, const struct outlets *next,
		     const struct timebase *timebase)
{
	struct outlets gone = *outlets;

	for (int i = 0; i < OUTLETS; i++)
		if (gone.sink[i] == next->sink[i])
			gone.sink[i] = NULL;
	*outlets = *next;
	outlets_close(&gone, timebase);
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
