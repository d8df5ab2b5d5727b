/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Targets whose calls are known, and windows on them: what a target does with the
 * time that probes take from it is known too. Time is a number.
 */
#ifndef TESTS_ESTIMATE_SIM_H
#define TESTS_ESTIMATE_SIM_H

#include <math.h>

#include "base/macros.h"
#include "base/units.h"
#include "govern/estimate.h"

#define FIRST WIRE_FN_MAPASSIGN
#define LAST  WIRE_FN_MAPCLEAR

/* One call in four is of the second function. */
#define FN_MOST WIRE_FN_MAPASSIGN_FAST64
#define FN_REST WIRE_FN_MAPDELETE

/* An amount, which is no call. */
#define MOVED	       (WIRE_FN_COUNT + AMOUNT_MOVED)
#define MOVED_PER_CALL 5

/* What hits cost, as calibrated. */
#define TAU_FULL_NS 650.0
#define TAU_LEAN_NS 550.0

/* Hits while the kernel attaches and detaches are counted, and are of no window. */
#define STRAY_NS (50.0 * NS_PER_US)

/* How a rate scatters from one 10 ms to another, and how much of a CPU others take meanwhile. */
#define RATE_NOISE 0.01
#define CPU_NOISE  0.01

static u64 random_state;

/* xorshift64*, Vigna 2016 */
static u64 next_random(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dULL;
}

static double uniform(double low, double high)
{
	return low + (high - low) * (double)(next_random() >> 11) / (double)(1ULL << 53);
}

/* Near enough to a normal deviate: the sum of twelve (Irwin-Hall). */
static double normal(void)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
		sum += uniform(0, 1);
	return sum;
}

enum ways {
	FREE,  /* calls in a loop: a probe's time is lost to its calls */
	SLEEP, /* has so many calls to make each tick, then sleeps: makes up for probes */
	SPIN,  /* the same, evenly spaced, but waits in a loop: always on CPU */
	THINK, /* works half the time, waits as long whenever that ends: loses what probes take */
};

struct target {
	enum ways ways;
	double per_s; /* without probes, of each writer */
	int writers, burners;
	double on_ms, period_ms; /* works that long of every period (SLEEP: ticks); 0: always */
	double tick_ms;		 /* SLEEP; 0: one */
	bool at_random;		 /* SLEEP: so long from tick to tick on average, without memory */
};

/* Of which writers; with burners, that never call; and one that works at times. */
#define ONE(ways, per_s) MANY(ways, per_s, 1)
#define MANY(ways, per_s, writers)                                                                 \
	{                                                                                          \
		ways, per_s, writers, 0, 0, 0, 0, false                                            \
	}
#define BURNERS(per_s, burners)                                                                    \
	{                                                                                          \
		FREE, per_s, 1, burners, 0, 0, 0, false                                            \
	}
#define ON_OFF(per_s, on_ms, period_ms)                                                            \
	{                                                                                          \
		FREE, per_s, 1, 0, on_ms, period_ms, 0, false                                      \
	}

#define BATCHES(per_s, tick_ms)                                                                    \
	{                                                                                          \
		SLEEP, per_s, 1, 0, 0, 0, tick_ms, false                                           \
	}

#define RANDOM_BATCHES(per_s, mean_ms)                                                             \
	{                                                                                          \
		SLEEP, per_s, 1, 0, 0, 0, mean_ms, true                                            \
	}

/* A few ticks, then a rest. */
#define SERIES(per_s, on_ms, period_ms)                                                            \
	{                                                                                          \
		SLEEP, per_s, 1, 0, on_ms, period_ms, 1, false                                     \
	}

/* A call's own CPU time where a target waits for the next. */
#define OWN_NS 100.0

#define TICK_NS ((double)NS_PER_MS)

struct sim {
	const struct target *target;
	u64 time_at_start_ns, cpu_at_start_ns, hits_at_start;
	bool no_cpu_clock;
	double now_ns, cpu_ns, calls, hits; /* since the start */
	double left_ns; /* of the tick (SLEEP), the wait (THINK), the work or the pause (FREE) */
	bool pause;	/* FREE: it is one */
	double due;	/* SLEEP, SPIN, THINK: calls to be made */
	double at_ms;	/* SLEEP: of the period */
	double full_ns, lean_ns; /* what hits really cost */
	double cost_error;	 /* that windows state */
	s64 gap_ns;		 /* between exposures */
	/* Bursts in the window that is open, where the hits before the first burst are of one that
	 * began before it. */
	double window_ns, window_hits, first_ns, before_ns, latest_ns;
	double first_hits, second_hits, latest_hits;
	double first_hit_ns, last_hit_ns; /* SLEEP */
	int began;
};

/* Nothing was due: the next hit is a burst's first. */
static void begin_burst(struct sim *s)
{
	if (!s->began++) {
		s->first_ns = s->window_ns;
		s->first_hits = s->window_hits;
	} else if (s->began == 2) {
		s->second_hits = s->window_hits;
	}
	s->before_ns = s->latest_ns;
	s->latest_ns = s->window_ns;
	s->latest_hits = s->window_hits;
}

static void call(struct sim *s, double calls, double tau_ns)
{
	s->calls += calls;
	if (tau_ns > 0)
		s->hits += calls;
	s->window_hits += calls;
}

/* What a target does next, for no longer than ns: returns for how long. rate: calls per ns of each
 * writer; on: the share of a CPU that it gets. */
struct step {
	double ns, rate, tau_ns, on;
};

static double step_free(struct sim *s, const struct step *d)
{
	const struct target *t = s->target;
	double ns = d->ns;

	if (t->period_ms > 0) {
		if (s->left_ns <= 0) {
			s->pause = !s->pause;
			s->left_ns = 1e6 * (s->pause ? t->period_ms - t->on_ms : t->on_ms);
		}
		ns = MIN(ns, s->left_ns);
		s->left_ns -= ns;
		if (s->pause)
			return ns;
	}
	call(s, t->writers * d->on * ns * d->rate / (1 + d->rate * d->tau_ns), d->tau_ns);
	s->cpu_ns += t->writers * d->on * ns;
	return ns;
}

/* Makes of the calls that are due as many as it can. */
static void catch_up(struct sim *s, const struct step *d, double ns)
{
	double made = MIN(s->due, ns * d->on / (OWN_NS + d->tau_ns));

	if (made > 0 && s->window_hits <= 0)
		s->first_hit_ns = s->window_ns;
	if (made > 0)
		s->last_hit_ns = s->window_ns + made * (OWN_NS + d->tau_ns) / d->on;
	s->due -= made;
	call(s, s->target->writers * made, d->tau_ns);
	if (s->target->ways == SLEEP)
		s->cpu_ns += s->target->writers * made * (OWN_NS + d->tau_ns);
}

static double step_sleep(struct sim *s, const struct step *d)
{
	const struct target *t = s->target;
	double tick_ns = MAX(t->tick_ms, 1) * NS_PER_MS, ns;
	bool fresh = false;

	if (s->left_ns <= 0) {
		s->at_ms = t->period_ms > 0 ? fmod(s->at_ms + t->tick_ms, t->period_ms) : 0;
		s->left_ns = t->at_random ? -tick_ns * log(1 - uniform(0, 1)) : tick_ns;
		fresh = true;
	}
	if (fresh && s->at_ms <= MAX(t->on_ms - t->tick_ms, 0)) {
		if (s->due <= 0)
			begin_burst(s);
		s->due += d->rate * tick_ns;
	}
	ns = MIN(d->ns, s->left_ns);
	s->left_ns -= ns;
	catch_up(s, d, ns);
	s->window_ns += ns;
	return ns;
}

static double step_spin(struct sim *s, const struct step *d)
{
	s->due += d->rate * d->ns;
	catch_up(s, d, d->ns);
	s->cpu_ns += s->target->writers * d->on * d->ns;
	return d->ns;
}

/* Without probes, half the time is of bursts. */
static double step_think(struct sim *s, const struct step *d)
{
	double each_ns = (0.5 / d->rate + d->tau_ns) / d->on, ns;

	if (s->left_ns > 0) {
		ns = MIN(d->ns, s->left_ns);
		s->left_ns -= ns;
		if (s->left_ns <= 0)
			s->due = d->rate * TICK_NS;
		return ns;
	}
	ns = MIN(d->ns, s->due * each_ns);
	s->due -= ns / each_ns;
	if (s->due <= 1e-6)
		s->left_ns = TICK_NS / 2;
	call(s, s->target->writers * ns / each_ns, d->tau_ns);
	s->cpu_ns += s->target->writers * ns * d->on;
	return ns;
}

/* tau_ns: what a hit costs; 0: not attached. */
static inline void run(struct sim *s, double ns, double tau_ns)
{
	static double (*const step[])(struct sim *, const struct step *) = {
		[FREE] = step_free,
		[SLEEP] = step_sleep,
		[SPIN] = step_spin,
		[THINK] = step_think,
	};
	const struct target *t = s->target;
	double scatter = RATE_NOISE * sqrt(10e6 / MAX(ns, 1e6)), passed_ns;
	struct step d = {
		.ns = ns,
		.rate = t->per_s / 1e9 * (1 + scatter * normal()),
		.tau_ns = tau_ns,
		.on = 1 - CPU_NOISE * fabs(normal()),
	};

	s->cpu_ns += t->burners * ns * (1 - CPU_NOISE * fabs(normal()));
	s->now_ns += ns;
	for (; d.ns > 0; d.ns -= passed_ns)
		passed_ns = step[t->ways](s, &d);
}

static inline struct reading reading_of(const struct sim *s)
{
	u64 hits = (u64)s->hits;
	struct reading ret = { .time_ns = s->time_at_start_ns + (u64)s->now_ns };

	if (!s->no_cpu_clock)
		ret.cpu_ns = s->cpu_at_start_ns + (u64)s->cpu_ns;
	ret.hits[FN_REST] = s->hits_at_start + hits / 4;
	ret.hits[FN_MOST] = s->hits_at_start + hits - hits / 4;
	ret.hits[MOVED] = MOVED_PER_CALL * hits;
	return ret;
}

static inline struct sim sim_of(const struct target *target)
{
	return (struct sim) {
		.target = target,
		.time_at_start_ns = next_random() >> 12, /* 52 days */
		.cpu_at_start_ns = 1 + (next_random() >> 12),
		.left_ns = uniform(
			0,
			(target->tick_ms > 0 ? target->tick_ms : MAX(target->period_ms, 1)) * 1e6),
		.at_ms = floor(uniform(0, target->period_ms)),
		.full_ns = TAU_FULL_NS,
		.lean_ns = TAU_LEAN_NS,
	};
}

static inline void start(const struct sim *s, struct estimate *e)
{
	struct reading open = reading_of(s);

	estimate_start(e, FIRST, LAST, &open);
}

static inline u64 hits_of(const struct reading *r)
{
	return r->hits[FN_MOST] + r->hits[FN_REST];
}

static inline struct bursts bursts_at_end(const struct sim *s)
{
	bool calls = s->due > 0 || (s->target->ways == FREE && !s->pause);
	bool goes_on = s->began && calls;
	double ended_hits = goes_on ? s->latest_hits : s->window_hits;
	struct bursts b = {
		.whole = s->began - goes_on,
		.whole_hits = s->began ? ended_hits - s->first_hits : 0,
		.going = goes_on,
	};

	if (goes_on) {
		b.going_hits = s->window_hits - s->latest_hits;
		b.going_ns = s->window_ns - s->latest_ns;
	}
	if (!s->began && calls)
		b.lasting_hits = s->window_hits;
	if (s->target->ways == SLEEP)
		b.idle_ns = MAX(s->first_hit_ns, s->window_ns - s->last_hit_ns);
	if (b.whole > 1) {
		b.cycles = b.whole - 1;
		b.cycles_ns = (goes_on ? s->before_ns : s->latest_ns) - s->first_ns;
		b.cycles_hits = ended_hits - s->second_hits;
	}
	return b;
}

/* From open on the group stands. */
static inline struct exposure expose(struct sim *s, const struct reading *open, double ns,
				     bool lean)
{
	double tau_ns = lean ? TAU_LEAN_NS : TAU_FULL_NS;
	struct exposure x = { .open = *open, .lean = lean, .cost_error = s->cost_error };

	s->window_ns = s->window_hits = 0;
	s->first_hit_ns = s->last_hit_ns = 0;
	s->began = 0;
	run(s, ns, lean ? s->lean_ns : s->full_ns);
	x.bursts = bursts_at_end(s);
	x.close = reading_of(s);
	x.cost_ns = (double)(hits_of(&x.close) - hits_of(open)) * tau_ns;
	x.cpus = x.cost_ns > 0 ? s->target->writers : 0;
	return x;
}

static inline void stand(struct sim *s, struct estimate *e, double ns, bool stays)
{
	struct exposure x = expose(s, &e->seen, ns, false);

	x.stays = stays;
	estimate_exposed(e, &x);
}

/* Pauses as the governor orders them: what attaching and detaching take, then one without memory.
 */
#define PAUSE_NS 150e6

static inline double gap_ns(void)
{
	return 50e6 - PAUSE_NS * log(1 - uniform(0, 1));
}

static inline void window(struct sim *s, struct estimate *e, double ns, bool lean, bool stays)
{
	struct reading open;
	struct exposure x;

	run(s, STRAY_NS, s->full_ns);
	open = reading_of(s);
	s->gap_ns += (s64)(open.time_ns - e->seen.time_ns);
	x = expose(s, &open, ns, lean);
	x.pause_ns = (u64)PAUSE_NS;
	x.stays = stays;
	estimate_exposed(e, &x);
	if (!stays)
		run(s, STRAY_NS, s->full_ns);
}

/* As the governor does: it stands at first and is taken off at once. */
static inline void play(struct sim *s, struct estimate *e, int windows)
{
	start(s, e);
	stand(s, e, 5e6, false);
	for (int i = 0; i < windows; i++) {
		double ns = uniform(5e6, 20e6);

		run(s, gap_ns(), 0);
		window(s, e, ns, i % 2, false);
	}
}

#endif
