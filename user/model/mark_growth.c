/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/mark_growth.h"

#include <string.h>

#include "base/units.h"
#include "model/gc_phases.h"

#define SLICE_NS NS_PER_MS

/* Places that grow maps within one phase; the one that moved least makes room for another. */
enum { SITES = 32 };

struct mark_growths {
	bool running;
	struct mark_growth now, last;
	bool has_last;
	u64 slice; /* the last one in which a large map grew */
	struct mark_site site[SITES];
	size_t sites;
	u64 evicted;
};

double mark_growth_overlap_pct(const struct mark_growth *mark)
{
	return mark->slices ? 100.0 * (double)mark->growth_slices / (double)mark->slices : 0;
}

struct mark_growths *mark_growths_new(void)
{
	return calloc(1, sizeof(struct mark_growths));
}

void mark_growths_free(struct mark_growths *marks)
{
	free(marks);
}

void mark_growths_start(struct mark_growths *m)
{
	m->running = true;
	m->now = (struct mark_growth) { .start_ns = 0 };
	m->slice = 0;
	m->sites = 0;
}

static struct mark_site *least_site(struct mark_growths *m)
{
	struct mark_site *least = &m->site[0];

	for (size_t i = 1; i < m->sites; i++) {
		if (m->site[i].moved < least->moved)
			least = &m->site[i];
	}
	return least;
}

static struct mark_site *take_site(struct mark_growths *m, u64 id, u64 type)
{
	struct mark_site *site;

	for (size_t i = 0; i < m->sites; i++) {
		if (m->site[i].site == id && m->site[i].type == type)
			return &m->site[i];
	}
	if (m->sites < SITES) {
		site = &m->site[m->sites++];
	} else {
		site = least_site(m);
		m->evicted++;
	}
	*site = (struct mark_site) { .site = id, .type = type };
	return site;
}

void mark_growths_grow(struct mark_growths *m, u64 time_ns, const struct event_map_grow *grow,
		       u64 site_id)
{
	struct mark_site *site;

	if (!m->running)
		return;
	m->now.moved += grow->moved;
	site = take_site(m, site_id, grow->type);
	site->moved += grow->moved;
	site->grows++;
	if (grow->entries < WIRE_LARGE_MAP)
		return;
	m->now.large_grows++;
	/* Records of two CPUs may come in the wrong order, by less than a slice. */
	if (time_ns / SLICE_NS > m->slice) {
		m->slice = time_ns / SLICE_NS;
		m->now.growth_slices++;
	}
}

static void find_top(struct mark_growths *m)
{
	for (size_t i = 0; i < m->sites; i++) {
		if (!i || m->site[i].moved > m->now.top.moved)
			m->now.top = m->site[i];
	}
}

void mark_growths_end(struct mark_growths *m, const struct gc_cycle *cycle)
{
	struct mark_growth *now = &m->now;

	if (!m->running)
		return;
	m->running = false;
	find_top(m);
	if (gc_cycle_mark(cycle, &now->start_ns, &now->end_ns))
		now->slices = now->end_ns / SLICE_NS - now->start_ns / SLICE_NS + 1;
	/* The program grows no map while the world stands, but for what it was about to when asked
	 * to stop. */
	now->growth_slices = MIN(now->growth_slices, now->slices);
	now->ended_ns = cycle->end_ns;
	now->forced = gc_cycle_forced(cycle);
	if (!gc_cycle_word(cycle, WIRE_GC_NUMGC, &now->number))
		now->number = 0;
	m->last = *now;
	m->has_last = true;
}

const struct mark_growth *mark_growths_last(const struct mark_growths *m)
{
	return m->has_last ? &m->last : NULL;
}

u64 mark_growths_evicted(const struct mark_growths *m)
{
	return m->evicted;
}
