/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Governor and estimator together on loads that come and go. The pauses depend on
 * what the windows showed, which must not show in the estimate: weighed by the
 * length of the gaps, 300 of 1000 ms would be 71 % too low.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "govern/governor.h"

#include "estimate_sim.h"

enum { RUNS = 10, SECONDS = 300 };

/* A breaker is looked at so often. */
#define BREAKER_NS 0.25e6
#define ATTACH_NS  150e3

/* One window as it was ordered; the breaker ends it early. */
static struct exposure governed_window(struct sim *s, const struct reading *open,
				       const struct governor_order *order, bool lean)
{
	double tau_ns = lean ? s->lean_ns : s->full_ns,
	       end_ns = s->now_ns + (double)order->length_ns;
	double most_hits = s->hits + (double)order->cap_ns / TAU_FULL_NS;
	struct exposure x = { .open = *open, .lean = lean, .pause_ns = order->pause_ns };

	while (s->now_ns < end_ns && s->hits < most_hits)
		run(s, MIN(BREAKER_NS, end_ns - s->now_ns), tau_ns);
	x.close = reading_of(s);
	x.cost_ns =
		(double)(hits_of(&x.close) - hits_of(open)) * (lean ? TAU_LEAN_NS : TAU_FULL_NS);
	x.cpus = x.cost_ns > 0;
	return x;
}

/* How far the estimate is off after SECONDS, relative; ret_unseen: what it says of the bursts that
 * it may not have seen. */
static double play_governed(const struct target *target, u64 seed, double *ret_unseen)
{
	const struct governor_config config = { .budget = 0.01, .cpus = 2, .seed = seed };
	CLEANUP(governor_freep) struct governor *g = governor_new(&config);
	struct sim s = sim_of(target);
	struct estimate_view view;
	struct reading now;
	struct estimate e;
	bool standing = true, lean = false;
	double calls = 0;

	start(&s, &e);
	while (s.now_ns < SECONDS * 1e9) {
		u64 now_ns = s.time_at_start_ns + (u64)s.now_ns;
		struct governor_order order = governor_next(g, 0, now_ns);
		double attach_ns = standing ? 0 : ATTACH_NS;
		struct reading open = e.seen;
		struct exposure x;

		lean = !standing && !lean;
		if (!standing) {
			run(&s, MAX((double)order.open_ns - (double)now_ns, 0) + 12e6, 0);
			open = reading_of(&s);
		}
		x = governed_window(&s, &open, &order, lean);
		standing = x.stays =
			governor_spent(g, 0, open.time_ns, x.close.time_ns, x.cost_ns, attach_ns);
		estimate_exposed(&e, &x);
		if (!standing)
			run(&s, 35e6, 0); /* the detach returns */
	}
	now = reading_of(&s);
	estimate_now(&e, &now, &view);
	for (size_t fn = FIRST; fn <= LAST; fn++)
		calls += view.calls[fn];
	*ret_unseen = view.unseen / s.calls;
	/* Both of a group's counters began there. */
	return (calls - 2 * (double)s.hits_at_start) / s.calls - 1;
}

static void loads_that_come_and_go_are_seen_as_they_are(void **state)
{
	/* Part of what is left is dead time: see estimate_test.c. */
	static const struct {
		const char *name;
		struct target target;
		double tolerance;
	} cases[] = {
		{ "steady", ONE(FREE, 300e3), 0.01 },
		{ "1 of 3 s", ON_OFF(300e3, 1000, 3000), 0.12 },
		{ "2 of 4 s", ON_OFF(300e3, 2000, 4000), 0.08 },
		{ "300 of 1000 ms", ON_OFF(300e3, 300, 1000), 0.1 },
		{ "100 of 200 ms", ON_OFF(300e3, 100, 200), 0.08 },
		{ "20 of 40 ms", ON_OFF(300e3, 20, 40), 0.09 },
		{ "80 k/s, 1 of 3 s", ON_OFF(80e3, 1000, 3000), 0.07 },
		{ "80 k/s, 100 of 200 ms", ON_OFF(80e3, 100, 200), 0.05 },
	};

	(void)state;
	random_state = 20261126;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		double sum = 0, unseen;

		for (int k = 0; k < RUNS; k++)
			sum += play_governed(&cases[i].target, next_random(), &unseen);
		print_message("# %-24s off by %+.2f %%\n", cases[i].name, sum / RUNS * 100);
		if (fabs(sum / RUNS) > cases[i].tolerance)
			fail_msg("%s: off by %.2f %%", cases[i].name, sum / RUNS * 100);
	}
}

/* The group stands in between, leaves at each burst, and is not back before it is over. */
static void bursts_that_are_not_seen_whole_are_not_made_up(void **state)
{
	static const struct {
		const char *name;
		struct target target;
	} cases[] = {
		{ "100 ms of 1 M/s", ON_OFF(1e6, 100, 10000) },
		{ "60 ms of 300 k/s", ON_OFF(300e3, 60, 10000) },
		{ "40 ms of 5 M/s", ON_OFF(5e6, 40, 10000) },
		{ "1 s of 1 M/s", ON_OFF(1e6, 1000, 10000) },
	};

	(void)state;
	random_state = 20261127;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		double off = 0, all_unseen = 0;

		for (int k = 0; k < RUNS; k++) {
			double unseen;

			off += play_governed(&cases[i].target, next_random(), &unseen) / RUNS;
			all_unseen += unseen / RUNS;
		}
		print_message("# %-24s off by %+.0f %%, may be %.0f %% more\n", cases[i].name,
			      off * 100, all_unseen * 100);
		assert_true(off < 0.2);
		assert_true(off + all_unseen > -0.1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads_that_come_and_go_are_seen_as_they_are),
		cmocka_unit_test(bursts_that_are_not_seen_whole_are_not_made_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
