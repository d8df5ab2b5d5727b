/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/group_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "probe/monotonic.h"

int group_reader_init(struct group_reader *ret, struct kern *kern, u32 slot,
		      const struct process *process, enum probe_group group)
{
	*ret = (struct group_reader) {
		.kern = kern,
		.process = process,
		.slot = slot,
		.group = group,
		.seen = calloc(kern_cpus(), sizeof(*ret->seen)),
		.windows = calloc(kern_cpus(), sizeof(*ret->windows)),
		.at_open = calloc(kern_cpus(), sizeof(*ret->at_open)),
	};
	probe_group_functions(group, &ret->first, &ret->last);
	return ret->seen && ret->windows && ret->at_open ? 0 : -ENOMEM;
}

void group_reader_done(struct group_reader *r)
{
	free(r->seen);
	free(r->windows);
	free(r->at_open);
	*r = (struct group_reader) { 0 };
}

struct reading group_reading(const struct group_reader *r, u64 time_ns,
			     const struct wire_counters *counters)
{
	const struct wire_runs *runs = &counters->runs[r->group];
	struct reading ret = { .time_ns = time_ns, .runs = runs->count, .runs_ns = runs->ns };

	for (size_t fn = r->first; fn <= r->last; fn++) {
		ret.hits[fn] = counters->hits[fn];
		ret.regrown += counters->regrown[fn];
	}
	if (r->group == PROBE_MAP_GROW) {
		ret.hits[WIRE_FN_COUNT + AMOUNT_GROWS] = counters->grows;
		ret.hits[WIRE_FN_COUNT + AMOUNT_MOVED] = counters->moved;
	}
	return ret;
}

static double tick_ns(void)
{
	struct timespec tick;

	clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
	return (double)tick.tv_nsec;
}

/* With what is untold at the end of a window more than at its begin. */
static u64 cpu_at_close_ns(const struct group_reader *r, const struct reading *close,
			   const struct bursts *bursts, size_t hit_cpus)
{
	double untold_ns = untold_of_running_ns(r->at_open, r->open_count, r->windows, hit_cpus,
						close->time_ns) +
			   untold_of_woken_ns(bursts->going, bursts->going_ns, tick_ns());

	return close->cpu_ns ? (u64)MAX((double)close->cpu_ns + untold_ns, 1) : 0;
}

static bool thread_runs(const void *arg, u32 tid)
{
	return process_thread_runs(arg, (int)tid);
}

static int read_now(const struct group_reader *r, struct kern_spread *spread, struct reading *ret)
{
	struct wire_counters counters;
	int rc;

	spread->group = (enum wire_group)r->group;
	spread->first = r->first;
	spread->last = r->last;
	spread->seen = r->seen;
	spread->windows = r->windows;
	rc = kern_read_spread(r->kern, r->slot, &counters, spread, NULL);
	if (rc)
		return rc;
	*ret = group_reading(r, monotonic_ns(), &counters);
	ret->cpu_ns = process_cpu_ns(r->process);
	return 0;
}

/* The kernel may tell more of the CPU time between what the programs noted and our reading of it. A
 * process of many busy threads is told of so often that we take what there is. */
static int read_between_ticks(const struct group_reader *r, struct kern_spread *spread,
			      struct reading *ret)
{
	double most_ns = tick_ns() / 2, cpus = 0;
	bool torn = true;
	int rc = 0;

	for (int tries = 0; tries < 3 && !rc && torn; tries++) {
		u64 since_ns = monotonic_ns(), before_ns = process_cpu_ns(r->process);

		rc = read_now(r, spread, ret);
		torn = (double)ret->cpu_ns > (double)before_ns + most_ns ||
		       running_is_older(r->windows, spread->hit_cpus, since_ns);
		/* Of all hits since the last reading. */
		cpus = tries ? cpus : spread->cpus;
	}
	spread->cpus = cpus;
	return rc;
}

int group_read(const struct group_reader *r, struct reading *ret)
{
	struct kern_spread spread = { 0 };

	return read_now(r, &spread, ret);
}

int group_read_open(struct group_reader *r, u32 window, struct reading *ret)
{
	struct kern_spread spread = { .window = window };
	int rc = read_between_ticks(r, &spread, ret);

	r->open_count = rc ? 0 : running_of(r->windows, spread.hit_cpus, ret->time_ns, r->at_open);
	return rc;
}

int group_read_close(const struct group_reader *r, u32 window, u64 attached_ns, struct exposure *x)
{
	const struct bursts_config bursts = {
		.open_ns = attached_ns,
		.now_ns = monotonic_ns(),
		.runs = thread_runs,
		.arg = r->process,
	};
	struct kern_spread spread = { .window = window };
	int rc = read_between_ticks(r, &spread, &x->close);

	if (rc)
		return rc;
	x->cpus = spread.cpus;
	x->bursts = bursts_of(&bursts, r->windows, spread.hit_cpus);
	x->close.cpu_ns = cpu_at_close_ns(r, &x->close, &x->bursts, spread.hit_cpus);
	return 0;
}
