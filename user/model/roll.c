/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/roll.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/units.h"

#define LEAST_PAUSE_NS (5 * NS_PER_S)
#define CPU_SHARE      1000 /* a thousandth */

/*
 * What is older than half a minute is no request of the usual kind; than three, no connection that
 * an idle timeout ends (60 to 120 s with most servers and balancers); than twenty, no session.
 */
static const u64 stay_ns[EVENT_STAYS] = { 30 * NS_PER_S, 3 * NS_PER_MIN, 20 * NS_PER_MIN };

/* Ages that close to the youngest of them count as one: far finer than anybody looks at them. */
#define ALIKE_NS    (2 * NS_PER_S)
#define ALIKE_SHARE 0.03

enum { WAITS_TOLD_APART = 16 };

/* Of the last call. */
struct resident {
	u64 id, gopc, there_by_ns;
};

/* Of the last call and not of this one. */
struct gone {
	u64 gopc;
	u64 age_ns; /* at the last call, at least */
};

struct roll {
	roll_wait_fn wait;
	void *arg;
	u64 time_ns; /* of the last call */
	struct resident *residents;
	size_t resident_count;
	struct event_census_site sites[ROLL_SITES_MAX];
	struct event_age *ages; /* of all sites */
};

struct roll *roll_new(roll_wait_fn wait, void *arg)
{
	struct roll *roll = calloc(1, sizeof(*roll));

	if (roll) {
		roll->wait = wait;
		roll->arg = arg;
	}
	return roll;
}

void roll_free(struct roll *roll)
{
	if (!roll)
		return;
	free(roll->residents);
	free(roll->ages);
	free(roll);
}

u64 roll_pause_ns(u64 cpu_ns)
{
	return MAX(LEAST_PAUSE_NS, MIN(cpu_ns, ~0ULL / CPU_SHARE) * CPU_SHARE);
}

static u64 since(u64 from_ns, u64 now_ns)
{
	return now_ns > from_ns ? now_ns - from_ns : 0;
}

static bool has_stayed(u64 age_ns, size_t level)
{
	return age_ns > stay_ns[level];
}

/* Both ascend by id. Returns how many of the last call are gone that had stayed. */
static size_t compare_calls(const struct roll *roll, struct roll_row *rows, size_t n, u64 now_ns,
			    struct gone *gone)
{
	size_t count = 0, row = 0;

	for (size_t i = 0; i < n; i++)
		rows[i].there_by_ns = MIN(rows[i].birth.latest_ns, now_ns);
	for (size_t i = 0; i < roll->resident_count; i++) {
		const struct resident *was = &roll->residents[i];
		u64 age_ns = since(was->there_by_ns, roll->time_ns);

		while (row < n && rows[row].id < was->id)
			row++;
		if (row < n && rows[row].id == was->id)
			rows[row].there_by_ns = MIN(rows[row].there_by_ns, was->there_by_ns);
		else if (has_stayed(age_ns, 0))
			gone[count++] = (struct gone) { was->gopc, age_ns };
	}
	return count;
}

static void remember(struct resident *residents, const struct roll_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		residents[i] = (struct resident) { rows[i].id, rows[i].gopc, rows[i].there_by_ns };
}

static int compare(u64 x, u64 y)
{
	return x < y ? -1 : x > y;
}

/* By site, the youngest first. */
static int by_site(const void *a, const void *b)
{
	const struct roll_row *x = a, *y = b;
	int order = compare(x->gopc, y->gopc);

	return order ? order : compare(y->birth.likely_ns, x->birth.likely_ns);
}

static int by_gopc(const void *a, const void *b)
{
	const struct gone *x = a, *y = b;

	return compare(x->gopc, y->gopc);
}

/* The rows of one site. */
struct members {
	const struct roll_row *rows;
	size_t n;
	u64 stayed; /* for the shortest time */
};

static u64 count_stayed(const struct members *members, size_t level, u64 now_ns)
{
	u64 count = 0;

	for (size_t i = 0; i < members->n; i++)
		count += has_stayed(since(members->rows[i].there_by_ns, now_ns), level);
	return count;
}

static int by_stayed(const void *a, const void *b)
{
	const struct members *x = a, *y = b;
	int order = compare(y->stayed, x->stayed);

	if (!order)
		order = compare(y->n, x->n);
	return order ? order : compare(x->rows->gopc, y->rows->gopc);
}

/* The sites that are large enough, those first of which most stayed. ret has room for
 * n / ROLL_SITE_MIN_LIVE. Returns how many. */
static size_t find_sites(const struct roll_row *rows, size_t n, u64 now_ns, struct members *ret)
{
	size_t count = 0, end;

	for (size_t i = 0; i < n; i = end) {
		struct members members = { .rows = &rows[i] };

		for (end = i; end < n && rows[end].gopc == rows[i].gopc;)
			end++;
		members.n = end - i;
		if (members.n < ROLL_SITE_MIN_LIVE)
			continue;
		members.stayed = count_stayed(&members, 0, now_ns);
		ret[count++] = members;
	}
	if (count)
		qsort(ret, count, sizeof(*ret), by_stayed);
	return count;
}

static void count_ended(struct event_census_site *site, const struct gone *gone, size_t n)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (gone[mid].gopc < site->gopc)
			low = mid + 1;
		else
			high = mid;
	}
	for (size_t i = low; i < n && gone[i].gopc == site->gopc; i++)
		for (size_t level = 0; level < EVENT_STAYS; level++)
			site->ended[level] += has_stayed(gone[i].age_ns, level);
}

/* Ages that are alike, put together: their mean, and how many. Past ROLL_AGES_MAX, which ages of
 * some years would take, all the rest is. Returns how many. */
static size_t thin_ages(const struct members *members, u64 now_ns, struct event_age *ret)
{
	u64 first_ns = 0, past_first_ns = 0; /* summed up over those put together */
	size_t count = 0;

	for (size_t i = 0; i < members->n; i++) {
		u64 age_ns = since(members->rows[i].birth.likely_ns, now_ns);
		u64 alike_ns = MAX(ALIKE_NS, (u64)(ALIKE_SHARE * (double)first_ns));

		if (!count || (age_ns - first_ns > alike_ns && count < ROLL_AGES_MAX)) {
			ret[count++] = (struct event_age) { 0 };
			first_ns = age_ns;
			past_first_ns = 0;
		}
		past_first_ns += age_ns - first_ns;
		ret[count - 1].count++;
		ret[count - 1].age_ns = first_ns + past_first_ns / ret[count - 1].count;
	}
	return count;
}

struct wait_count {
	u16 wait;
	u64 count;
};

static int by_count(const void *a, const void *b)
{
	const struct wait_count *x = a, *y = b;
	int order = compare(y->count, x->count);

	return order ? order : compare(x->wait, y->wait);
}

static void count_waits(const struct roll *roll, const struct members *members,
			struct event_census_site *site)
{
	struct wait_count counts[WAITS_TOLD_APART] = { 0 };
	size_t kinds = 0;

	for (size_t i = 0; i < members->n; i++) {
		size_t at = 0;

		while (at < kinds && counts[at].wait != members->rows[i].wait)
			at++;
		if (at == WAITS_TOLD_APART)
			continue;
		counts[at].wait = members->rows[i].wait;
		counts[at].count++;
		kinds = MAX(kinds, at + 1);
	}
	qsort(counts, kinds, sizeof(counts[0]), by_count);
	for (size_t i = 0; i < MIN(kinds, (size_t)EVENT_WAITS); i++) {
		site->waits[i].count = counts[i].count;
		roll->wait(roll->arg, counts[i].wait, site->waits[i].reason, EVENT_WAIT_BYTES);
	}
}

static u64 mean_age_ns(const struct members *members, u64 now_ns)
{
	double sum = 0;

	for (size_t i = 0; i < members->n; i++)
		sum += (double)since(members->rows[i].birth.likely_ns, now_ns);
	return (u64)(sum / (double)members->n);
}

static void describe(const struct roll *roll, const struct members *members, u64 now_ns,
		     struct event_census_site *site)
{
	const struct roll_row *oldest = &members->rows[members->n - 1];
	const struct goid_birth *middle = &members->rows[members->n / 2].birth;

	*site = (struct event_census_site) {
		.gopc = oldest->gopc,
		.startpc = oldest->startpc,
		.live = members->n,
		.mean_ns = mean_age_ns(members, now_ns),
		.oldest_ns = since(oldest->birth.likely_ns, now_ns),
		.median_least_ns = since(middle->latest_ns, now_ns),
		.median_most_ns = since(middle->earliest_ns, now_ns),
	};
	for (size_t level = 0; level < EVENT_STAYS; level++)
		site->stayed[level] = count_stayed(members, level, now_ns);
	count_waits(roll, members, site);
}

static size_t ages_wanted(const struct members *members, size_t count)
{
	size_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += MIN(members[i].n, (size_t)ROLL_AGES_MAX);
	return total;
}

static int fill(struct roll *roll, const struct members *members, size_t count, u64 now_ns)
{
	struct event_age *ages = calloc(ages_wanted(members, count) + 1, sizeof(*ages));

	if (!ages)
		return -ENOMEM;
	free(roll->ages);
	roll->ages = ages;
	for (size_t i = 0; i < count; i++) {
		struct event_census_site *site = &roll->sites[i];

		describe(roll, &members[i], now_ns, site);
		site->ages = ages;
		site->age_count = thin_ages(&members[i], now_ns, ages);
		ages += site->age_count;
	}
	return 0;
}

int roll_call(struct roll *roll, u64 now_ns, struct roll_row *rows, size_t n,
	      struct event_census *ret)
{
	CLEANUP(freep) struct resident *residents = calloc(n + 1, sizeof(*residents));
	CLEANUP(freep) struct gone *gone = calloc(roll->resident_count + 1, sizeof(*gone));
	CLEANUP(freep)
	struct members *members = calloc(n / ROLL_SITE_MIN_LIVE + 1, sizeof(*members));
	size_t gone_count, found, count;

	if (!residents || !gone || !members)
		return -ENOMEM;
	gone_count = compare_calls(roll, rows, n, now_ns, gone);
	remember(residents, rows, n);
	if (n)
		qsort(rows, n, sizeof(*rows), by_site);
	if (gone_count)
		qsort(gone, gone_count, sizeof(*gone), by_gopc);
	found = find_sites(rows, n, now_ns, members);
	count = MIN(found, (size_t)ROLL_SITES_MAX);
	if (fill(roll, members, count, now_ns))
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		count_ended(&roll->sites[i], gone, gone_count);
	free(roll->residents);
	roll->residents = TAKE_PTR(residents);
	roll->resident_count = n;
	roll->time_ns = now_ns;
	*ret = (struct event_census) { .sites = roll->sites,
				       .site_count = count,
				       .sites_left_out = found - count };
	memcpy(ret->stay_ns, stay_ns, sizeof(stay_ns));
	return 0;
}
