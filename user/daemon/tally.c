/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/tally.h"

#include <errno.h>
#include <string.h>

#include "base/grow.h"

enum {
	ROWS_MAX = 2 * WIRE_MAX_MAPS + WIRE_MAX_SITES,
};

struct tally {
	struct shares *shares; /* ROWS_MAX at most */
	bool last;	       /* sample */
	bool emptied;	       /* the kernel's rows by map, after the last that were counted */
	/* By map, that may stay when the kernel's table was emptied: a target that makes maps all
	 * the time, each as busy as the last, must leave room for its next. */
	size_t rows_kept;
	struct tally_scratch *scratch;
	size_t row_count, site_count;
	struct tally_maps *maps;
	u64 elsewhere,
		elsewhere_last; /* deletes_elsewhere(), without what was told by map before */
};

struct tally *tally_new(struct tally_scratch *scratch, size_t rows_kept)
{
	CLEANUP(tally_freep) struct tally *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->scratch = scratch;
	t->rows_kept = rows_kept;
	t->shares = shares_new(ROWS_MAX);
	t->maps = tally_maps_new(scratch);
	return t->shares && t->maps ? TAKE_PTR(t) : NULL;
}

void tally_free(struct tally *t)
{
	if (!t)
		return;
	shares_free(t->shares);
	tally_maps_free(t->maps);
	free(t);
}

static void keep_row(void *arg, const struct share_key *key, u64 calls)
{
	struct tally *t = arg;

	if (t->row_count < t->scratch->row_room)
		t->scratch->rows[t->row_count++] = (struct tally_row) { *key, calls };
}

static int by_words(const u64 *a, const u64 *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

static int by_site(const void *left, const void *right)
{
	const struct share_key *a = &((const struct tally_row *)left)->key;
	const struct share_key *b = &((const struct tally_row *)right)->key;

	return by_words((u64[]) { a->fn, a->a, a->b }, (u64[]) { b->fn, b->a, b->b }, 3);
}

static void sum_sites(struct tally *t)
{
	t->site_count = 0;
	qsort(t->scratch->rows, t->row_count, sizeof(struct tally_row), by_site);
	for (size_t i = 0; i < t->row_count; i++) {
		const struct tally_row *row = &t->scratch->rows[i];

		if (i && !by_site(row, row - 1)) {
			if (t->site_count)
				t->scratch->sites[t->site_count - 1].count += row->calls;
			continue;
		}
		if (t->site_count == WIRE_MAX_SITES)
			return;
		t->scratch->sites[t->site_count++] = (struct event_map_site) {
			.fn = (enum wire_fn)row->key.fn,
			.return_pc = row->key.a,
			.type = row->key.b,
			.count = row->calls,
		};
	}
}

/* Of maps that had no row of their own: their deletes; and how many rows the others have. */
struct by_map {
	u64 deletes_elsewhere;
	size_t rows;
};

static void look_at_row(void *arg, const struct share_key *key, u64 calls)
{
	struct by_map *ret = arg;

	if (key->part)
		ret->rows++;
	else if (key->fn >= WIRE_FN_MAPDELETE && key->fn < WIRE_FN_MAPCLEAR)
		ret->deletes_elsewhere += calls;
}

static struct by_map look_by_map(const struct tally *t)
{
	struct by_map ret = { 0 };

	shares_each(t->shares, look_at_row, &ret);
	return ret;
}

/* New maps find room again; of those seen so far only the busiest are kept by themselves. What was
 * told by map, and is no more, is not told again. */
static void forget(struct tally *t)
{
	u64 least = tally_maps_least(t->maps);

	shares_forget(t->shares, MAX(least / 2, 1ULL));
	if (look_by_map(t).rows > t->rows_kept)
		shares_forget(t->shares, least + 1);
	t->elsewhere_last = look_by_map(t).deletes_elsewhere;
	t->emptied = false;
}

void tally_count(struct tally *t, const struct wire_map_site *site, u64 count)
{
	const struct share_key key = { .fn = WIRE_SITE_FN(site->site),
				       .a = WIRE_SITE_PC(site->site),
				       .b = site->type,
				       .part = site->map };

	if (t->emptied) /* and no sample was taken since */
		forget(t);
	shares_count(t->shares, &key, count);
}

void tally_emptied(struct tally *t)
{
	t->emptied = true;
}

void tally_want(struct tally *t, const struct map_key *keys, size_t n)
{
	tally_maps_want(t->maps, keys, n);
}

/* Every row, and room for their sites. */
static bool list_rows(struct tally *t)
{
	size_t n = shares_rows(t->shares);

	t->row_count = 0;
	if (!GROW(t->scratch->rows, &t->scratch->row_room, n) ||
	    !GROW(t->scratch->sites, &t->scratch->site_room, MIN(n, (size_t)WIRE_MAX_SITES)))
		return false;
	shares_each(t->shares, keep_row, t);
	return true;
}

void tally_last(struct tally *t)
{
	t->last = true;
}

int tally_take(struct tally *t, const double calls[WIRE_FN_COUNT],
	       const bool sampled[WIRE_FN_COUNT], struct event_sample *ret, struct err *err)
{
	u64 elsewhere;

	shares_divide(t->shares, calls, sampled);
	if (t->last)
		shares_settle(t->shares, calls, sampled);
	if (!list_rows(t))
		return err_set(err, -ENOMEM, "out of memory");
	elsewhere = look_by_map(t).deletes_elsewhere;
	t->elsewhere += elsewhere - MIN(t->elsewhere_last, elsewhere);
	t->elsewhere_last = elsewhere;
	sum_sites(t);
	if (tally_maps_sum(t->maps, t->scratch->rows, t->row_count, t->scratch->sites,
			   t->site_count, ret))
		return err_set(err, -ENOMEM, "out of memory");
	if (t->emptied)
		forget(t);
	ret->map_sites = t->scratch->sites;
	ret->map_site_count = t->site_count;
	ret->map_deletes_elsewhere = t->elsewhere;
	return 0;
}
