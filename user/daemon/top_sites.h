/* SPDX-License-Identifier: BSD-2-Clause */
/* The sites that stand out in a sample, with their names: the tables of a summary. */
#ifndef DAEMON_TOP_SITES_H
#define DAEMON_TOP_SITES_H

#include "event/event.h"
#include "event/names.h"
#include "output/summary.h"

enum { TOP_SITES = 10, TOP_TEXT_BYTES = 256 };

struct top_sites {
	struct summary_map_site map_sites[TOP_SITES];
	size_t map_site_count;
	struct summary_map maps[TOP_SITES];
	size_t map_count;
	struct summary_go_site go_sites[TOP_SITES];
	size_t go_site_count;
	char text[5 * TOP_SITES][TOP_TEXT_BYTES]; /* what the rows point to */
	size_t text_count;
};

/* ret points into itself and must not be moved. The sample is borrowed for the call. */
void top_sites_find(const struct event_sample *sample, const struct names *names,
		    struct top_sites *ret);

/* Of a summary with its tables and totals: what the tables leave out, so that they sum up. */
void top_sites_others(struct summary *summary);

#endif
