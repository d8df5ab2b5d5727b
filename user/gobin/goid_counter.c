/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/goid_counter.h"

#include <errno.h>

enum {
	PAIR_TRIES = 8,
	BATCH_GOIDS = 16, /* _GoidCacheBatch in runtime/proc.go, 1.5 to 1.27 */
};

/*
 * p.goidcache, and p.goidcacheend behind it (runtime/runtime2.go, 1.5 to 1.27). The P stores one
 * after the other, so what makes no sense may do so in a moment.
 */
static int read_pair(const struct go_process *p, u64 addr, struct goid_range *ret, struct err *err)
{
	struct goid_range pair = { 0 };

	for (int i = 0; i < PAIR_TRIES; i++) {
		int rc = go_process_read(p, addr, &pair, sizeof(pair), err);

		if (rc)
			return rc;
		if (pair.first <= pair.end && pair.end - pair.first <= BATCH_GOIDS) {
			*ret = pair;
			return 0;
		}
	}
	return err_set(err, -EBADMSG, "a P has the goroutine ids from %llu to %llu", pair.first,
		       pair.end);
}

static int read_spare(const struct go_process *p, u64 addr, struct goid_counter *counter,
		      struct err *err)
{
	struct goid_range spare;
	int rc = read_pair(p, addr, &spare, err);

	/* What was taken out of the counter since it was read is above newest. */
	if (!rc && spare.first < spare.end && spare.first <= counter->newest)
		counter->spare[counter->spare_count++] = spare;
	return rc;
}

/*
 * Up to allp's capacity: a lowered GOMAXPROCS leaves Ps behind its end, with their ids
 * (procresize), and takes them up again when it is raised.
 */
static int read_procs(const struct go_process *p, u64 allp_at, u32 offset,
		      struct goid_counter *counter, struct err *err)
{
	struct {
		u64 array, len, capacity;
	} allp;
	int rc = go_process_read(p, allp_at, &allp, sizeof(allp), err);

	if (rc)
		return rc;
	if (allp.capacity > GO_PROCS_MAX)
		return err_set(err, -EBADMSG, "allp has room for %llu entries", allp.capacity);
	counter->spare = calloc(allp.capacity + 1, sizeof(*counter->spare));
	if (!counter->spare)
		return err_set(err, -ENOMEM, "goroutine ids");
	for (u64 i = 0; i < allp.capacity && !rc; i++) {
		u64 proc = 0;

		rc = go_process_read(p, allp.array + i * sizeof(proc), &proc, sizeof(proc), err);
		if (!rc && proc)
			rc = read_spare(p, proc + offset, counter, err);
	}
	return rc;
}

static int by_first(const void *a, const void *b)
{
	const struct goid_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static int check_spare(struct goid_counter *counter, struct err *err)
{
	if (counter->spare_count)
		qsort(counter->spare, counter->spare_count, sizeof(*counter->spare), by_first);
	for (size_t i = 1; i < counter->spare_count; i++)
		if (counter->spare[i].first < counter->spare[i - 1].end)
			return err_set(err, -EBADMSG, "two Ps have the goroutine id %llu",
				       counter->spare[i].first);
	return 0;
}

int goid_counter_read(const struct go_process *p, struct goid_counter *ret, struct err *err)
{
	CLEANUP(goid_counter_done) struct goid_counter counter = { 0 };
	struct go_global_place allp;
	struct go_offset offset;
	struct go_word newest;
	int rc = go_layout_field(p->layout, GO_SCHED, GO_SCHED_GOIDGEN, &newest, err);

	if (!rc)
		rc = go_layout_global(p->layout, GO_ALLP, &allp, err);
	if (rc)
		return rc;
	if (go_layout_offset(p->layout, GO_P_GOIDCACHE, &offset))
		return err_set(err, -ENOENT, "%s: not known where it is in %s",
			       go_field_name(GO_P_GOIDCACHE), p->layout->go);
	rc = go_process_read(p, newest.addr + p->bias, &counter.newest, sizeof(counter.newest),
			     err);
	if (!rc)
		rc = read_procs(p, allp.addr + p->bias, offset.offset, &counter, err);
	if (!rc)
		rc = check_spare(&counter, err);
	if (rc)
		return rc;
	*ret = counter;
	counter.spare = NULL;
	return 0;
}

void goid_counter_done(struct goid_counter *counter)
{
	free(counter->spare);
}

bool goid_counter_given(const struct goid_counter *counter, u64 goid)
{
	size_t low = 0, high = counter->spare_count;

	if (goid > counter->newest)
		return false;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (goid >= counter->spare[mid].end)
			low = mid + 1;
		else
			high = mid;
	}
	return low == counter->spare_count || goid < counter->spare[low].first;
}
