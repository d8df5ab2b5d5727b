/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/census.h"

#include <errno.h>

#include "gobin/probeset.h"
#include "model/gc_dates.h"

u64 census_start_ns(const struct target *target, u64 now_ns)
{
	const struct go_process *go = &target->go;
	struct go_global_place place;
	u64 start_ns = 0;

	if (go_layout_global(go->layout, GO_INIT_TIME, &place, NULL) ||
	    go->mem.read(go->mem.arg, place.addr + go->bias, &start_ns, sizeof(start_ns)))
		return 0;
	return start_ns < now_ns ? start_ns : 0;
}

enum pc_field { CREATOR, START };

enum { MAIN_GOID = 1 };

/* The main goroutine's is a wrapper in assembly, which the runtime's tracebacks don't tell either
 * (runtime/traceback.go: traceback1). */
static u64 creator_of(const struct go_goroutine *g)
{
	return g->id == MAIN_GOID ? 0 : g->creator;
}

static int name_all(const struct go_census *raw, enum pc_field field, const struct names *names,
		    struct places *ret)
{
	CLEANUP(freep) u64 *pcs = calloc(raw->count + 1, sizeof(*pcs));

	if (!pcs)
		return -ENOMEM;
	for (size_t i = 0; i < raw->count; i++)
		pcs[i] = field == CREATOR ? creator_of(&raw->goroutines[i])
					  : raw->goroutines[i].start;
	return places_name(ret, pcs, raw->count, names,
			   field == CREATOR ? PLACE_CREATOR : PLACE_START);
}

/* What the collections tell of each; nothing if one of them contradicts. */
static void find_facts(const struct go_census *raw, const struct gc_dates *dates,
		       struct goid_fact *facts)
{
	bool agree = true;

	for (size_t i = 0; i < raw->count && agree; i++)
		agree = gc_dates_agree(dates, raw->goroutines[i].waitsince_ns);
	for (size_t i = 0; i < raw->count; i++) {
		const struct go_goroutine *g = &raw->goroutines[i];

		facts[i].goid = g->id;
		facts[i].born_by_ns = agree ? gc_dates_born_by(dates, g->waitsince_ns) : 0;
	}
}

int census_date(const struct go_census *raw, const struct goid_clock *clock,
		const struct go_gc_memory *gc, const struct timebase *timebase, u64 now_ns,
		struct goid_birth *ret)
{
	CLEANUP(freep) struct goid_fact *facts = calloc(raw->count + 1, sizeof(*facts));
	const struct gc_dates dates = gc_dates_make(gc, timebase);

	if (!facts)
		return -ENOMEM;
	find_facts(raw, &dates, facts);
	return goid_clock_date(clock, facts, raw->count, now_ns, ret);
}

static int date_lines(const struct go_census *raw, const struct goid_clock *clock,
		      const struct timebase *timebase, struct census *census)
{
	CLEANUP(freep) struct goid_birth *births = calloc(raw->count + 1, sizeof(*births));
	int rc = births ? census_date(raw, clock, &census->gc, timebase, census->now_ns, births)
			: -ENOMEM;

	for (size_t i = 0; i < raw->count && !rc; i++)
		census->lines[i].birth = births[i];
	return rc;
}

static void fill_lines(const struct go_census *raw, struct census *census)
{
	for (size_t i = 0; i < raw->count; i++) {
		const struct go_goroutine *g = &raw->goroutines[i];
		struct goroutine_line *line = &census->lines[i];
		u32 start = places_number(&census->starts, g->start);

		line->id = g->id;
		line->parent = g->parent;
		line->kind = (struct goroutine_kind) {
			.site = places_number(&census->sites, creator_of(g)),
			.start = start,
			.state = g->state,
			.wait = g->state == GO_STATE_WAITING ? g->wait_reason : 0,
		};
		line->system = go_is_system_goroutine(places_text(&census->starts, start));
		census->system += line->system;
	}
	census->count = raw->count;
	census->skipped = raw->skipped;
}

static int look_up(struct target *target, const struct go_census *raw,
		   const struct goid_clock *clock, const struct timebase *timebase,
		   struct census *census)
{
	const struct names names = target_names(target);
	int rc = name_all(raw, CREATOR, &names, &census->sites);

	if (!rc)
		rc = name_all(raw, START, &names, &census->starts);
	census->lines = calloc(raw->count + 1, sizeof(*census->lines));
	if (rc || !census->lines)
		return -ENOMEM;
	fill_lines(raw, census);
	return date_lines(raw, clock, timebase, census);
}

int census_take(struct target *target, const struct goid_clock *clock, u64 (*now)(void),
		const struct timebase *timebase, struct census *ret, struct err *err)
{
	CLEANUP(go_census_done) struct go_census raw = { 0 };
	CLEANUP(census_done) struct census census = { 0 };
	int rc = go_census_read(&target->go, CENSUS_MAX, &raw, err);

	if (rc && process_gone(&target->process))
		return err_set(err, -ESRCH, "process %d has exited", target->process.pid);
	if (rc)
		return err_prefix(err, rc, "process %d", target->process.pid);
	census.now_ns = now();
	go_gc_memory_read(&target->go, &census.gc);
	(void)go_wait_reasons_read(&target->go, &census.reasons, &census.no_reasons);
	rc = look_up(target, &raw, clock, timebase, &census);
	if (rc)
		return err_set(err, rc, "no memory for %zu goroutines", raw.count);
	*ret = census;
	census = (struct census) { 0 };
	return 0;
}

void census_done(struct census *census)
{
	free(census->lines);
	places_done(&census->sites);
	places_done(&census->starts);
}

int census_groups(const struct census *census, enum goroutine_by by, struct goroutine_group **ret,
		  size_t *ret_count)
{
	CLEANUP(freep) struct goroutine_seen *rows = calloc(census->count + 1, sizeof(*rows));
	size_t n = 0;

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < census->count; i++)
		if (!census->lines[i].system)
			rows[n++] = (struct goroutine_seen) { census->lines[i].kind,
							      census->lines[i].birth };
	return goroutine_groups(rows, n, by, census->now_ns, ret, ret_count);
}

static const char *site_text(void *arg, u32 site)
{
	const struct census *census = arg;

	return places_text(&census->sites, site);
}

static const char *start_text(void *arg, u32 start)
{
	const struct census *census = arg;

	return places_text(&census->starts, start);
}

static const char *wait_text(void *arg, u8 wait)
{
	const struct census *census = arg;

	return go_wait_reason(&census->reasons, wait);
}

struct goroutine_texts census_texts(struct census *census)
{
	return (struct goroutine_texts) { census, site_text, start_text, wait_text };
}
