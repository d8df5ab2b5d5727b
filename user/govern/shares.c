/* SPDX-License-Identifier: BSD-2-Clause */
#include "govern/shares.h"

#include <stdlib.h>

#include "base/table.h"

struct share {
	struct share_key key;
	u64 count;   /* the kernel's */
	u64 pending; /* counted since the last division */
	double calls;
	UT_hash_handle hh;
};

struct shares {
	size_t limit;
	struct share *table;
	double divided[WIRE_FN_COUNT]; /* of each function's calls */
};

struct shares *shares_new(size_t limit)
{
	struct shares *shares = calloc(1, sizeof(*shares));

	if (shares)
		shares->limit = limit;
	return shares;
}

void shares_free(struct shares *shares)
{
	struct share *share, *next;

	if (!shares)
		return;
	HASH_ITER (hh, shares->table, share, next) {
		HASH_DEL(shares->table, share);
		free(share);
	}
	free(shares);
}

static struct share *find(const struct shares *shares, const struct share_key *key)
{
	struct share *share;

	HASH_FIND(hh, shares->table, key, sizeof(*key), share);
	return share;
}

static struct share *add(struct shares *shares, const struct share_key *key)
{
	struct share *share;

	if (HASH_COUNT(shares->table) >= shares->limit)
		return NULL;
	share = calloc(1, sizeof(*share));
	if (!share)
		return NULL;
	share->key = *key;
	HASH_ADD(hh, shares->table, key, sizeof(share->key), share);
	if (share->hh.tbl)
		return share;
	free(share);
	return NULL;
}

static struct share *find_or_add(struct shares *shares, const struct share_key *key)
{
	struct share *share = find(shares, key);

	return share ? share : add(shares, key);
}

void shares_count(struct shares *shares, const struct share_key *key, u64 count)
{
	struct share *share = key->fn < WIRE_FN_COUNT ? find_or_add(shares, key) : NULL;

	if (!share)
		return;
	share->pending += count >= share->count ? count - share->count : count;
	share->count = count;
}

/* A function of which nothing was seen by row keeps its calls for a later round. */
void shares_divide(struct shares *shares, const double calls[WIRE_FN_COUNT],
		   const bool sampled[WIRE_FN_COUNT])
{
	double counted[WIRE_FN_COUNT] = { 0 }, factor[WIRE_FN_COUNT];

	for (const struct share *s = shares->table; s; s = s->hh.next)
		counted[s->key.fn] += (double)s->pending;
	for (size_t fn = 0; fn < WIRE_FN_COUNT; fn++) {
		factor[fn] = 1;
		if (sampled[fn] && counted[fn] > 0)
			factor[fn] = MAX(calls[fn] - shares->divided[fn], 0) / counted[fn];
		shares->divided[fn] =
			sampled[fn] ? shares->divided[fn] + counted[fn] * factor[fn] : calls[fn];
	}
	for (struct share *s = shares->table; s; s = s->hh.next) {
		s->calls += (double)s->pending * factor[s->key.fn];
		s->pending = 0;
	}
}

void shares_settle(struct shares *shares, const double calls[WIRE_FN_COUNT],
		   const bool sampled[WIRE_FN_COUNT])
{
	double known[WIRE_FN_COUNT] = { 0 }, more[WIRE_FN_COUNT] = { 0 };

	for (const struct share *s = shares->table; s; s = s->hh.next)
		known[s->key.fn] += s->calls;
	for (size_t fn = 0; fn < WIRE_FN_COUNT; fn++) {
		if (!sampled[fn] || known[fn] <= 0)
			continue;
		more[fn] = MAX(calls[fn] - shares->divided[fn], 0) / known[fn];
		shares->divided[fn] += more[fn] * known[fn];
	}
	for (struct share *s = shares->table; s; s = s->hh.next)
		s->calls *= 1 + more[s->key.fn];
}

static u64 rounded(double calls)
{
	return (u64)(calls + 0.5);
}

u64 shares_calls(const struct shares *shares, const struct share_key *key)
{
	const struct share *share = find(shares, key);

	return share ? rounded(share->calls) : 0;
}

void shares_each(const struct shares *shares,
		 void (*fn)(void *arg, const struct share_key *key, u64 calls), void *arg)
{
	for (const struct share *s = shares->table; s; s = s->hh.next)
		fn(arg, &s->key, rounded(s->calls));
}

size_t shares_rows(const struct shares *shares)
{
	return HASH_COUNT(shares->table);
}

/* A part that is small becomes one of its site's others. */
static void fold(struct shares *shares, struct share *share, double calls_least)
{
	struct share_key key = share->key;
	struct share *others;

	share->count = 0;
	if (share->calls >= calls_least)
		return;
	key.part = 0;
	HASH_DEL(shares->table, share);
	others = find_or_add(shares, &key);
	if (others) {
		others->calls += share->calls;
		others->pending += share->pending;
	}
	free(share);
}

void shares_forget(struct shares *shares, u64 calls_least)
{
	struct share *next;

	for (struct share *share = shares->table; share; share = next) {
		next = share->hh.next;
		if (share->key.part)
			fold(shares, share, (double)calls_least);
	}
}
