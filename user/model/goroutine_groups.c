/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/goroutine_groups.h"

#include <errno.h>
#include <string.h>

/* A kind as numbers that sort; the first one is what the grouping asks for. */
struct key {
	u64 group, then, rest;
};

static struct key key_of(const struct goroutine_kind *kind, enum goroutine_by by)
{
	u64 place = (u64)kind->site << 32 | kind->start;
	u64 wait = (u64)kind->state << 8 | kind->wait;

	switch (by) {
	case BY_SITE:
		return (struct key) { place, wait, 0 };
	case BY_WAIT:
		return (struct key) { wait, place, 0 };
	case BY_STATE:
		break;
	}
	return (struct key) { kind->state, kind->wait, place };
}

static int compare(u64 x, u64 y)
{
	return x < y ? -1 : x > y;
}

static int by_key(const void *a, const void *b, void *arg)
{
	const struct goroutine_seen *x = a, *y = b;
	enum goroutine_by by = *(const enum goroutine_by *)arg;
	struct key p = key_of(&x->kind, by), q = key_of(&y->kind, by);

	if (p.group != q.group)
		return compare(p.group, q.group);
	return p.then != q.then ? compare(p.then, q.then) : compare(p.rest, q.rest);
}

static bool same_kind(const struct goroutine_kind *x, const struct goroutine_kind *y)
{
	return x->site == y->site && x->start == y->start && x->state == y->state &&
	       x->wait == y->wait;
}

/* The youngest first. */
static int by_age(const void *a, const void *b)
{
	const struct goroutine_seen *x = a, *y = b;

	return compare(y->birth.likely_ns, x->birth.likely_ns);
}

/* Equal kinds stand side by side. */
static void count_kinds(const struct goroutine_seen *rows, size_t n, struct goroutine_group *group)
{
	size_t run = 0;

	for (size_t i = 0; i < n; i++) {
		const struct goroutine_kind *kind = &rows[i].kind;

		run = i && same_kind(kind, &rows[i - 1].kind) ? run + 1 : 1;
		if (run > group->kind_count) {
			group->kind_count = run;
			group->kind = *kind;
		}
		group->same_site = group->same_site && kind->site == rows[0].kind.site;
		group->same_start = group->same_start && kind->start == rows[0].kind.start;
		group->same_state = group->same_state && kind->state == rows[0].kind.state;
		group->same_wait = group->same_wait && kind->wait == rows[0].kind.wait;
	}
}

static u64 since(u64 born_ns, u64 now_ns)
{
	return now_ns > born_ns ? now_ns - born_ns : 0;
}

static struct goroutine_age age_of(const struct goid_birth *birth, u64 now_ns)
{
	return (struct goroutine_age) {
		.likely_ns = since(birth->likely_ns, now_ns),
		.least_ns = since(birth->latest_ns, now_ns),
		.most_ns = since(birth->earliest_ns, now_ns),
		.sampled = birth->sampled,
	};
}

static struct goroutine_group make_group(struct goroutine_seen *rows, size_t n, u64 now_ns)
{
	struct goroutine_group group = {
		.count = n,
		.same_site = true,
		.same_start = true,
		.same_state = true,
		.same_wait = true,
	};

	count_kinds(rows, n, &group);
	qsort(rows, n, sizeof(*rows), by_age);
	group.age_min_ns = since(rows[0].birth.likely_ns, now_ns);
	group.p50 = age_of(&rows[(n - 1) / 2].birth, now_ns);
	group.oldest = age_of(&rows[n - 1].birth, now_ns);
	return group;
}

static int compare_kinds(const struct goroutine_kind *x, const struct goroutine_kind *y)
{
	int order = compare(x->site, y->site);

	if (!order)
		order = compare(x->start, y->start);
	if (!order)
		order = compare(x->state, y->state);
	return order ? order : compare(x->wait, y->wait);
}

/* The largest first; of equal ones the oldest. */
static int by_size(const void *a, const void *b)
{
	const struct goroutine_group *x = a, *y = b;

	if (x->count != y->count)
		return compare(y->count, x->count);
	if (x->oldest.likely_ns != y->oldest.likely_ns)
		return compare(y->oldest.likely_ns, x->oldest.likely_ns);
	return compare_kinds(&x->kind, &y->kind);
}

static size_t count_groups(const struct goroutine_seen *rows, size_t n, enum goroutine_by by)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += i == 0 ||
			 key_of(&rows[i].kind, by).group != key_of(&rows[i - 1].kind, by).group;
	return count;
}

int goroutine_groups(struct goroutine_seen *rows, size_t n, enum goroutine_by by, u64 now_ns,
		     struct goroutine_group **ret, size_t *ret_count)
{
	struct goroutine_group *groups;
	size_t count = 0, end;

	if (n)
		qsort_r(rows, n, sizeof(*rows), by_key, &by);
	groups = calloc(count_groups(rows, n, by) + 1, sizeof(*groups));
	if (!groups)
		return -ENOMEM;
	for (size_t i = 0; i < n; i = end) {
		u64 group = key_of(&rows[i].kind, by).group;

		for (end = i + 1; end < n && key_of(&rows[end].kind, by).group == group;)
			end++;
		groups[count++] = make_group(&rows[i], end - i, now_ns);
	}
	if (count)
		qsort(groups, count, sizeof(*groups), by_size);
	*ret = groups;
	*ret_count = count;
	return 0;
}
