/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/census.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

enum {
	BATCH = 512,	      /* goroutines that one call reads */
	MAX_SPAN_BYTES = 512, /* from the first to the last field; 180 in Go 1.27 */
	TABLE_TRIES = 5,
	MAX_UNREADABLE = 4096, /* each costs a call; the table of a sound process has none */
};

/* What a g is read for. */
enum { STATE, ID, CREATOR, START, WAIT_REASON, WAITSINCE, PARENT, FIELDS };

static const struct {
	enum go_field field;
	u32 size;
	bool optional; /* some version lacks it */
} wanted[FIELDS] = {
	[STATE] = { GO_G_STATUS, 4, false },	       [ID] = { GO_G_GOID, 8, false },
	[CREATOR] = { GO_G_GOPC, 8, false },	       [START] = { GO_G_STARTPC, 8, false },
	[WAIT_REASON] = { GO_G_WAITREASON, 1, false }, [WAITSINCE] = { GO_G_WAITSINCE, 8, true },
	[PARENT] = { GO_G_PARENT_GOID, 8, true },
};

/* Where the fields are in a g: one piece of memory holds them all. */
struct g_shape {
	u32 first, span; /* bytes from the start of the g; length of the piece */
	struct {
		u32 at, size; /* within the piece; size 0: not known */
	} field[FIELDS];
};

static int find_shape(const struct go_layout *layout, struct g_shape *ret, struct err *err)
{
	struct go_offset offset[FIELDS] = { 0 };
	u32 first = (u32)-1, end = 0;

	for (int i = 0; i < FIELDS; i++) {
		int rc = go_layout_offset(layout, wanted[i].field, &offset[i]);

		if (rc && wanted[i].optional)
			continue;
		if (rc)
			return err_set(err, rc, "%s: not known where it is in %s",
				       go_field_name(wanted[i].field), layout->go);
		if (offset[i].size != wanted[i].size)
			return err_set(err, -EBADMSG, "%s has %u bytes",
				       go_field_name(wanted[i].field), offset[i].size);
		first = MIN(first, offset[i].offset);
		end = MAX(end, offset[i].offset + offset[i].size);
	}
	if (end - first > MAX_SPAN_BYTES)
		return err_set(err, -EBADMSG, "a goroutine's fields are %u bytes apart",
			       end - first);
	*ret = (struct g_shape) { .first = first, .span = end - first };
	for (int i = 0; i < FIELDS; i++) {
		ret->field[i].size = offset[i].how ? offset[i].size : 0;
		ret->field[i].at = offset[i].how ? offset[i].offset - first : 0;
	}
	return 0;
}

/* allgs: addresses of the g's. */
struct g_table {
	u64 *g; /* owned */
	size_t count;
};

static void g_table_done(struct g_table *table)
{
	free(table->g);
}

/* One try. -EAGAIN: the table moved meanwhile, and its old place may hold other things by now. */
static int try_table(const struct go_process *p, u64 length_at, u64 table_at, u64 max,
		     struct g_table *ret, struct err *err)
{
	CLEANUP(freep) u64 *g = NULL;
	u64 count = 0, before = 0, after = 0;
	/* In this order: allgadd stores the table first, then its length. */
	int rc = go_process_read(p, length_at, &count, sizeof(count), err);

	if (!rc)
		rc = go_process_read(p, table_at, &before, sizeof(before), err);
	if (rc)
		return rc;
	if (count > max)
		return err_set(err, -EFBIG,
			       "%llu entries in the table of goroutines: more than %llu are not "
			       "read",
			       count, max);
	g = calloc(count + 1, sizeof(*g));
	if (!g)
		return err_set(err, -ENOMEM, "no memory for %llu goroutines", count);
	rc = count ? go_process_read(p, before, g, count * sizeof(*g), err) : 0;
	if (go_process_read(p, table_at, &after, sizeof(after), NULL) == 0 && after != before)
		return err_set(err, -EAGAIN,
			       "the table of goroutines moves faster than it is read");
	if (!rc)
		*ret = (struct g_table) { TAKE_PTR(g), count };
	return rc;
}

static int read_table(const struct go_process *p, u64 max, struct g_table *ret, struct err *err)
{
	struct go_global_place length, table;
	int rc = go_layout_global(p->layout, GO_ALLGLEN, &length, err);

	if (!rc)
		rc = go_layout_global(p->layout, GO_ALLGS, &table, err);
	if (rc)
		return rc;
	for (int i = 0; i < TABLE_TRIES; i++) {
		rc = try_table(p, length.addr + p->bias, table.addr + p->bias, max, ret, err);
		if (rc != -EAGAIN)
			break;
	}
	return rc;
}

static u64 field_of(const struct g_shape *shape, const u8 *piece, int which)
{
	u64 value = 0;

	memcpy(&value, piece + shape->field[which].at, shape->field[which].size);
	return value;
}

enum verdict { ALIVE, DEAD, IMPLAUSIBLE };

static enum verdict judge(u32 state, u64 id)
{
	if (!go_state_alive(state))
		return DEAD;
	return strcmp(go_state_name(state), "?") != 0 && id != 0 && id <= INT64_MAX ? ALIVE
										    : IMPLAUSIBLE;
}

static void take(struct go_census *census, const struct g_shape *shape, const u8 *piece)
{
	u32 state = go_state_of((u32)field_of(shape, piece, STATE));
	u64 id = field_of(shape, piece, ID);

	switch (judge(state, id)) {
	case DEAD:
		return;
	case IMPLAUSIBLE:
		census->skipped++;
		return;
	case ALIVE:
		census->goroutines[census->count++] = (struct go_goroutine) {
			.id = id,
			.creator = field_of(shape, piece, CREATOR),
			.start = field_of(shape, piece, START),
			.parent = field_of(shape, piece, PARENT),
			.waitsince_ns = field_of(shape, piece, WAITSINCE),
			.state = (u8)state,
			.wait_reason = (u8)field_of(shape, piece, WAIT_REASON),
		};
	}
}

struct batch {
	struct memory_piece pieces[BATCH];
	u8 bytes[BATCH][MAX_SPAN_BYTES];
};

/* Returns how many can't be read. */
static size_t read_batch(const struct go_process *p, const struct g_shape *shape,
			 const struct memory_piece *pieces, size_t n, struct go_census *census)
{
	size_t at = 0, unreadable = 0;

	while (at < n) {
		size_t read = memory_read_pieces(&p->mem, pieces + at, n - at);

		for (size_t i = at; i < at + read; i++)
			take(census, shape, pieces[i].buf);
		at += read;
		if (!read) {
			unreadable++;
			at++;
		}
	}
	return unreadable;
}

/* Reads those of the table from the at-th on that one batch takes. Returns as read_batch() does. */
static size_t read_next(const struct go_process *p, const struct g_table *table,
			const struct g_shape *shape, size_t at, struct batch *batch,
			struct go_census *census)
{
	size_t n = MIN((size_t)BATCH, table->count - at);

	for (size_t i = 0; i < n; i++)
		batch->pieces[i] = (struct memory_piece) {
			.addr = table->g[at + i] + shape->first,
			.buf = batch->bytes[i],
			.len = shape->span,
		};
	return read_batch(p, shape, batch->pieces, n, census);
}

static int read_all(const struct go_process *p, const struct g_table *table,
		    const struct g_shape *shape, struct go_census *census, struct err *err)
{
	CLEANUP(freep) struct batch *batch = malloc(sizeof(*batch));
	size_t unreadable = 0;

	if (!batch)
		return err_set(err, -ENOMEM, "goroutines");
	for (size_t at = 0; at < table->count; at += BATCH) {
		unreadable += read_next(p, table, shape, at, batch, census);
		if (unreadable > MAX_UNREADABLE)
			return err_set(err, -EBADMSG,
				       "more than %d goroutines of the table can't be read",
				       MAX_UNREADABLE);
	}
	census->skipped += unreadable;
	return 0;
}

int go_census_check(const struct go_process *p, struct err *err)
{
	struct go_global_place place;
	struct g_shape shape;
	int rc = find_shape(p->layout, &shape, err);

	if (!rc)
		rc = go_layout_global(p->layout, GO_ALLGLEN, &place, err);
	return rc ? rc : go_layout_global(p->layout, GO_ALLGS, &place, err);
}

/* Part of a census would pass for all of it if the process ended while it was read. */
static int check_alive(const struct go_process *p, struct err *err)
{
	struct go_global_place length;
	u64 count;
	int rc = go_layout_global(p->layout, GO_ALLGLEN, &length, err);

	return rc ? rc : go_process_read(p, length.addr + p->bias, &count, sizeof(count), err);
}

static int by_id(const void *a, const void *b)
{
	const struct go_goroutine *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* Each id once: a g that ended and began anew meanwhile, or a table that lies. */
static void sort_out(struct go_census *census)
{
	size_t kept = 0;

	if (census->count)
		qsort(census->goroutines, census->count, sizeof(*census->goroutines), by_id);
	for (size_t i = 0; i < census->count; i++) {
		if (kept && census->goroutines[kept - 1].id == census->goroutines[i].id)
			census->skipped++;
		else
			census->goroutines[kept++] = census->goroutines[i];
	}
	census->count = kept;
}

int go_census_read(const struct go_process *p, u64 max, struct go_census *ret, struct err *err)
{
	CLEANUP(g_table_done) struct g_table table = { 0 };
	CLEANUP(go_census_done) struct go_census census = { 0 };
	struct g_shape shape = { 0 };
	int rc = find_shape(p->layout, &shape, err);

	if (!rc)
		rc = read_table(p, max, &table, err);
	if (rc)
		return rc;
	census.goroutines = calloc(table.count + 1, sizeof(*census.goroutines));
	if (!census.goroutines)
		return err_set(err, -ENOMEM, "no memory for %zu goroutines", table.count);
	rc = read_all(p, &table, &shape, &census, err);
	if (!rc)
		rc = check_alive(p, err);
	if (rc)
		return rc;
	sort_out(&census);
	*ret = census;
	census.goroutines = NULL;
	return 0;
}

void go_census_done(struct go_census *census)
{
	free(census->goroutines);
}

const char *go_state_name(u32 state)
{
	static const char *const names[] = {
		[GO_STATE_RUNNABLE] = "runnable",   [GO_STATE_RUNNING] = "running",
		[GO_STATE_SYSCALL] = "syscall",	    [GO_STATE_WAITING] = "waiting",
		[GO_STATE_COPYSTACK] = "copystack", [GO_STATE_PREEMPTED] = "preempted",
		[GO_STATE_LEAKED] = "leaked",
	};

	return state < ARRAY_SIZE(names) && names[state] ? names[state] : "?";
}
