/* SPDX-License-Identifier: BSD-2-Clause */
#include "govern/put_off.h"

#include "base/macros.h"

/* As estimate.c's averages. */
#define KEEP 0.96

/* A window of as many on average often holds none. */
#define FEW_CYCLES 1.5

/* Of windows with and without hits. */
#define KEEP_ALL 0.99

/* One that was seen as a whole tells nothing: a thread that lost its CPU for a while seems to have
 * slept. Two do, and may be of two windows. */
#define WHOLE_TO_KNOW (2 * KEEP)

/* A burst this many times longer than others is not like them. */
#define UNLIKE 3

/* As a clock ticks: most windows hold two bursts, so many of them are known, and their mean
 * distance in a window scatters by no more than that share. Bursts at random times scatter by half.
 */
#define CYCLING_SHARE	0.6
#define CYCLING_TO_KNOW 4
#define CYCLE_SCATTER	0.2

/* In cycles: the longest time without a hit that a clock has, and some for what holds it up. */
#define MOST_IDLE 1.5

/* Which share of hits would have been made in the time that they took: all that were made, if a
 * call itself takes less than a hit. */
static double made_meanwhile(double hits, double ns, double hit_ns)
{
	double probes_ns = hits * hit_ns, own_ns = ns - probes_ns;

	return own_ns <= probes_ns ? 1 : probes_ns / own_ns;
}

/* One that lasts from before the window until after it is of a target that never sleeps, or that
 * does so in other windows. */
static double cut_lasting(struct put_off *p, const struct bursts *b, double hits, double window_ns,
			  double hit_ns)
{
	double lasting_hits = MIN(b->lasting_hits, hits); /* some were before the window */

	p->all = p->all * KEEP_ALL + 1;
	p->lasting = p->lasting * KEEP_ALL + (b->lasting_hits > 0 || b->going_hits > 0);
	return lasting_hits * (1 - p->lasting / p->all) *
	       made_meanwhile(lasting_hits, window_ns, hit_ns);
}

/* Returns how many calls the window's end cut off, as far as that is known. */
static double cut_going(struct put_off *p, const struct bursts *b, double hit_ns)
{
	double share = made_meanwhile(b->going_hits, b->going_ns, hit_ns);
	bool known = p->whole >= WHOLE_TO_KNOW;
	double most = known ? b->going * p->whole_hits / p->whole : 0;

	if (b->going_hits <= UNLIKE * most)
		return share * MIN(b->going_hits, most);
	p->cut += share * b->going_hits;
	if (!known) {
		p->unsure += share * b->going_hits;
		p->unsure_hits += b->going_hits;
		p->unsure_going += b->going;
	}
	return 0;
}

/* What went on before others were known is looked at once they are. */
static void reconsider(struct put_off *p)
{
	if (p->whole < WHOLE_TO_KNOW)
		return;
	if (p->unsure_hits <= UNLIKE * p->unsure_going * p->whole_hits / p->whole)
		p->cut -= p->unsure;
	p->unsure = p->unsure_hits = p->unsure_going = 0;
}

/* A series of bursts, and then a rest, is no clock. */
static bool is_cycling(const struct bursts *b)
{
	return b->cycles > 0 && b->idle_ns <= MOST_IDLE * b->cycles_ns / b->cycles;
}

static void learn_cycles(struct put_off *p, const struct bursts *b)
{
	double mean_ns = is_cycling(b) ? b->cycles_ns / b->cycles : 0;

	p->windows = p->windows * KEEP + 1;
	p->cycling = p->cycling * KEEP + is_cycling(b);
	p->begun = p->begun * KEEP + (b->whole + b->going > 0);
	p->cycles = p->cycles * KEEP + b->cycles;
	p->cycle_ns = p->cycle_ns * KEEP + mean_ns;
	p->cycle_ns_squared = p->cycle_ns_squared * KEEP + mean_ns * mean_ns;
	p->per_ns = p->per_ns * KEEP + (is_cycling(b) ? b->cycles_hits / b->cycles_ns : 0);
}

static bool is_clocked(const struct put_off *p)
{
	double mean_ns, variance;

	if (p->cycling < CYCLING_TO_KNOW || p->cycling < CYCLING_SHARE * p->windows)
		return false;
	mean_ns = p->cycle_ns / p->cycling;
	variance = p->cycle_ns_squared / p->cycling - mean_ns * mean_ns;
	return variance < CYCLE_SCATTER * CYCLE_SCATTER * mean_ns * mean_ns;
}

/* Calls per ns of a clock; 0: it was at rest for a while. One that saw no cycle has the others'. */
static double clock_rate(const struct put_off *p, const struct bursts *b)
{
	if (is_cycling(b))
		return b->cycles_hits / b->cycles_ns;
	return b->idle_ns <= MOST_IDLE * p->cycle_ns / p->cycling ? p->per_ns / p->cycling : 0;
}

double put_off_add(struct put_off *p, const struct bursts *b, double hits, double window_ns,
		   double hit_ns)
{
	double lasting = cut_lasting(p, b, hits, window_ns, hit_ns), left, per_ns;

	if (hits <= 0)
		return 0;
	p->whole = p->whole * KEEP + b->whole;
	p->whole_hits = p->whole_hits * KEEP + b->whole_hits;
	p->hits = p->hits * KEEP + hits;
	p->cut = p->cut * KEEP + lasting;
	p->unsure *= KEEP;
	reconsider(p);
	left = cut_going(p, b, hit_ns);
	learn_cycles(p, b);
	p->clocked = is_clocked(p);
	per_ns = p->clocked ? clock_rate(p, b) : 0;
	if (per_ns > 0) {
		/* It is told without what was cut. */
		p->left = p->cut = p->unsure = 0;
		return per_ns * window_ns - hits;
	}
	p->left = p->left * KEEP + left;
	return left;
}

bool put_off_is_short(const struct put_off *p)
{
	return p->begun >= CYCLING_SHARE * p->windows && p->cycles < FEW_CYCLES * p->begun;
}

double put_off_cut_share(const struct put_off *p)
{
	return p->hits > 0 ? p->cut / p->hits : 0;
}

double put_off_share(const struct put_off *p)
{
	return p->hits > 0 ? p->left / p->hits : 0;
}
