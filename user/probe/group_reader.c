/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/group_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "probe/monotonic.h"

/* Bursts by CPU are those of a thread where nearly all hits are on one. */
#define ONE_CPU 1.05

int group_reader_init(struct group_reader *ret, struct kern *kern, u32 slot,
		      const struct process *process, enum probe_group group)
{
	*ret = (struct group_reader) {
		.kern = kern,
		.process = process,
		.slot = slot,
		.group = group,
		.seen = calloc(kern_cpus(), sizeof(*ret->seen)),
	};
	probe_group_functions(group, &ret->first, &ret->last);
	return ret->seen ? 0 : -ENOMEM;
}

void group_reader_done(struct group_reader *r)
{
	free(r->seen);
	r->seen = NULL;
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

static struct bursts bursts_from(const struct kern_spread *spread)
{
	const struct kern_bursts *b = &spread->bursts;
	struct bursts ret = {
		.whole = (double)b->whole,
		.whole_hits = (double)b->whole_hits,
		.going = (double)b->going,
		.going_hits = (double)b->going_hits,
		.going_ns = (double)b->going_ns,
		.lasting_hits = (double)b->lasting_hits,
	};

	if (spread->cpus < ONE_CPU) {
		ret.cycles = (double)b->cycles;
		ret.cycles_ns = (double)b->cycles_ns;
		ret.cycles_hits = (double)b->cycles_hits;
	}
	return ret;
}

static u64 cpu_untold_ns(const struct kern_bursts *b)
{
	struct timespec tick;

	clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
	return (u64)estimate_cpu_untold_ns((double)b->going, (double)b->going_ns,
					   (double)tick.tv_nsec);
}

static bool thread_runs(const void *arg, u32 tid)
{
	return process_thread_runs(arg, (int)tid);
}

/* spread: of which window, or zeros. */
static int read_now(const struct group_reader *r, struct kern_spread *spread, struct reading *ret)
{
	struct wire_counters counters;
	int rc;

	spread->group = (enum wire_group)r->group;
	spread->first = r->first;
	spread->last = r->last;
	spread->now_ns = monotonic_ns();
	spread->runs = thread_runs;
	spread->arg = r->process;
	spread->seen = r->seen;
	rc = kern_read_spread(r->kern, r->slot, &counters, spread, NULL);
	if (rc)
		return rc;
	*ret = group_reading(r, monotonic_ns(), &counters);
	ret->cpu_ns = process_cpu_ns(r->process);
	return 0;
}

int group_read(const struct group_reader *r, struct reading *ret)
{
	struct kern_spread spread = { 0 };

	return read_now(r, &spread, ret);
}

int group_read_window(const struct group_reader *r, u32 window, struct exposure *x)
{
	struct kern_spread spread = { .window = window, .bursts.open_ns = x->open.time_ns };
	int rc = read_now(r, &spread, &x->close);

	if (rc)
		return rc;
	x->close.cpu_ns += cpu_untold_ns(&spread.bursts);
	x->cpus = spread.cpus;
	x->bursts = bursts_from(&spread);
	return 0;
}

u64 group_hits(const struct group_reader *r, const struct reading *from, const struct reading *to)
{
	u64 hits = to->regrown - from->regrown;

	for (size_t fn = r->first; fn <= r->last; fn++)
		hits += to->hits[fn] - from->hits[fn];
	return hits;
}
