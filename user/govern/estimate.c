/* SPDX-License-Identifier: BSD-2-Clause */
#include "govern/estimate.h"

#include <math.h>

#include "base/macros.h"

/* Averages are over some 25 windows: half a minute at most, five seconds at the usual five a
 * second. */
#define KEEP 0.96

/* From a true rate of 0.8 / τ on too much rests on τ: the windows' figures are lower bounds. As a
 * share of the window that its hits take: m·τ = 0.8 / 1.8. */
#define MAX_LOSS (0.8 / 1.8)

/* One window alone may have more. */
#define MOST_LOSS 0.6

/* The calibrated cost of a hit is right within some percent, and so is that of a lean one: but what
 * they differ by is a sixth of it. */
#define COST_ERROR	 0.03
#define DIFFERENCE_ERROR 0.15

/* What the CPU clock tells is never surer. */
#define SHARE_ERROR 0.05

/* What a window's end cut off is known within a third; and of the time that a target makes up for,
 * so much may have been put off past a window's end unseen. */
#define PUT_OFF_ERROR  0.33
#define PUT_OFF_UNSEEN 0.03

/* More hits of bursts that no window sees the whole of: nothing tells how many calls there were. */
#define MAX_CUT 0.25

/* A target that loses more of the probes' time than this makes up for none of it. */
#define LOSES_ALL 0.9

/* A shorter window was closed as it opened. */
#define SHORTEST_NS 50e3

/* What a group that stands has seen of late. */
#define STOOD_NS 1e9

/* Until then the loss is not known. */
#define WINDOWS_TO_KNOW	   3
#define WINDOWS_TO_BELIEVE 15

static void average_add(struct average *a, double value)
{
	double delta = value - a->mean, share;

	a->weight = a->weight * KEEP + 1;
	a->squares = a->squares * KEEP * KEEP + 1;
	share = 1 / a->weight;
	a->mean += share * delta;
	a->variance = (1 - share) * (a->variance + share * delta * delta);
}

/* Of the mean; as large as the value itself while there is hardly any. */
static double average_error(const struct average *a)
{
	double n = a->squares > 0 ? a->weight * a->weight / a->squares : 0;

	return n < 2 ? fabs(a->mean) : sqrt(a->variance / (n - 1));
}

void estimate_start(struct estimate *e, enum wire_fn first, enum wire_fn last,
		    const struct reading *open)
{
	*e = (struct estimate) { .first = first, .last = last, .seen = *open, .standing = true };
	for (size_t i = 0; i < ESTIMATES; i++)
		e->calls[i] = e->shown[i] = (double)open->hits[i];
}

static double clamp(double value, double low, double high)
{
	return value < low ? low : value > high ? high : value;
}

/* By CPU time. That of threads which wake or sleep in a window is known on average only
 * (govern/untold); a share that comes out beyond 0 or 1 makes those the surer. */
static struct loss_share displaced(const struct estimate *e)
{
	double noise = hypot(average_error(&e->cpu_in), average_error(&e->cpu_out)), share, error;

	if (e->cost_in.mean <= 0)
		return (struct loss_share) { 0, 0 };
	if (e->cpu_in.weight < WINDOWS_TO_KNOW)
		return (struct loss_share) { 0.5, 0.5 };
	share = 1 - (e->cpu_in.mean - e->cpu_out.mean) / e->cost_in.mean;
	error = MIN(noise / e->cost_in.mean, 0.5);
	return (struct loss_share) {
		.share = clamp(share, 0, 1),
		.error = MAX(error - fabs(share - clamp(share, 0, 1)), SHARE_ERROR),
	};
}

/* By two costs: n CPUs that are hit side by side each have 1/m = 1/r + share·τ. */
static bool answer_to_cost(const struct estimate *e, struct loss_share *ret)
{
	double difference_ns = e->full_ns.mean - e->lean_ns.mean;
	double m = e->full.mean, l = e->lean.mean, noise, calibration;

	if (e->full.weight < WINDOWS_TO_KNOW || e->lean.weight < WINDOWS_TO_KNOW || m <= 0 ||
	    l <= 0 || difference_ns <= 0)
		return false;
	ret->share = e->spread.mean * (1 / m - 1 / l) / difference_ns;
	noise = e->spread.mean / difference_ns *
		hypot(average_error(&e->full) / (m * m), average_error(&e->lean) / (l * l));
	calibration = DIFFERENCE_ERROR * ret->share;
	ret->error = hypot(noise, calibration);
	return true;
}

/* That a target loses more than its CPU time tells is believed later: bursts, as many as a window
 * happens to hold, look like it for a while. */
static bool contradict(const struct estimate *e, const struct loss_share *by_cpu,
		       const struct loss_share *by_cost)
{
	double apart = by_cost->share - by_cpu->share;
	double error = hypot(by_cost->error, by_cpu->error);

	if (e->lean.weight < WINDOWS_TO_BELIEVE || e->full.weight < WINDOWS_TO_BELIEVE)
		return apart < -2 * error;
	return apart < -2 * error || apart > 3 * error;
}

struct loss_share estimate_loss(const struct estimate *e)
{
	struct loss_share by_cpu = displaced(e), by_cost;

	if (!answer_to_cost(e, &by_cost))
		return (struct loss_share) { by_cpu.share, MAX(by_cpu.error, by_cpu.share / 2) };
	if (by_cost.error < by_cpu.error || contradict(e, &by_cpu, &by_cost))
		return (struct loss_share) { clamp(by_cost.share, 0, 1), MIN(by_cost.error, 0.5) };
	/* They agree, as far as the second tells. */
	return (struct loss_share) { by_cpu.share,
				     MAX(by_cpu.error, MIN(by_cost.error, by_cpu.share / 2)) };
}

static u64 hits_between(const struct estimate *e, const struct reading *from,
			const struct reading *to)
{
	u64 sum = 0;

	for (size_t fn = e->first; fn <= e->last; fn++)
		sum += to->hits[fn] - from->hits[fn];
	return sum;
}

static void learn_cpu(struct estimate *e, const struct exposure *x, double window_ns)
{
	double gap_ns = (double)x->open.time_ns - (double)e->seen.time_ns;

	if (!x->open.cpu_ns || !x->close.cpu_ns || !e->seen.cpu_ns || gap_ns <= 0)
		return;
	average_add(&e->cpu_in, reading_rise(x->close.cpu_ns, x->open.cpu_ns) / window_ns);
	average_add(&e->cpu_out, reading_rise(x->open.cpu_ns, e->seen.cpu_ns) / gap_ns);
}

/* rate: calls per ns in the window, those that its ends cut off among them. */
static void learn(struct estimate *e, const struct exposure *x, u64 hits, double rate,
		  double window_ns)
{
	average_add(x->lean ? &e->lean : &e->full, rate);
	if (hits)
		average_add(x->lean ? &e->lean_ns : &e->full_ns, x->cost_ns / (double)hits);
	if (x->cpus > 0)
		average_add(&e->spread, x->cpus);
	average_add(&e->cost_in, x->cost_ns / window_ns);
	e->cost_error = x->cost_error;
	e->hits = e->hits * KEEP + (double)hits;
	e->dense = e->dense * KEEP + (double)hits * x->cost_ns / window_ns;
	learn_cpu(e, x, window_ns);
}

/* Which share of a CPU hits take, where hits are. */
static double density(const struct estimate *e)
{
	return e->hits > 0 ? e->dense / e->hits / MAX(e->spread.mean, 1) : 0;
}

/* Whether more is lost, or put off, than a correction can be trusted with. */
static bool is_bounded(const struct estimate *e, const struct loss_share *loss)
{
	return loss->share * density(e) > MAX_LOSS ||
	       (loss->share < LOSES_ALL && put_off_cut_share(&e->put_off) > MAX_CUT);
}

/* What the window's rate is to be multiplied with; 1 where it is but a lower bound. */
static double correction(const struct estimate *e, const struct loss_share *loss, double cost_share)
{
	double lost = loss->share * cost_share / MAX(e->spread.mean, 1);

	return is_bounded(e, loss) ? 1 : 1 / (1 - MIN(lost, MOST_LOSS));
}

static double rate_in(const struct exposure *x, size_t i, double window_ns)
{
	return (double)(x->close.hits[i] - x->open.hits[i]) / window_ns;
}

/* In case there is a gap next: rates of up to a second, and those that the group may leave for. */
static void keep_rates(struct estimate *e, const struct exposure *x, double window_ns)
{
	double share;

	e->known_ns = MIN(e->known_ns + window_ns, STOOD_NS);
	share = MIN(window_ns / e->known_ns, 1);
	for (size_t i = 0; i < ESTIMATES; i++) {
		e->left_per_ns[i] = rate_in(x, i, window_ns);
		e->per_ns[i] += share * (e->left_per_ns[i] - e->per_ns[i]);
	}
	e->left = !x->stays;
}

/* Of the group's functions. */
static double sum_of(const struct estimate *e, const double per_ns[static ESTIMATES])
{
	double sum = 0;

	for (size_t fn = e->first; fn <= e->last; fn++)
		sum += per_ns[fn];
	return sum;
}

/* How many calls there may have been more, or fewer, in the gap after the group stood. */
static double unseen_in(const struct estimate *e, double ns)
{
	return e->left ? fabs(sum_of(e, e->left_per_ns) - sum_of(e, e->per_ns)) * ns : 0;
}

/* A load for which the group left, and that is there still in the window x, was there in between
 * too: at the rate that it had, which is of more calls than a window's; or at the window's, if it
 * came within the last look, which then was mostly of the time before. */
static void end_first_gap(struct estimate *e, const struct exposure *x, double window_ns,
			  double factor, double unobserved_ns)
{
	double rate = (double)hits_between(e, &x->open, &x->close) / window_ns;
	double left = sum_of(e, e->left_per_ns);

	if (!e->left)
		return;
	if (rate <= left / 2)
		e->unseen += unseen_in(e, MAX(unobserved_ns, 0));
	for (size_t i = 0; i < ESTIMATES && rate > left / 2; i++)
		e->per_ns[i] =
			factor * (rate > left * 2 ? rate_in(x, i, window_ns) : e->left_per_ns[i]);
	e->left = false;
}

/* See the header. A rate of late is that of some three windows. put_off: calls, for each hit. */
static void add_gap(struct estimate *e, const struct exposure *x, double window_ns, double put_off)
{
	double gap_ns = MAX((double)x->open.time_ns - (double)e->seen.time_ns, 0);
	double pause_ns = (double)x->pause_ns;
	struct loss_share loss = estimate_loss(e);
	double factor =
		correction(e, &loss, x->cost_ns / window_ns) * (1 + put_off * (1 - loss.share));

	end_first_gap(e, x, window_ns, factor, gap_ns - pause_ns);
	for (size_t i = 0; i < ESTIMATES; i++) {
		double surprise = rate_in(x, i, window_ns) * factor - e->per_ns[i];

		e->calls[i] += e->per_ns[i] * gap_ns + pause_ns * surprise;
		e->per_ns[i] += surprise / 3;
	}
	average_add(&e->rate, factor * (double)hits_between(e, &x->open, &x->close) / window_ns);
}

static void learn_window(struct estimate *e, const struct exposure *x, double window_ns)
{
	u64 hits = hits_between(e, &x->open, &x->close);
	bool clocked = e->put_off.clocked;
	double per_hit = 1 / (double)MAX(hits, 1ULL);
	double missing =
		put_off_add(&e->put_off, &x->bursts, (double)hits, window_ns, x->cost_ns * per_hit);

	/* Rates of another kind, and far surer or less sure. */
	if (e->put_off.clocked != clocked)
		e->full = e->lean = e->rate = (struct average) { 0 };
	learn(e, x, hits, ((double)hits + missing) / window_ns, window_ns);
	add_gap(e, x, window_ns, missing * per_hit);
}

/* A window too short to tell a rate. */
static void add_gap_unseen(struct estimate *e, const struct exposure *x)
{
	double gap_ns = MAX((double)x->open.time_ns - (double)e->seen.time_ns, 0);

	for (size_t i = 0; i < ESTIMATES; i++)
		e->calls[i] += e->per_ns[i] * gap_ns;
}

void estimate_exposed(struct estimate *e, const struct exposure *x)
{
	double window_ns = (double)MAX(x->close.time_ns - x->open.time_ns, 1ULL);

	if (!e->standing) {
		e->sampled = true;
		e->windows++;
		e->gap_ns += (s64)(x->open.time_ns - e->seen.time_ns);
		if (window_ns < SHORTEST_NS)
			add_gap_unseen(e, x);
		else
			learn_window(e, x, window_ns);
	} else {
		keep_rates(e, x, window_ns);
	}
	for (size_t i = 0; i < ESTIMATES; i++)
		e->calls[i] += (double)(x->close.hits[i] - x->open.hits[i]);
	e->seen = x->close;
	e->standing = x->stays;
}

/* How much the rate is off when the share of the loss is, the cost of a hit, or what is put off. */
static double bias_error(const struct estimate *e, const struct loss_share *loss)
{
	double cost = density(e), lost = MIN(loss->share * cost, MAX_LOSS);
	double put_off = PUT_OFF_ERROR * put_off_share(&e->put_off) + PUT_OFF_UNSEEN * cost +
			 put_off_cut_share(&e->put_off);
	double cost_error = hypot(COST_ERROR, e->cost_error);

	return hypot(hypot(loss->error * cost, cost_error * lost), put_off * (1 - loss->share)) /
	       (1 - lost);
}

/* One window tells nothing of how they scatter: then as much as there is. */
static double sd_per_ns(const struct estimate *e)
{
	return e->rate.weight > 1 ? sqrt(e->rate.variance) : sum_of(e, e->per_ns);
}

void estimate_now(struct estimate *e, const struct reading *now, struct estimate_view *ret)
{
	u64 since_ns = now->time_ns > e->seen.time_ns ? now->time_ns - e->seen.time_ns : 0;
	struct loss_share loss = estimate_loss(e);

	*ret = (struct estimate_view) {
		.gap_ns = e->gap_ns + (e->standing ? 0 : (s64)since_ns),
		.sampled = e->sampled || !e->standing,
		.windows = e->windows,
		.sd_per_s = sd_per_ns(e) * 1e9,
		.bias_error = bias_error(e, &loss),
		.bounded = !e->standing && is_bounded(e, &loss),
		.unseen = e->unseen + unseen_in(e, (double)since_ns),
	};
	for (size_t i = 0; i < ESTIMATES; i++) {
		double calls = e->calls[i];

		if (e->standing)
			calls += reading_rise(now->hits[i], e->seen.hits[i]);
		else
			calls += e->per_ns[i] * (double)since_ns;
		ret->calls[i] = e->shown[i] = MAX(e->shown[i], calls);
	}
}
