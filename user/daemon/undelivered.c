/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/undelivered.h"

#include <stdio.h>

#include "base/text.h"

static void tell(const struct sink *sink)
{
	const struct sink_stats stats = sink_stats(sink);
	char trouble[TEXT_ESCAPED_SIZE(sizeof(stats.trouble))];

	if (stats.lost + stats.waiting)
		fprintf(stderr, "gosonde: alerts that did not reach %s: %llu (%s)\n",
			sink_name(sink), stats.lost + stats.waiting,
			stats.trouble[0] ? text_escape(trouble, sizeof(trouble), stats.trouble)
					 : "too many at once");
	if (stats.unrefreshed)
		fprintf(stderr, "gosonde: alerts that %s may take for resolved too early: %llu\n",
			sink_name(sink), stats.unrefreshed);
}

u64 undelivered(struct sink *const *sinks, size_t count)
{
	u64 alerts = 0;

	for (size_t i = 0; i < count; i++) {
		if (sinks[i])
			alerts += sink_stats(sinks[i]).lost + sink_stats(sinks[i]).waiting;
	}
	return alerts;
}

void undelivered_tell(struct sink *const *sinks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (sinks[i])
			tell(sinks[i]);
	}
}
