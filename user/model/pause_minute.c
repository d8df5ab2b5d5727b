/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/pause_minute.h"

#include "base/units.h"
#include "gobin/probeset.h"
#include "model/hist.h"

enum { SECONDS = 60, HISTS = 2 };

#define HALF_NS (30 * NS_PER_S)

struct pause_minute {
	u64 second;			/* the newest that was added to */
	struct pause_sums sum[SECONDS]; /* by second modulo */
	/* Begun half a minute apart; each pause goes into both, and the older one tells. */
	struct hist *hist[HISTS];
	size_t older;
	u64 turned_ns; /* when the younger one was begun; 0: no pause yet */
};

struct pause_minute *pause_minute_new(void)
{
	CLEANUP(pause_minute_freep) struct pause_minute *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	for (size_t i = 0; i < HISTS; i++) {
		m->hist[i] = hist_new();
		if (!m->hist[i])
			return NULL;
	}
	return TAKE_PTR(m);
}

void pause_minute_free(struct pause_minute *m)
{
	for (size_t i = 0; m && i < HISTS; i++)
		hist_free(m->hist[i]);
	free(m);
}

static void turn_hists(struct pause_minute *m, u64 time_ns)
{
	if (!m->turned_ns)
		m->turned_ns = time_ns;
	for (size_t i = 0; i < HISTS && time_ns >= m->turned_ns + HALF_NS; i++) {
		hist_clear(m->hist[m->older]);
		m->older = !m->older;
		m->turned_ns += HALF_NS;
	}
	if (time_ns >= m->turned_ns + HALF_NS) /* after a long silence both are empty */
		m->turned_ns = time_ns;
}

static struct pause_sums *bucket(struct pause_minute *m, u64 second)
{
	u64 gap = second > m->second ? MIN(second - m->second, SECONDS) : 0;

	for (; gap; gap--)
		m->sum[(second - gap + 1) % SECONDS] = (struct pause_sums) { .max_ns = 0 };
	m->second = MAX(m->second, second);
	return &m->sum[second % SECONDS];
}

void pause_minute_add(struct pause_minute *m, const struct gc_stop *stop)
{
	bool ends_mark = stop->reason == GO_STW_MARK_TERMINATION;
	enum pause_of of = ends_mark ? PAUSE_OF_MARK_TERMINATION : PAUSE_OF_SWEEP_TERMINATION;
	u64 second = stop->end_ns / NS_PER_S;
	struct pause_sums *sum;

	if (second + SECONDS <= m->second)
		return;
	sum = bucket(m, second);
	sum->count[of]++;
	sum->ns[of] += stop->duration_ns;
	sum->stopping_ns += stop->stopping_ns;
	sum->stopped_ns += stop->stopped_ns;
	sum->max_ns = MAX(sum->max_ns, stop->duration_ns);
	turn_hists(m, stop->end_ns);
	for (size_t i = 0; i < HISTS; i++)
		hist_add(m->hist[i], stop->duration_ns, 1);
}

static void add(struct pause_sums *into, const struct pause_sums *sum)
{
	for (size_t of = 0; of < PAUSE_OFS; of++) {
		into->count[of] += sum->count[of];
		into->ns[of] += sum->ns[of];
	}
	into->stopping_ns += sum->stopping_ns;
	into->stopped_ns += sum->stopped_ns;
	into->max_ns = MAX(into->max_ns, sum->max_ns);
}

struct pause_sums pause_minute_sums(const struct pause_minute *m, u64 now_ns)
{
	u64 now = MAX(now_ns / NS_PER_S, m->second);
	struct pause_sums total = { .max_ns = 0 };

	for (u64 age = 0; age < SECONDS; age++) {
		if (m->second >= age && m->second - age + SECONDS > now)
			add(&total, &m->sum[(m->second - age) % SECONDS]);
	}
	return total;
}

u64 pause_minute_quantile(const struct pause_minute *m, double q)
{
	return hist_quantile(m->hist[m->older], q);
}
