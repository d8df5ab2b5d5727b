/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Goroutines that become more and more: fast, or many and steadily. A pool of
 * constant size and a burst at start-up are neither.
 */
#include "detect/detect.h"

#include <stdio.h>

#include "base/units.h"

enum { SLOPE, LIVE };

/* The slope is that of the last ten seconds; the rule says for how long it must be too high. */
#define SLOPE_HORIZON_NS (10 * NS_PER_S)

/* "Rising": over this long, and still of late. Some more than the rule's five minutes, so that
 * points which are seconds apart span them. */
#define RISE_HORIZON_NS	  (330 * NS_PER_S)
#define RECENT_HORIZON_NS (120 * NS_PER_S)

/*
 * A load that goes up and down has a slope too. Simulated healthy loads (10 %
 * noise, with a memory of a minute) pass a tau of 0.7 within half an hour in
 * one run of three, 0.8 in none; a steady leak has 1, one of a step a minute 0.83.
 */
#define RISE_MIN_SHARE 0.01
#define RISE_MIN_TAU   0.8

enum { TOP_SITES = 5 };

struct growing {
	struct trend slope, rise, recent;
	s64 live; /* -1: unknown */
};

static void *growing_new(void)
{
	struct growing *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	trend_init(&g->slope, SLOPE_HORIZON_NS);
	trend_init(&g->rise, RISE_HORIZON_NS);
	trend_init(&g->recent, RECENT_HORIZON_NS);
	return g;
}

static void say_slope(struct growing *g, const struct detect_io *io, const struct window *window)
{
	struct finding finding = {
		.measure = SLOPE,
		.time_ns = window->end_ns,
		.since_ns = window->start_ns,
	};
	struct trend_fit fit;

	if (!trend_fit(&g->slope, &fit))
		return;
	finding.value = fit.slope_per_s;
	io->emit(io->arg, &finding);
}

static bool is_rising(const struct growing *g, struct trend_fit *ret_fit)
{
	struct trend_fit recent;

	return trend_fit(&g->rise, ret_fit) && trend_fit(&g->recent, &recent) && recent.tau > 0 &&
	       ret_fit->rise > RISE_MIN_SHARE * (double)g->live && ret_fit->tau >= RISE_MIN_TAU;
}

/* How many are live, as long as they rise; else none. */
static void say_live(struct growing *g, const struct detect_io *io, const struct window *window)
{
	struct finding finding = { .measure = LIVE,
				   .time_ns = window->end_ns,
				   .since_ns = window->end_ns };
	struct trend_fit fit;

	if (g->live < 0)
		return;
	if (is_rising(g, &fit)) {
		finding.value = (double)g->live;
		finding.since_ns = fit.since_ns;
	}
	io->emit(io->arg, &finding);
}

static void growing_tick(void *state, const struct detect_io *io, const struct window *window)
{
	double growth = (double)model_goroutine_growth(io->model);
	struct growing *g = state;

	if (!window->has_goroutine)
		return;
	g->live = window->goroutine.live;
	trend_add(&g->slope, window->end_ns, growth);
	trend_add(&g->rise, window->end_ns, growth);
	trend_add(&g->recent, window->end_ns, growth);
	say_slope(g, io, window);
	say_live(g, io, window);
}

static void explain_sites(const struct names *names, const struct hot_site **top, size_t n,
			  struct explanation *ret)
{
	struct evidence *list = explain_list(ret, "sites", n);
	char frame[160], start[120];

	for (size_t i = 0; list && i < list->list_len; i++) {
		const struct gosite *site = gosite_of(top[i]);
		s64 live = (s64)site->created - (s64)site->exited;

		names->frame(names->arg, site->hot.key[GOSITE_PC], true, frame, sizeof(frame));
		names->func(names->arg, site->hot.key[GOSITE_START], false, start, sizeof(start));
		explain_write(list->list[i], sizeof(list->list[i]),
			      "%s: %+lld live, %llu created, starts %s", frame, live, site->created,
			      start);
	}
}

static void explain_top_site(const struct names *names, const struct gosite *site,
			     struct explanation *ret)
{
	char start[EVIDENCE_TEXT_MAX];

	names->frame(names->arg, site->hot.key[GOSITE_PC], true, ret->subject,
		     sizeof(ret->subject));
	names->func(names->arg, site->hot.key[GOSITE_START], false, start, sizeof(start));
	explain_text(ret, "site", "%s", ret->subject);
	explain_text(ret, "start_function", "%s", start);
	explain_number(ret, "site_created", (double)site->created);
	explain_number(ret, "site_exited", (double)site->exited);
}

static void growing_explain(const void *state, const struct model *model,
			    const struct finding *finding, struct explanation *ret)
{
	const struct names *names = model_names(model);
	const struct growing *g = state;
	const struct hot_site *top[TOP_SITES];
	size_t n = gosites_top(model_gosites(model), top, TOP_SITES);
	char value[UNITS_BUF], live[UNITS_BUF];
	struct trend_fit fit;

	explain_write(ret->subject, sizeof(ret->subject), "goroutines");
	if (n)
		explain_top_site(names, gosite_of(top[0]), ret);
	fmt_count(value, finding->value);
	if (g->live >= 0)
		fmt_count(live, (double)g->live);
	else
		snprintf(live, sizeof(live), "an unknown number of");
	if (finding->measure == SLOPE)
		explain_write(ret->summary, sizeof(ret->summary),
			      "goroutines grow by %s/s, %s live; most come from %s", value, live,
			      ret->subject);
	else
		explain_write(ret->summary, sizeof(ret->summary),
			      "%s goroutines live and rising for minutes; most come from %s", value,
			      ret->subject);
	explain_write(
		ret->advice, sizeof(ret->advice),
		"give each goroutine that these go statements start a way to end: a context, a "
		"closed channel, a timeout");
	if (g->live >= 0)
		explain_number(ret, "live", (double)g->live);
	if (trend_fit(&g->slope, &fit))
		explain_number(ret, "growth_per_s", fit.slope_per_s);
	explain_sites(names, top, n, ret);
}

const struct detector detector_goroutine_growth = {
	.name = "goroutine-growth",
	.measures = {
		[SLOPE] = { "slope", "goroutines/s" },
		[LIVE] = { "live", "goroutines" },
	},
	.measure_count = 2,
	.new = growing_new,
	.free = free,
	.tick = growing_tick,
	.explain = growing_explain,
};
