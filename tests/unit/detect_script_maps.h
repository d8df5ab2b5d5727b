/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Go maps in a script for detectors:
 *
 *   write SITE MAP TYPE N +KEYS   N writes at a call site, which add KEYS
 *   delete MAP TYPE N -KEYS       N deletes, which remove KEYS
 *   clear MAP TYPE                it is emptied
 *   renew MAP TYPE ENTRIES        another map lies there from now on
 *   hide MAP TYPE                 its memory makes no sense (until "renew")
 *   elsewhere N                   N deletes of maps without a row
 *   lost N                        N calls reached no row
 *   sampled GAP_PCT BOUNDED       from now on probes stand for the rest of the time only
 */
#ifndef TESTS_DETECT_SCRIPT_MAPS_H
#define TESTS_DETECT_SCRIPT_MAPS_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "event/event.h"

enum { SCRIPT_MAPS = 16 };

struct script_maps {
	struct event_map row[SCRIPT_MAPS];
	struct event_map_head known[SCRIPT_MAPS], head[SCRIPT_MAPS];
	bool hidden[SCRIPT_MAPS];
	struct event_map_site site[SCRIPT_MAPS];
	size_t count, site_count;
	unsigned int gap_pct;
};

static size_t script_map(struct script_maps *m, u64 map, u64 type)
{
	for (size_t i = 0; i < m->count; i++) {
		if (m->row[i].map == map && m->row[i].type == type)
			return i;
	}
	assert_true(m->count < SCRIPT_MAPS);
	m->row[m->count] = (struct event_map) { .map = map, .type = type };
	m->known[m->count] = (struct event_map_head) { .map = map, .type = type, .seed = map };
	return m->count++;
}

static struct event_map_site *script_site(struct script_maps *m, u64 pc, u64 type)
{
	struct event_map_site *site = m->site;

	while (site < m->site + m->site_count && (site->return_pc != pc || site->type != type))
		site++;
	assert_true(site < m->site + SCRIPT_MAPS);
	if (site == m->site + m->site_count) {
		*site = (struct event_map_site) { WIRE_FN_MAPASSIGN_FAST64, pc, type, 0 };
		m->site_count++;
	}
	return site;
}

static void script_write(struct script_maps *m, u64 pc, size_t i, u64 n, u64 keys)
{
	struct event_map_site *site = script_site(m, pc, m->row[i].type);
	struct event_map_use *use = m->row[i].use;

	while (use < m->row[i].use + m->row[i].use_count && use->return_pc != pc)
		use++;
	assert_true(use < m->row[i].use + EVENT_MAP_USES);
	if (use == m->row[i].use + m->row[i].use_count) {
		*use = (struct event_map_use) { WIRE_FN_MAPASSIGN_FAST64, pc, 0, 0 };
		m->row[i].use_count++;
	}
	use->writes += n;
	site->count += n;
	m->row[i].writes += n;
	m->row[i].recent = n;
	m->known[i].entries += keys;
}

/* Returns whether the action was one of these. */
static bool script_maps_act(struct script_maps *m, struct event_sample *sample, const char *action)
{
	u64 pc, map, type, n, keys;
	unsigned int bounded;

	if (sscanf(action, "write %llx %llx %llu %llu +%llu", &pc, &map, &type, &n, &keys) == 5) {
		script_write(m, pc, script_map(m, map, type), n, keys);
		sample->hits[WIRE_FN_MAPASSIGN_FAST64] += n;
	} else if (sscanf(action, "delete %llx %llu %llu -%llu", &map, &type, &n, &keys) == 4) {
		m->row[script_map(m, map, type)].deletes += n;
		m->known[script_map(m, map, type)].entries -= keys;
		sample->hits[WIRE_FN_MAPDELETE_FAST64] += n;
	} else if (sscanf(action, "clear %llx %llu", &map, &type) == 2) {
		m->row[script_map(m, map, type)].clears++;
		m->known[script_map(m, map, type)].entries = 0;
		m->known[script_map(m, map, type)].seed++;
		sample->hits[WIRE_FN_MAPCLEAR]++;
	} else if (sscanf(action, "renew %llx %llu %llu", &map, &type, &n) == 3) {
		m->known[script_map(m, map, type)].entries = n;
		m->known[script_map(m, map, type)].seed++;
		m->hidden[script_map(m, map, type)] = false;
	} else if (sscanf(action, "hide %llx %llu", &map, &type) == 2) {
		m->hidden[script_map(m, map, type)] = true;
	} else if (sscanf(action, "elsewhere %llu", &n) == 1) {
		sample->map_deletes_elsewhere += n;
	} else if (sscanf(action, "missed %llu", &n) == 1) {
		sample->lost_missed += n;
	} else if (sscanf(action, "sampled %u %u", &m->gap_pct, &bounded) == 2) {
		sample->groups[WIRE_GROUP_MAP_WRITE].bounded = bounded;
	} else {
		return false;
	}
	return true;
}

/* What a sample has of maps at a tick, one second after the last. */
static void script_maps_tick(struct script_maps *m, struct event_sample *sample)
{
	struct event_group *group = &sample->groups[WIRE_GROUP_MAP_WRITE];

	sample->maps = m->row;
	sample->map_count = m->count;
	sample->map_sites = m->site;
	sample->map_site_count = m->site_count;
	sample->map_heads = m->head;
	sample->map_head_count = 0;
	for (size_t i = 0; i < m->count; i++) {
		for (size_t u = 0; u < m->row[i].use_count; u++)
			m->row[i].use[u].site_writes =
				script_site(m, m->row[i].use[u].return_pc, m->row[i].type)->count;
		if (!m->hidden[i])
			m->head[sample->map_head_count++] = m->known[i];
	}
	if (m->gap_pct) {
		group->gap_ns += (s64)m->gap_pct * 10000000;
		group->windows += 10;
		group->sd_per_s = 5000;
	}
}

#endif
