/* SPDX-License-Identifier: BSD-2-Clause */
/* What a whole observation comes to: totals since attach, and the sites that stand out. */
#ifndef OUTPUT_SUMMARY_H
#define OUTPUT_SUMMARY_H

#include "model/window.h"

/* Texts are borrowed and raw. Largest count first. */
struct summary_map_site {
	const char *site; /* "main.(*Cache).Put cache.go:42" */
	const char *map_type;
	bool deletes; /* else writes */
	u64 count;
};

struct summary_map {
	u64 map; /* its address */
	const char *map_type;
	u64 writes, deletes;
	bool entries_known;
	u64 entries; /* now */
};

struct summary_go_site {
	const char *site;  /* of the go statement */
	const char *start; /* the goroutine's first function */
	u64 created, exited;
};

struct summary {
	struct window total; /* seconds: since attach */
	u64 alerts_lost;     /* of total.alerts, and of those that say it is over: to a receiver */
	const struct summary_map_site *map_sites;
	size_t map_site_count;
	u64 other_map_operations; /* writes and deletes of all other sites */
	const struct summary_map *maps;
	size_t map_count;
	u64 other_maps_operations; /* of all other maps */
	const struct summary_go_site *go_sites;
	size_t go_site_count;
	const char *census_failure; /* why goroutines were not counted by site at last; NULL: they
				       were */
	const char *budget_failure; /* why a group stayed detached; NULL: none did */
};

#endif
