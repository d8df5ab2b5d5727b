/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The governor over hours of simulated load: whatever the target does, any
 * second's cost is within the budget and one window, and what can stand stands.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/units.h"
#include "govern/governor.h"

#define BUDGET 0.01
#define HIT_NS 650.0
#define MS     ((double)NS_PER_MS)

/* As measured on a virtual machine: tests/bench. */
#define ATTACH_COST_NS 150e3
#define REACTION_NS    (0.2 * MS) /* from a breaker's trip to the breakpoints' removal */
#define DETACH_NS      (35 * MS)
#define SHARP_NS       (20 * MS) /* a group that stood no longer goes without a grace period */

/* Calls per second of one thread, if nothing slowed it. */
typedef double (*load_fn)(double s);

struct sim_group {
	load_fn load;
	int threads;
	bool standing;
	double event_ns; /* next: the window that was ordered opens */
	struct governor_order order;
	double stood_ns;
	u64 windows;
	double last_stood_ns; /* it was detached last */
	double attached_ns;   /* and attached */
};

struct sim {
	struct governor *governor;
	struct sim_group groups[2];
	size_t group_count;
	float *cost; /* per ms */
	size_t length_ms;
	double now_ns;
	u64 random;
};

static double random_between(struct sim *sim, double low, double high)
{
	sim->random = sim->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return low + (high - low) * (double)(sim->random >> 11) / (double)(1ULL << 53);
}

/* Share of a CPU that the probes take from one thread at a time: it is busy, and slows down. */
static double density(const struct sim_group *g, double at_ns)
{
	double per_ns = g->load(at_ns / 1e9) / 1e9;

	return per_ns * HIT_NS / (1 + per_ns * HIT_NS);
}

static void add_cost(struct sim *sim, double at_ns, double cost_ns)
{
	size_t ms = (size_t)(at_ns / MS);

	if (ms < sim->length_ms)
		sim->cost[ms] += (float)cost_ns;
}

/* The group's probes stand from *at_ns on until to_ns, or until one CPU has cost cap_ns. */
static double stand(struct sim *sim, const struct sim_group *g, double *at_ns, double to_ns,
		    double cap_ns)
{
	double on_one = 0;

	while (*at_ns < to_ns && on_one < cap_ns) {
		double step_ns = MIN(to_ns - *at_ns, to_ns - *at_ns > 30 * MS ? MS : MS / 20);
		double cost_ns = density(g, *at_ns) * step_ns;

		on_one += cost_ns;
		add_cost(sim, *at_ns, cost_ns * g->threads);
		*at_ns += step_ns;
	}
	return on_one * g->threads;
}

static void order_next(struct sim *sim, struct sim_group *g, u32 number, double now_ns)
{
	g->order = governor_next(sim->governor, number, (u64)now_ns);
	g->event_ns = MAX((double)g->order.open_ns, now_ns);
	if (!g->standing)
		g->event_ns += random_between(sim, 8 * MS, 16 * MS);
}

static void detach(struct sim *sim, struct sim_group *g, double *at_ns)
{
	double late_ns = *at_ns - g->attached_ns > SHARP_NS ? random_between(sim, 8 * MS, 16 * MS)
							    : 0.1 * MS;
	double stray_ns = stand(sim, g, at_ns, *at_ns + late_ns, INFINITY);

	g->standing = false;
	g->last_stood_ns = *at_ns;
	*at_ns += DETACH_NS;
	governor_charge(sim->governor, (u64)*at_ns, stray_ns);
}

/* One window, from its opening to where the next is ordered. */
static void run_window(struct sim *sim, struct sim_group *g, u32 number)
{
	double open_ns = g->event_ns, at_ns = open_ns, cost_ns = 0, attach_ns = 0;

	if (!g->standing) {
		attach_ns = ATTACH_COST_NS;
		add_cost(sim, at_ns, attach_ns);
		g->attached_ns = open_ns;
	}
	g->standing = true;
	g->windows++;
	cost_ns += stand(sim, g, &at_ns, open_ns + (double)g->order.length_ns,
			 (double)g->order.cap_ns);
	if (at_ns < open_ns + (double)g->order.length_ns)
		cost_ns += stand(sim, g, &at_ns, at_ns + REACTION_NS, INFINITY);
	g->stood_ns += at_ns - open_ns;
	if (!governor_spent(sim->governor, number, (u64)open_ns, (u64)at_ns, cost_ns, attach_ns))
		detach(sim, g, &at_ns);
	sim->now_ns = at_ns;
	order_next(sim, g, number, at_ns);
}

static void sim_init(struct sim *sim, double seconds, u32 cpus, u64 seed)
{
	const struct governor_config config = { .budget = BUDGET, .cpus = cpus, .seed = seed };

	*sim = (struct sim) { .length_ms = (size_t)(seconds * 1000), .random = seed };
	sim->cost = calloc(sim->length_ms, sizeof(*sim->cost));
	sim->governor = governor_new(&config);
	assert_true(sim->cost && sim->governor);
}

/* Before groups are added. */
static void sim_set_rare(struct sim *sim, bool rare)
{
	const struct governor_config config = {
		.budget = BUDGET, .cpus = 2, .seed = 5, .rare = { rare }
	};

	governor_free(sim->governor);
	sim->governor = governor_new(&config);
	assert_non_null(sim->governor);
}

static void sim_done(struct sim *sim)
{
	free(sim->cost);
	governor_free(sim->governor);
}

static void sim_add(struct sim *sim, load_fn load, int threads)
{
	struct sim_group *g = &sim->groups[sim->group_count];

	*g = (struct sim_group) { .load = load, .threads = threads, .standing = true };
	order_next(sim, g, (u32)sim->group_count++, 0);
}

/* Until the time; the group whose window opens first goes on. */
static void sim_run(struct sim *sim, double until_s)
{
	for (;;) {
		u32 first = 0;

		for (u32 i = 1; i < sim->group_count; i++)
			if (sim->groups[i].event_ns < sim->groups[first].event_ns)
				first = i;
		if (sim->groups[first].event_ns >= until_s * 1e9)
			return;
		run_window(sim, &sim->groups[first], first);
	}
}

static double mean_share(const struct sim *sim, size_t from_ms, size_t to_ms)
{
	double sum = 0;

	for (size_t i = from_ms; i < to_ms; i++)
		sum += (double)sim->cost[i];
	return sum / ((double)(to_ms - from_ms) * MS);
}

/* The costliest second, in ns. */
static double worst_second(const struct sim *sim)
{
	double sum = 0, worst = 0;

	for (size_t i = 0; i < sim->length_ms; i++) {
		sum += (double)sim->cost[i] - (i >= 1000 ? (double)sim->cost[i - 1000] : 0);
		worst = MAX(worst, sum);
	}
	return worst;
}

static double idle(double s)
{
	(void)s;
	return 100;
}

static double fits(double s)
{
	(void)s;
	return 0.8 * BUDGET / HIT_NS * 1e9;
}

static double fits_in_bursts(double s)
{
	return fmod(s, 0.1) < 0.01 ? 5 * fits(s) : 0;
}

static double a_bit_too_much(double s)
{
	(void)s;
	return 20e3;
}

static double hot(double s)
{
	(void)s;
	return 300e3;
}

static double loop(double s)
{
	(void)s;
	return 100e6;
}

static double loop_from_10_to_20_min(double s)
{
	return s > 600.0003 && s < 1200 ? loop(s) : idle(s);
}

static double loop_in_bursts(double s)
{
	return fmod(s, 1.0) < 0.003 ? loop(s) : idle(s);
}

/* About as long as windows are apart. */
static double square_wave(double s)
{
	return fmod(s, 0.4) < 0.2 ? loop(s) : idle(s);
}

static double slow_square_wave(double s)
{
	return fmod(s, 20) < 10 ? loop(s) : idle(s);
}

static double ramp(double s)
{
	return 1000 * pow(10, 5 * s / 3600);
}

static double erratic(double s)
{
	double x = sin(floor(s * 7) * 12.9898) * 43758.5453;

	return pow(10, 2 + 6 * (x - floor(x)));
}

/* What one window may cost more, with every thread on a CPU of its own: its cap and the reaction;
 * and once a group that stood turns hot, the grace period until it is gone. */
enum excess { NONE, WINDOW, GRACE };

static double allowed_ns(enum excess excess, int threads)
{
	double budget_ns = BUDGET * 1e9;

	if (excess == NONE)
		return budget_ns;
	if (excess == WINDOW)
		return budget_ns + (8 * MS + REACTION_NS) * threads;
	return budget_ns + 5 * MS + (16 * MS + REACTION_NS) * threads + 8 * MS;
}

struct load_case {
	const char *name;
	load_fn load;
	int threads;
	enum excess excess;
	double stands_least, stands_most; /* share of the time */
};

static void play_an_hour(const struct load_case *c, u64 seed, bool lengthen)
{
	double worst, mean, stood;
	struct sim sim;

	sim_init(&sim, 3600, (u32)MAX(c->threads, 2), seed);
	governor_lengthen(sim.governor, 0, lengthen);
	sim_add(&sim, c->load, c->threads);
	sim_run(&sim, 3600);
	worst = worst_second(&sim);
	mean = mean_share(&sim, 0, sim.length_ms);
	stood = sim.groups[0].stood_ns / 3600e9;
	print_message("# %-45s mean %.3f %%, worst second %.1f ms, stands %.2f %%\n", c->name,
		      mean * 100, worst / MS, stood * 100);
	if (worst > allowed_ns(c->excess, c->threads) || mean > 1.02 * BUDGET)
		fail_msg("%s: over the budget", c->name);
	if (stood < c->stands_least || stood > c->stands_most)
		fail_msg("%s: stands %.2f %% of the time", c->name, stood * 100);
	sim_done(&sim);
}

static void any_load_keeps_the_budget(void **state)
{
	static const struct load_case cases[] = {
		{ "idle: exact", idle, 1, NONE, 0.9999, 1.001 },
		{ "fits: exact", fits, 1, NONE, 0.9999, 1.001 },
		{ "fits, in bursts", fits_in_bursts, 1, NONE, 0.9999, 1.001 },
		{ "20 k/s: as many windows as the agent can pay", a_bit_too_much, 1, WINDOW, 0.1,
		  0.2 },
		{ "300 k/s: some percent", hot, 1, WINDOW, 0.035, 0.062 },
		{ "300 k/s on each of 8 CPUs", hot, 8, WINDOW, 0.004, 0.008 },
		{ "a loop that does nothing else", loop, 1, WINDOW, 0.006, 0.0105 },
		{ "the same in 16 threads", loop, 16, WINDOW, 0.0002, 0.0011 },
		{ "idle, hot within a millisecond, idle", loop_from_10_to_20_min, 4, GRACE, 0.8,
		  0.84 },
		{ "a loop for 3 ms each second", loop_in_bursts, 1, GRACE, 0, 1 },
		{ "a square wave as long as windows are apart", square_wave, 2, GRACE, 0, 1 },
		{ "hot and idle for ten seconds each", slow_square_wave, 2, GRACE, 0, 1 },
		{ "from 1 k/s to 100 M/s in an hour", ramp, 4, GRACE, 0, 1 },
		{ "another load each 1/7 s", erratic, 2, GRACE, 0, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		play_an_hour(&cases[i], 42 + i, false);
		play_an_hour(&cases[i], 42 + i, true);
	}
}

/* Seeds, not luck. */
static void no_jitter_breaks_the_budget(void **state)
{
	(void)state;
	for (u64 seed = 1; seed <= 50; seed++) {
		struct sim sim;

		sim_init(&sim, 120, 2, seed);
		sim_add(&sim, seed % 2 ? square_wave : erratic, 2);
		sim_run(&sim, 120);
		if (worst_second(&sim) > allowed_ns(GRACE, 2))
			fail_msg("seed %llu: %.1f ms", seed, worst_second(&sim) / MS);
		sim_done(&sim);
	}
}

static void a_group_that_costs_little_stands_beside_a_hot_one(void **state)
{
	struct sim sim;

	(void)state;
	sim_init(&sim, 600, 2, 7);
	sim_add(&sim, loop, 1);
	sim_add(&sim, idle, 1);
	sim_run(&sim, 600);
	assert_false(sim.groups[0].standing);
	assert_true(sim.groups[1].standing);
	assert_true(sim.groups[1].stood_ns > 599e9);
	sim_done(&sim);
}

/* What the hot one cost before it was taken off is not held against the other. */
static void a_group_that_turns_hot_leaves_the_other_alone(void **state)
{
	struct sim sim;

	(void)state;
	sim_init(&sim, 1300, 4, 7);
	sim_add(&sim, loop_from_10_to_20_min, 4);
	sim_add(&sim, idle, 1);
	sim_run(&sim, 700);
	assert_false(sim.groups[0].standing);
	assert_true(sim.groups[1].standing);
	sim_run(&sim, 1300);
	assert_true(sim.groups[0].standing);
	assert_true(sim.groups[1].stood_ns > 1299e9);
	sim_done(&sim);
}

static double burst_then_little(double s)
{
	return s > 50 && s < 50.2 ? 250e3 : 1000;
}

/* A burst of 30 ms of cost: a hot group is taken off for it, a rare one not. */
static void rare_groups_bear_bursts(void **state)
{
	(void)state;
	for (int rare = 0; rare < 2; rare++) {
		struct sim sim;

		sim_init(&sim, 60, 2, 7);
		sim_set_rare(&sim, rare);
		sim_add(&sim, burst_then_little, 1);
		sim_run(&sim, 51);
		assert_int_equal(sim.groups[0].standing, rare);
		sim_done(&sim);
	}
}

/* But they keep the budget too, where nothing else can. */
static void rare_groups_that_are_not_rare_are_cycled(void **state)
{
	struct sim sim;

	(void)state;
	sim_init(&sim, 600, 2, 7);
	sim_set_rare(&sim, true);
	sim_add(&sim, hot, 1);
	sim_run(&sim, 600);
	assert_false(sim.groups[0].standing);
	assert_true(mean_share(&sim, 10000, sim.length_ms) < 1.02 * BUDGET);
	sim_done(&sim);
}

static void hot_groups_share_the_budget(void **state)
{
	struct sim sim;

	(void)state;
	sim_init(&sim, 600, 2, 7);
	sim_add(&sim, loop, 1);
	sim_add(&sim, hot, 1);
	sim_run(&sim, 600);
	assert_true(mean_share(&sim, 0, sim.length_ms) < 1.02 * BUDGET);
	assert_true(worst_second(&sim) < allowed_ns(WINDOW, 2));
	assert_true(sim.groups[0].windows > 200 && sim.groups[1].windows > 200);
	sim_done(&sim);
}

/* The groups that always stand may take most of the budget. */
static void cost_of_others_is_left_room_for(void **state)
{
	struct sim sim;

	(void)state;
	sim_init(&sim, 100, 2, 7);
	sim_add(&sim, loop, 1);
	for (int s = 1; s <= 100; s++) {
		sim_run(&sim, s);
		governor_charge_others(sim.governor, (u64)s * NS_PER_S, 0.8 * BUDGET * 1e9);
	}
	assert_true(mean_share(&sim, 5000, sim.length_ms) < 0.25 * BUDGET);
	sim_done(&sim);
}

/* What a group really cost is paid off in full, however long that takes. */
static void debt_is_not_forgiven(void **state)
{
	const struct governor_config config = { .budget = BUDGET, .cpus = 64, .seed = 1 };
	CLEANUP(governor_freep) struct governor *g = governor_new(&config);

	(void)state;
	(void)governor_next(g, 0, 0);
	assert_false(governor_spent(g, 0, 0, 5 * NS_PER_MS, 64 * 5 * MS, 0));
	governor_charge(g, 20 * NS_PER_MS, 64 * 16 * MS); /* 1.3 s of CPU: 130 s and more */
	governor_charge_others(g, 1 * NS_PER_S, 1e9);
	assert_true(governor_next(g, 0, 1 * NS_PER_S).open_ns > 130 * NS_PER_S);
}

static void first_window_is_short(void **state)
{
	const struct governor_config config = { .budget = BUDGET, .cpus = 64, .seed = 1 };
	CLEANUP(governor_freep) struct governor *g = governor_new(&config);
	struct governor_order order = governor_next(g, 3, 1000);

	(void)state;
	assert_true(order.open_ns == 1000 && order.length_ns <= 5 * NS_PER_MS);
	assert_true(order.cap_ns <= 5 * NS_PER_MS);
	/* A hundred times the budget: off. */
	assert_false(governor_spent(g, 3, 1000, 1000 + 5 * NS_PER_MS, 5 * MS, 0));
	assert_true(governor_next(g, 3, 6 * NS_PER_MS).open_ns >= 240 * NS_PER_MS);
}

/* Of a load that fills a CPU to a half, after some windows. */
static double usual_cost_ns(bool lengthen)
{
	const struct governor_config config = { .budget = BUDGET, .cpus = 2, .seed = 3 };
	CLEANUP(governor_freep) struct governor *g = governor_new(&config);
	struct governor_order order;

	governor_lengthen(g, 0, lengthen);
	for (u64 i = 0; i < 20; i++) {
		order = governor_next(g, 0, i * NS_PER_S);
		(void)governor_spent(g, 0, order.open_ns, order.open_ns + order.length_ns,
				     0.5 * (double)order.length_ns, 0);
	}
	return 0.5 * (double)order.length_ns;
}

static void windows_can_be_lengthened(void **state)
{
	(void)state;
	assert_true(usual_cost_ns(false) < 2.6 * MS);
	assert_true(usual_cost_ns(true) > 3.4 * MS && usual_cost_ns(true) < 3.6 * MS);
}

static void windows_are_jittered(void **state)
{
	const struct governor_config config = { .budget = BUDGET, .cpus = 2, .seed = 9 };
	CLEANUP(governor_freep) struct governor *g = governor_new(&config);
	double sum = 0, squares = 0, last = 0, mean;
	u64 now = 0;
	int n = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct governor_order order = governor_next(g, 0, now);
		double period = (double)order.open_ns - last;

		last = (double)order.open_ns;
		now = order.open_ns + order.length_ns;
		(void)governor_spent(g, 0, order.open_ns, now, 0.2 * (double)order.length_ns, 0);
		if (i < 100)
			continue;
		sum += period;
		squares += period * period;
		n++;
	}
	mean = sum / n;
	assert_true(sqrt(squares / n - mean * mean) > 0.1 * mean);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_load_keeps_the_budget),
		cmocka_unit_test(no_jitter_breaks_the_budget),
		cmocka_unit_test(a_group_that_costs_little_stands_beside_a_hot_one),
		cmocka_unit_test(a_group_that_turns_hot_leaves_the_other_alone),
		cmocka_unit_test(rare_groups_bear_bursts),
		cmocka_unit_test(rare_groups_that_are_not_rare_are_cycled),
		cmocka_unit_test(hot_groups_share_the_budget),
		cmocka_unit_test(cost_of_others_is_left_room_for),
		cmocka_unit_test(debt_is_not_forgiven),
		cmocka_unit_test(first_window_is_short),
		cmocka_unit_test(windows_are_jittered),
		cmocka_unit_test(windows_can_be_lengthened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
