/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/tally.h"

#include <errno.h>
#include <string.h>

enum {
	/* When half of the table of maps was used it is emptied the next time: what is busy is back
	 * at once. */
	ROWS_FULL = WIRE_MAX_MAPS / 2,
	ROWS_MAX = 2 * WIRE_MAX_MAPS + WIRE_MAX_SITES,
};

struct tally {
	struct kern *kern;
	u32 slot;
	struct shares *shares;
	size_t kernel_rows;	/* of maps, in the last round */
	struct tally_row *rows; /* ROWS_MAX */
	size_t row_count;
	struct event_map_site sites[WIRE_MAX_SITES];
	size_t site_count;
	struct tally_maps *maps;
	u64 elsewhere,
		elsewhere_last; /* deletes_elsewhere(), without what was told by map before */
};

struct tally *tally_new(struct kern *kern, u32 slot)
{
	CLEANUP(tally_freep) struct tally *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->kern = kern;
	t->slot = slot;
	t->shares = shares_new(ROWS_MAX);
	t->rows = calloc(ROWS_MAX, sizeof(*t->rows));
	t->maps = tally_maps_new(ROWS_MAX);
	return t->shares && t->rows && t->maps ? TAKE_PTR(t) : NULL;
}

void tally_free(struct tally *t)
{
	if (!t)
		return;
	shares_free(t->shares);
	tally_maps_free(t->maps);
	free(t->rows);
	free(t);
}

static void count_row(void *arg, const struct wire_map_site *site, u64 count)
{
	struct tally *t = arg;
	const struct share_key key = { .fn = WIRE_SITE_FN(site->site),
				       .a = WIRE_SITE_PC(site->site),
				       .b = site->type,
				       .part = site->map };

	t->kernel_rows += site->map != 0;
	if (WIRE_SITE_SLOT(site->site) == t->slot)
		shares_count(t->shares, &key, count);
}

static void keep_row(void *arg, const struct share_key *key, u64 calls)
{
	struct tally *t = arg;

	if (t->row_count < ROWS_MAX)
		t->rows[t->row_count++] = (struct tally_row) { *key, calls };
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
	qsort(t->rows, t->row_count, sizeof(*t->rows), by_site);
	for (size_t i = 0; i < t->row_count; i++) {
		const struct tally_row *row = &t->rows[i];

		if (i && !by_site(row, row - 1)) {
			if (t->site_count)
				t->sites[t->site_count - 1].count += row->calls;
			continue;
		}
		if (t->site_count == WIRE_MAX_SITES)
			return;
		t->sites[t->site_count++] = (struct event_map_site) {
			.fn = (enum wire_fn)row->key.fn,
			.return_pc = row->key.a,
			.type = row->key.b,
			.count = row->calls,
		};
	}
}

/* Deletes of maps that had no row of their own. */
static u64 deletes_elsewhere(const struct tally *t)
{
	u64 deletes = 0;

	for (size_t i = 0; i < t->row_count; i++) {
		const struct share_key *key = &t->rows[i].key;

		if (!key->part && key->fn >= WIRE_FN_MAPDELETE && key->fn < WIRE_FN_MAPCLEAR)
			deletes += t->rows[i].calls;
	}
	return deletes;
}

/* New maps find room again; of those seen so far only the busiest are kept by themselves. */
static void forget(struct tally *t)
{
	u64 least = tally_maps_least(t->maps);

	shares_forget(t->shares, MAX(least / 2, 1ULL));
	/* What was told by map, and is no more, is not told again. */
	t->row_count = 0;
	shares_each(t->shares, keep_row, t);
	t->elsewhere_last = deletes_elsewhere(t);
}

void tally_want(struct tally *t, const struct map_key *keys, size_t n)
{
	tally_maps_want(t->maps, keys, n);
}

int tally_take(struct tally *t, const double calls[WIRE_FN_COUNT],
	       const bool sampled[WIRE_FN_COUNT], struct event_sample *ret, struct err *err)
{
	bool full = t->kernel_rows >= ROWS_FULL;
	u64 elsewhere;
	int rc;

	t->kernel_rows = t->row_count = 0;
	rc = kern_each_map_site(t->kern, full, count_row, t, err);
	if (rc)
		return rc;
	shares_divide(t->shares, calls, sampled);
	shares_each(t->shares, keep_row, t);
	elsewhere = deletes_elsewhere(t);
	t->elsewhere += elsewhere - MIN(t->elsewhere_last, elsewhere);
	t->elsewhere_last = elsewhere;
	sum_sites(t);
	tally_maps_sum(t->maps, t->rows, t->row_count, t->sites, t->site_count, ret);
	if (full)
		forget(t);
	ret->map_sites = t->sites;
	ret->map_site_count = t->site_count;
	ret->map_deletes_elsewhere = t->elsewhere;
	return 0;
}
