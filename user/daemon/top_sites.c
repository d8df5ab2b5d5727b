/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/top_sites.h"

#include <string.h>

#include "base/macros.h"

static char *next_text(struct top_sites *top)
{
	return top->text[top->text_count++];
}

static void add_map_site(struct top_sites *top, const struct event_map_site *site,
			 const struct names *names)
{
	char *where = next_text(top), *type = next_text(top);

	(void)names->frame(names->arg, site->return_pc, true, where, TOP_TEXT_BYTES);
	(void)names->type(names->arg, site->type, type, TOP_TEXT_BYTES);
	top->map_sites[top->map_site_count++] = (struct summary_map_site) {
		.site = where,
		.map_type = type,
		.deletes = site->fn >= WIRE_FN_MAPDELETE,
		.count = site->count,
	};
}

static void add_go_site(struct top_sites *top, const struct event_go_site *site,
			const struct names *names)
{
	char *where = next_text(top), *start = next_text(top);

	(void)names->frame(names->arg, site->gopc, true, where, TOP_TEXT_BYTES);
	(void)names->func(names->arg, site->startpc, false, start, TOP_TEXT_BYTES);
	top->go_sites[top->go_site_count++] = (struct summary_go_site) {
		.site = where,
		.start = start,
		.created = site->created,
		.exited = site->exited,
	};
}

/* The largest count below a limit, or NULL: k passes over a bounded table need no sorted copy. */
static const struct event_map_site *next_map_site(const struct event_sample *sample,
						  const struct event_map_site *previous)
{
	const struct event_map_site *best = NULL;

	for (size_t i = 0; i < sample->map_site_count; i++) {
		const struct event_map_site *site = &sample->map_sites[i];
		bool below = !previous || site->count < previous->count ||
			     (site->count == previous->count && site > previous);

		if (below && (!best || site->count > best->count))
			best = site;
	}
	return best;
}

static const struct event_go_site *next_go_site(const struct event_sample *sample,
						const struct event_go_site *previous)
{
	const struct event_go_site *best = NULL;

	for (size_t i = 0; i < sample->go_site_count; i++) {
		const struct event_go_site *site = &sample->go_sites[i];
		bool below = !previous || site->created < previous->created ||
			     (site->created == previous->created && site > previous);

		if (below && !site->system && site->created &&
		    (!best || site->created > best->created))
			best = site;
	}
	return best;
}

static const struct event_map_head *head_of(const struct event_sample *sample,
					    const struct event_map *map)
{
	for (size_t i = 0; i < sample->map_head_count; i++) {
		const struct event_map_head *head = &sample->map_heads[i];

		if (head->map == map->map && head->type == map->type)
			return head;
	}
	return NULL;
}

static void add_maps(struct top_sites *top, const struct event_sample *sample,
		     const struct names *names)
{
	for (size_t i = 0; i < MIN(sample->map_count, (size_t)TOP_SITES); i++) {
		const struct event_map *map = &sample->maps[i];
		const struct event_map_head *head = head_of(sample, map);
		char *type = next_text(top);

		(void)names->type(names->arg, map->type, type, TOP_TEXT_BYTES);
		top->maps[top->map_count++] = (struct summary_map) {
			.map = map->map,
			.map_type = type,
			.writes = map->writes,
			.deletes = map->deletes,
			.entries_known = head != NULL,
			.entries = head ? head->entries : 0,
		};
	}
}

void top_sites_find(const struct event_sample *sample, const struct names *names,
		    struct top_sites *ret)
{
	const struct event_map_site *map_site = NULL;
	const struct event_go_site *go_site = NULL;

	ret->map_site_count = ret->map_count = ret->go_site_count = ret->text_count = 0;
	while (ret->map_site_count < TOP_SITES && (map_site = next_map_site(sample, map_site)))
		add_map_site(ret, map_site, names);
	add_maps(ret, sample, names);
	while (ret->go_site_count < TOP_SITES && (go_site = next_go_site(sample, go_site)))
		add_go_site(ret, go_site, names);
}

void top_sites_others(struct summary *summary)
{
	const struct window_map *map = &summary->total.map;
	u64 sites = 0, maps = 0;

	for (size_t i = 0; i < summary->map_site_count; i++)
		sites += summary->map_sites[i].count;
	for (size_t i = 0; i < summary->map_count; i++)
		maps += summary->maps[i].writes + summary->maps[i].deletes;
	summary->other_map_operations =
		MAX(map->writes + map->deletes + map->clears, sites) - sites;
	summary->other_maps_operations = MAX(map->writes + map->deletes, maps) - maps;
}
