/* SPDX-License-Identifier: BSD-2-Clause */
#include "govern/governor.h"

#include <math.h>
#include <stdlib.h>

#include "base/units.h"

/* A first window: thousands of hits, or there are few. */
#define FIRST_NS (5 * NS_PER_MS)

/* What later ones cost. Work comes in bursts, of which a window should hold many: a burst that the
 * probes hold up falls out of it in part. A longer one would end a grace period late
 * (kern_detach()), and mix what was before a change with what is now. */
#define WINDOW_COST_NS	     (2.5 * NS_PER_MS)
#define WHOLE_WINDOW_COST_NS (3.5 * NS_PER_MS) /* where governor_lengthen() says so */
#define LONG_NS		     (20.0 * NS_PER_MS)

/* By so much of it the longest are shorter, at random. Windows begin after a tick of the kernel's
 * more often than not, and the CPU time of running threads is brought up to date at ticks: were all
 * of a whole number of them, a busy thread would seem to use 102 % of its CPU in them. Others are
 * as long as their cost makes them. */
#define JITTER 0.2

/* More windows cost the agent too much, half a millisecond each. */
#define MIN_PAUSE_NS (100.0 * NS_PER_MS)

/* How often a group that stands is looked at when its breaker stays silent. */
#define STAND_NS (500 * NS_PER_MS)

/* What standing groups may be behind: their load comes in bursts. It is as much as a first window
 * of one busy thread costs. */
#define TOLERANCE_COST_NS (5.0 * NS_PER_MS)

/* Rare groups may be further behind: theirs are the facts that no sample shows. */
#define RARE_TOLERANCE 10

/* What groups without a governor cost can't be helped: from here on it is not counted any more, or
 * the others would never be seen again. */
#define MAX_DEBT_NS (10.0 * NS_PER_S)

/* A window that costs as much closes early. And as much is what one costs together with that by
 * which it may be ahead of what is paid off: a first window that fills a CPU costs no less. */
#define MAX_WINDOW_COST_NS (5.0 * NS_PER_MS)

/* A first window this far above the budget is no burst: detaching is quick at that moment, later it
 * is not. */
#define FIRST_EXCESS 10

/* A cycled group stands again when so many windows in a row would have left room: some seconds. */
#define CALM_SHARE   0.6
#define CALM_WINDOWS 16

#define SMOOTHING 0.3

/* Of the budget: a hit costs the target more than the time that it takes, as the caches that it had
 * are the kernel's afterwards. A loop that writes maps lost 1.06 % where hits came to 0.9 %
 * (tests/bench, virtual machine of two CPUs). */
#define HEADROOM 0.8

struct group {
	bool known, cycles, to_cycle, lengthened;
	double density; /* cost per ns of standing: mean of late */
	double last_density;
	double reserved_cost_ns; /* of the window that was ordered */
	u32 calm;		 /* windows in a row that would leave room */
};

struct governor {
	struct governor_config config;
	struct group groups[WIRE_GROUPS];
	double paid_until_ns;	  /* what was spent is paid off by then */
	double standing_until_ns; /* the same, were it for the standing groups alone */
	u64 random;
};

struct governor *governor_new(const struct governor_config *config)
{
	struct governor *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->config = *config;
	g->config.budget *= HEADROOM;
	g->config.cpus = MAX(config->cpus, 1U);
	g->random = config->seed | 1;
	return g;
}

void governor_free(struct governor *g)
{
	free(g);
}

/* Uniform in [0, 1): xorshift64* (Vigna 2016). */
static double uniform(struct governor *g)
{
	g->random ^= g->random >> 12;
	g->random ^= g->random << 25;
	g->random ^= g->random >> 27;
	return (double)(g->random * 2685821657736338717ULL >> 11) / (double)(1ULL << 53);
}

static double duration_of(const struct governor *g, double cost_ns)
{
	return cost_ns / g->config.budget;
}

static void pay(const struct governor *g, double *until_ns, u64 from_ns, double cost_ns)
{
	*until_ns = MAX(*until_ns, (double)from_ns) + duration_of(g, cost_ns);
}

/* Several threads are hit at once: the cap is of one CPU's hits, and these many may come together.
 */
static u64 cap_of(const struct governor *g, double cost_ns)
{
	return (u64)(cost_ns / MIN(g->config.cpus, 4U)) + 1;
}

static double tolerance_ns(const struct governor *g, u32 number)
{
	return TOLERANCE_COST_NS * (g->config.rare[number] ? RARE_TOLERANCE : 1);
}

/* May cost what is left of the tolerance, and what the budget grants meanwhile. */
static struct governor_order stand(const struct governor *g, u32 number, u64 now_ns, u64 length_ns)
{
	double behind_ns = MAX(g->standing_until_ns - (double)now_ns, 0);
	double left_ns = tolerance_ns(g, number) - behind_ns * g->config.budget;

	return (struct governor_order) {
		.open_ns = now_ns,
		.length_ns = length_ns,
		.cap_ns = cap_of(g, MAX(left_ns, 0) + (double)length_ns * g->config.budget),
	};
}

/* Without memory: however long it lasts already, the rest is as long. */
static double exponential(struct governor *g, double mean)
{
	return -mean * log(1 - uniform(g));
}

/* It may be ahead of what is paid off by one window; the rest of the pause is random, and on
 * average just what is missing. */
static struct governor_order cycle(struct governor *g, struct group *group, u64 now_ns)
{
	double density = MAX(MAX(group->density, group->last_density), 1e-9);
	double longest_ns = LONG_NS * (1 - JITTER * uniform(g));
	double most_ns = group->lengthened ? WHOLE_WINDOW_COST_NS : WINDOW_COST_NS;
	double length_ns = MIN(most_ns / density, longest_ns), cost_ns = density * length_ns;
	double ahead_ns = duration_of(g, MIN(cost_ns, MAX_WINDOW_COST_NS - most_ns));
	double from_ns = MAX(g->paid_until_ns - ahead_ns, (double)now_ns);
	double pause_ns = MAX(MIN(g->paid_until_ns - from_ns, ahead_ns), MIN_PAUSE_NS);

	group->reserved_cost_ns = cost_ns;
	pay(g, &g->paid_until_ns, now_ns, cost_ns);
	return (struct governor_order) {
		.open_ns = (u64)(from_ns + exponential(g, pause_ns)),
		.pause_ns = (u64)pause_ns,
		.length_ns = (u64)length_ns,
		.cap_ns = (u64)MIN(3 * cost_ns + WINDOW_COST_NS / 5, MAX_WINDOW_COST_NS),
	};
}

struct governor_order governor_next(struct governor *g, u32 number, u64 now_ns)
{
	struct group *group = &g->groups[number];

	group->reserved_cost_ns = 0;
	if (group->cycles)
		return cycle(g, group, now_ns);
	return stand(g, number, now_ns, group->known ? STAND_NS : FIRST_NS);
}

static void learn(struct group *group, double density)
{
	if (!group->known)
		group->density = density;
	group->known = true;
	group->density += SMOOTHING * (density - group->density);
	group->last_density = density;
}

/* Of those that stand and are so far behind that they must not; NULL if none does. */
static struct group *costliest(struct governor *g, double behind_ns)
{
	struct group *most = NULL;

	for (u32 i = 0; i < WIRE_GROUPS; i++) {
		struct group *group = &g->groups[i];

		if (!group->known || group->cycles ||
		    behind_ns <= duration_of(g, tolerance_ns(g, i)))
			continue;
		if (!most || group->density > most->density)
			most = group;
	}
	return most;
}

static double cost_of_others(const struct governor *g, const struct group *one)
{
	double sum = 0;

	for (size_t i = 0; i < WIRE_GROUPS; i++)
		if (&g->groups[i] != one && g->groups[i].known && !g->groups[i].cycles)
			sum += g->groups[i].density;
	return sum;
}

static bool stays(struct governor *g, struct group *group, u64 now_ns, bool first)
{
	struct group *most = costliest(g, g->standing_until_ns - (double)now_ns);

	if (most)
		most->to_cycle = true;
	if (first && !g->config.rare[group - g->groups] &&
	    group->density > FIRST_EXCESS * g->config.budget)
		group->to_cycle = true;
	if (group->to_cycle)
		g->standing_until_ns = 0; /* what it cost is not the others' */
	group->cycles = group->to_cycle;
	return !group->cycles;
}

static bool stands_again(struct governor *g, struct group *group)
{
	if (group->last_density + cost_of_others(g, group) < CALM_SHARE * g->config.budget)
		group->calm++;
	else
		group->calm = 0;
	if (group->calm < CALM_WINDOWS)
		return false;
	group->cycles = group->to_cycle = false;
	group->calm = 0;
	return true;
}

bool governor_spent(struct governor *g, u32 number, u64 open_ns, u64 close_ns, double hits_ns,
		    double attach_ns)
{
	struct group *group = &g->groups[number];
	double cost_ns = hits_ns + attach_ns;
	bool first = !group->known;

	learn(group, hits_ns / (double)MAX(close_ns - open_ns, 1ULL));
	if (group->cycles) {
		g->paid_until_ns += duration_of(g, cost_ns - group->reserved_cost_ns);
		return stands_again(g, group);
	}
	pay(g, &g->paid_until_ns, open_ns, cost_ns);
	pay(g, &g->standing_until_ns, open_ns, cost_ns);
	return stays(g, group, close_ns, first);
}

void governor_lengthen(struct governor *g, u32 number, bool lengthen)
{
	g->groups[number].lengthened = lengthen;
}

void governor_charge(struct governor *g, u64 now_ns, double cost_ns)
{
	pay(g, &g->paid_until_ns, now_ns, cost_ns);
}

void governor_charge_others(struct governor *g, u64 now_ns, double cost_ns)
{
	double before_ns = g->paid_until_ns;

	pay(g, &g->paid_until_ns, now_ns, cost_ns);
	g->paid_until_ns = MAX(before_ns, MIN(g->paid_until_ns, (double)now_ns + MAX_DEBT_NS));
}

void governor_set_budget(struct governor *g, double budget)
{
	g->config.budget = budget * HEADROOM;
}
