/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/totals.h"

#include <math.h>

#include "base/macros.h"

/* Of a group's calls: with more that there may be besides, they are no estimate. */
#define MOST_UNSEEN 0.5

/* Calls that no row of the table of sites holds: the table overflowed, or is read a moment later.
 */
static u64 beyond(u64 hits, u64 attributed)
{
	return hits > attributed ? hits - attributed : 0;
}

struct totals totals_of_sample(const struct event_sample *sample)
{
	struct totals t = {
		.raw_hits = sample->raw_hits,
		.moved = sample->moved,
		.grows = sample->grows,
		.grows_unrecorded = sample->grows_unrecorded,
		.regrown = sample->regrown,
		.foreign = sample->foreign,
		.lost = { sample->lost_ring, sample->lost_read, sample->lost_table,
			  sample->lost_missed, sample->lost_decode },
		.probe_ns = sample->probe_ns,
	};
	u64 all_created = 0, all_exited = 0;

	for (size_t i = 0; i < WIRE_FN_COUNT; i++)
		t.hits[i] = sample->hits[i];
	for (size_t g = 0; g < WIRE_GROUPS; g++)
		t.groups[g] = (struct total_group) {
			.gap_ns = sample->groups[g].gap_ns,
			.windows = sample->groups[g].windows,
			.calls = sample->groups[g].calls,
			.unseen = sample->groups[g].unseen,
			.bounded = sample->groups[g].bounded,
			.failed = sample->groups[g].failed,
			.sd_per_s = sample->groups[g].sd_per_s,
			.bias_error = sample->groups[g].bias_error,
		};
	for (size_t i = 0; i < sample->go_site_count; i++) {
		const struct event_go_site *site = &sample->go_sites[i];

		all_created += site->created;
		all_exited += site->exited;
		t.created += site->system ? 0 : site->created;
		t.exited += site->system ? 0 : site->exited;
	}
	t.created += beyond(t.hits[WIRE_FN_GO_CREATE], all_created);
	t.exited += beyond(t.hits[WIRE_FN_GO_EXIT], all_exited);
	return t;
}

/* *last becomes now; *sum grows by the difference. */
static void add_delta(u64 *sum, u64 last, u64 now)
{
	*sum += now >= last ? now - last : now;
}

/*
 * A goroutine's count is a sum that the runtime's own leave again as soon as
 * their site is known, so it may fall by a few and has not started anew.
 */
static void add_rise(u64 *sum, u64 last, u64 now, bool anew)
{
	if (anew)
		*sum += now;
	else
		*sum += now > last ? now - last : 0;
}

/* bounded and failed are of the moment: each sample that says so counts. */
static void advance_group(struct total_group *into, const struct total_group *before,
			  const struct total_group *now)
{
	into->gap_ns += now->gap_ns - before->gap_ns;
	add_delta(&into->windows, before->windows, now->windows);
	into->calls += now->calls >= before->calls ? now->calls - before->calls : now->calls;
	into->unseen += now->unseen - before->unseen;
	into->bounded += now->bounded;
	into->failed += now->failed;
	into->sd_per_s = now->sd_per_s;
	into->bias_error = now->bias_error;
}

void totals_advance(struct totals *into, const struct totals *before, const struct totals *now)
{
	bool anew = now->hits[WIRE_FN_GO_CREATE] < before->hits[WIRE_FN_GO_CREATE] ||
		    now->hits[WIRE_FN_GO_EXIT] < before->hits[WIRE_FN_GO_EXIT];

	for (size_t i = 0; i < WIRE_FN_COUNT; i++)
		add_delta(&into->hits[i], before->hits[i], now->hits[i]);
	for (size_t g = 0; g < WIRE_GROUPS; g++)
		advance_group(&into->groups[g], &before->groups[g], &now->groups[g]);
	add_delta(&into->raw_hits, before->raw_hits, now->raw_hits);
	add_delta(&into->moved, before->moved, now->moved);
	add_delta(&into->grows, before->grows, now->grows);
	add_delta(&into->grows_unrecorded, before->grows_unrecorded, now->grows_unrecorded);
	add_delta(&into->regrown, before->regrown, now->regrown);
	add_delta(&into->foreign, before->foreign, now->foreign);
	add_rise(&into->created, before->created, now->created, anew);
	add_rise(&into->exited, before->exited, now->exited, anew);
	add_delta(&into->lost.ring, before->lost.ring, now->lost.ring);
	add_delta(&into->lost.read, before->lost.read, now->lost.read);
	add_delta(&into->lost.table, before->lost.table, now->lost.table);
	add_delta(&into->lost.missed, before->lost.missed, now->lost.missed);
	add_delta(&into->lost.decode, before->lost.decode, now->lost.decode);
	into->probe_ns += now->probe_ns >= before->probe_ns ? now->probe_ns - before->probe_ns
							    : now->probe_ns;
}

struct totals totals_since(const struct totals *now, const struct totals *before)
{
	struct totals t = {
		.raw_hits = now->raw_hits - before->raw_hits,
		.moved = now->moved - before->moved,
		.grows = now->grows - before->grows,
		.grows_unrecorded = now->grows_unrecorded - before->grows_unrecorded,
		.regrown = now->regrown - before->regrown,
		.foreign = now->foreign - before->foreign,
		.created = now->created - before->created,
		.exited = now->exited - before->exited,
		.lost = { now->lost.ring - before->lost.ring, now->lost.read - before->lost.read,
			  now->lost.table - before->lost.table,
			  now->lost.missed - before->lost.missed,
			  now->lost.decode - before->lost.decode },
		.probe_ns = now->probe_ns - before->probe_ns,
	};

	for (size_t i = 0; i < WIRE_FN_COUNT; i++)
		t.hits[i] = now->hits[i] - before->hits[i];
	for (size_t g = 0; g < WIRE_GROUPS; g++) {
		t.groups[g] = now->groups[g];
		t.groups[g].gap_ns -= before->groups[g].gap_ns;
		t.groups[g].windows -= before->groups[g].windows;
		t.groups[g].calls -= before->groups[g].calls;
		t.groups[g].unseen -= before->groups[g].unseen;
		t.groups[g].bounded -= before->groups[g].bounded;
		t.groups[g].failed -= before->groups[g].failed;
	}
	return t;
}

static u64 sum_hits(const struct totals *totals, enum wire_fn first, enum wire_fn last)
{
	u64 sum = 0;

	for (size_t fn = first; fn <= last; fn++)
		sum += totals->hits[fn];
	return sum;
}

u64 totals_map_writes(const struct totals *totals)
{
	return sum_hits(totals, WIRE_FN_MAPASSIGN, WIRE_FN_MAPASSIGN_FAST32PTR);
}

u64 totals_map_deletes(const struct totals *totals)
{
	return sum_hits(totals, WIRE_FN_MAPDELETE, WIRE_FN_MAPDELETE_FASTSTR);
}

u64 totals_faults(const struct totals *totals)
{
	return sum_hits(totals, WIRE_FN_GOPANIC, WIRE_FN_FATAL);
}

enum accuracy totals_accuracy(const struct totals *t, enum wire_group group)
{
	const struct total_group *g = &t->groups[group];

	if (g->bounded || g->failed || g->unseen > MOST_UNSEEN * g->calls)
		return ACCURACY_LOWER_BOUND;
	return g->gap_ns != 0 || g->windows ? ACCURACY_SAMPLED : ACCURACY_EXACT;
}

double totals_gap(const struct totals *t, enum wire_group group, double seconds)
{
	double gap = seconds > 0 ? (double)t->groups[group].gap_ns / (seconds * 1e9) : 0;

	return gap < 0 ? 0 : MIN(gap, 1);
}

/* Only what lies in gaps is estimated. It is off by what the windows scatter, by the correction
 * that all of them share, and by what a group may have left behind; where that becomes known, it
 * is of an earlier time. */
double totals_rate_error(const struct totals *t, enum wire_group group, double seconds,
			 double per_s, double all_per_s)
{
	const struct total_group *g = &t->groups[group];
	double share = all_per_s > 0 ? per_s / all_per_s : 0;

	if (totals_accuracy(t, group) == ACCURACY_EXACT || seconds <= 0)
		return 0;
	return hypot(totals_gap(t, group, seconds) *
			     hypot(share * g->sd_per_s / sqrt((double)MAX(g->windows, 1ULL)),
				   per_s * g->bias_error),
		     share * fabs(g->unseen) / seconds);
}
