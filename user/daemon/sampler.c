/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/sampler.h"

#include <errno.h>

#include "base/grow.h"
#include "daemon/map_heads.h"
#include "daemon/tally.h"
#include "govern/shares.h"
#include "govern/stretch.h"
#include "probe/calibrate.h"

enum {
	/* A baseline read takes microseconds; a target that creates goroutines in every one of
	 * them gets the best of these tries. */
	BASELINE_TRIES = 8,
};

struct sampler {
	struct sampler_config config;
	struct duty *duty; /* NULL: every group always stands */
	struct wire_gc_source gc[WIRE_GC_WORDS];
	struct tally *tally;
	struct map_heads map_heads;
	struct shares *go_shares;
	bool last;			/* sample */
	struct event_go_site *go_sites; /* WIRE_MAX_SITES at most */
	size_t go_site_count, go_site_room;
	bool go_sites_failed; /* out of memory */
	bool joined;	      /* the harvest */
	s64 baseline;	      /* -1: unknown */
	u64 baseline_error;
	u64 missed_before; /* it was there */
	/* Of groups without a governor: hits up to here cost so much. */
	u64 costed[WIRE_FN_COUNT];
	double cost_ns[WIRE_FN_COUNT];
	struct stretch stretch[WIRE_GROUPS]; /* and its runs up to here have been added */
	struct wire_runs ran[WIRE_GROUPS];
	double charged_ns; /* cost of groups without a governor that it was told of */
	u64 heap_live_bytes, heap_goal_bytes; /* last that could be read */
};

static bool is_system(const struct names *names, u64 startpc)
{
	char func[128];

	return !names->func(names->arg, startpc, false, func, sizeof(func)) &&
	       go_is_system_goroutine(func);
}

static void begin_round(void *arg)
{
	struct sampler *s = arg;

	s->go_site_count = 0;
	s->go_sites_failed = false;
}

static void keep_go_site(struct sampler *s, const struct wire_go_site *site,
			 const struct wire_go_count *count)
{
	if (s->go_site_count == WIRE_MAX_SITES)
		return;
	if (!GROW(s->go_sites, &s->go_site_room, s->go_site_count + 1)) {
		s->go_sites_failed = true;
		return;
	}
	s->go_sites[s->go_site_count++] = (struct event_go_site) {
		.gopc = site->gopc,
		.startpc = site->startpc,
		.created = count->created,
		.exited = count->exited,
		.system = is_system(s->config.names, site->startpc),
	};
}

#define GO_KEY(of, site)                                                                           \
	(&(struct share_key) { .fn = (of), .a = (site)->gopc, .b = (site)->startpc })

static void on_go_site(void *arg, const struct wire_go_site *site,
		       const struct wire_go_count *count)
{
	struct sampler *s = arg;

	keep_go_site(s, site, count);
	shares_count(s->go_shares, GO_KEY(WIRE_FN_GO_CREATE, site), count->created);
	shares_count(s->go_shares, GO_KEY(WIRE_FN_GO_EXIT, site), count->exited);
}

static void on_map_site(void *arg, const struct wire_map_site *site, u64 count)
{
	const struct sampler *s = arg;

	tally_count(s->tally, site, count);
}

static void on_emptied(void *arg)
{
	const struct sampler *s = arg;

	tally_emptied(s->tally);
}

static int join(struct sampler *s, struct err *err)
{
	const struct harvest_taker taker = {
		.arg = s,
		.begin = begin_round,
		.map_site = on_map_site,
		.emptied = on_emptied,
		.go_site = on_go_site,
	};
	int rc = harvest_join(s->config.harvest, s->config.slot, &taker, err);

	s->joined = !rc;
	return rc;
}

/* Of the groups that it has, since it has them: with other targets beside it at most so many. */
static u64 missed(const struct sampler *s)
{
	u64 n = 0;

	for (int g = 0; g < PROBE_GROUP_COUNT; g++)
		if (s->config.groups[g])
			n += kern_missed(s->config.kern, (enum probe_group)g);
	return n - s->missed_before;
}

int sampler_new(struct sampler **ret, const struct sampler_config *config, struct err *err)
{
	CLEANUP(sampler_freep) struct sampler *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return err_set(err, -ENOMEM, "out of memory");
	s->config = *config;
	s->baseline = -1;
	s->missed_before = missed(s);
	s->tally = tally_new(harvest_scratch(config->harvest), kern_map_rows_each(config->kern));
	/* A site is two rows: created and exited. */
	s->go_shares = shares_new(2 * (size_t)WIRE_MAX_SITES);
	if (!s->tally || !s->go_shares)
		return err_set(err, -ENOMEM, "out of memory");
	/* Words that are not found have size 0 and read as unknown. */
	(void)go_gc_sources(config->go, s->gc, NULL);
	rc = join(s, err);
	if (!rc)
		*ret = TAKE_PTR(s);
	return rc;
}

void sampler_free(struct sampler *sampler)
{
	if (!sampler)
		return;
	if (sampler->joined)
		harvest_leave(sampler->config.harvest, sampler->config.slot);
	tally_free(sampler->tally);
	shares_free(sampler->go_shares);
	free(sampler->go_sites);
	free(sampler);
}

void sampler_set_duty(struct sampler *sampler, struct duty *duty)
{
	sampler->duty = duty;
}

void sampler_last(struct sampler *sampler)
{
	sampler->last = true;
	tally_last(sampler->tally);
}

void sampler_want_maps(struct sampler *s, const struct map_key *keys, size_t n)
{
	tally_want(s->tally, keys, n);
	map_heads_want(&s->map_heads, keys, n);
}

/* For the baseline, which is no round: nothing is counted. */
static void look_at_go_site(void *arg, const struct wire_go_site *site,
			    const struct wire_go_count *count)
{
	struct sampler *s = arg;

	if (site->slot == s->config.slot)
		keep_go_site(s, site, count);
}

static int look_at_go_sites(struct sampler *s, struct err *err)
{
	int rc;

	begin_round(s);
	rc = kern_each_go_site(s->config.kern, look_at_go_site, s, err);
	return rc || !s->go_sites_failed ? rc : err_set(err, -ENOMEM, "out of memory");
}

/* What the kernel counted by creation site becomes goroutines by creation site: the same, but for
 * a group with gaps. */
static void divide_among_go_sites(struct sampler *s, const double calls[WIRE_FN_COUNT],
				  const bool sampled[WIRE_FN_COUNT])
{
	shares_divide(s->go_shares, calls, sampled);
	if (s->last)
		shares_settle(s->go_shares, calls, sampled);
	for (size_t i = 0; i < s->go_site_count; i++) {
		struct event_go_site *site = &s->go_sites[i];

		site->created = shares_calls(s->go_shares, GO_KEY(WIRE_FN_GO_CREATE, site));
		site->exited = shares_calls(s->go_shares, GO_KEY(WIRE_FN_GO_EXIT, site));
	}
}

/* Goroutines created and exited since attach, without the runtime's own. */
static void go_totals(const struct sampler *s, u64 *created, u64 *exited)
{
	*created = *exited = 0;
	for (size_t i = 0; i < s->go_site_count; i++) {
		if (s->go_sites[i].system)
			continue;
		*created += s->go_sites[i].created;
		*exited += s->go_sites[i].exited;
	}
}

int sampler_baseline(struct sampler *s, struct err *err)
{
	u64 created, exited, created_after, exited_after, error;
	struct go_goroutine_words words;
	s64 count;
	int rc;

	/* What was live once says nothing later where nobody counts. */
	if (!s->config.groups[PROBE_GOROUTINE])
		return 0;
	rc = go_goroutine_words(s->config.go, &words, err);
	if (!rc)
		rc = look_at_go_sites(s, err);
	for (int i = 0; i < BASELINE_TRIES && !rc; i++) {
		go_totals(s, &created, &exited);
		rc = go_goroutine_count(s->config.go, &words, &count, err);
		if (!rc)
			rc = look_at_go_sites(s, err);
		if (rc)
			break;
		go_totals(s, &created_after, &exited_after);
		error = (created_after - created) + (exited_after - exited);
		if (s->baseline >= 0 && error >= s->baseline_error)
			continue;
		s->baseline = MAX(count - (s64)created + (s64)exited, 0);
		s->baseline_error = error;
		if (!error)
			break;
	}
	return rc;
}

static void read_heap(struct sampler *s)
{
	u64 live, goal;

	if (!go_gc_word(s->config.go, &s->gc[WIRE_GC_HEAP_LIVE], &live))
		s->heap_live_bytes = live;
	if (!go_gc_word(s->config.go, &s->gc[WIRE_GC_NEXT_GOAL], &goal))
		s->heap_goal_bytes = goal;
}

/* Created and exited are estimates: the live ones are read instead. */
static void read_live(const struct sampler *s, struct event_sample *ret)
{
	struct go_goroutine_words words;

	ret->goroutine_live_read =
		!go_goroutine_words(s->config.go, &words, NULL) &&
		!go_goroutine_count(s->config.go, &words, &ret->goroutine_live, NULL);
}

/* Of a hit on one of the group's functions, of late: times what was calibrated. */
static double stretch(struct sampler *s, enum probe_group group, const struct wire_counters *c)
{
	const struct wire_runs *now = &c->runs[group], *before = &s->ran[group];

	if (!probe_is_timed(group))
		return 1;
	stretch_add(&s->stretch[group], now->count - before->count, now->ns - before->ns);
	s->ran[group] = *now;
	return stretch_of(&s->stretch[group], s->config.costs->run_ns);
}

/* Of a group, since the start; each hit for what one cost in its time. */
static double cost_of_hits(struct sampler *s, enum probe_group group, const struct wire_counters *c)
{
	double times = stretch(s, group, c), ns = 0;
	enum wire_fn first, last;

	probe_group_functions(group, &first, &last);
	for (size_t fn = first; fn <= last; fn++) {
		u64 hits = c->hits[fn] + c->regrown[fn];

		s->cost_ns[fn] +=
			(double)(hits - s->costed[fn]) * s->config.costs->full_ns[fn] * times;
		s->costed[fn] = hits;
		ns += s->cost_ns[fn];
	}
	return ns;
}

static u64 sum(const u64 *values, size_t n)
{
	u64 total = 0;

	for (size_t i = 0; i < n; i++)
		total += values[i];
	return total;
}

/* A group's part of the sample. Returns what its probes cost. */
static double take_group(struct sampler *s, enum probe_group group, u64 now_ns,
			 const struct wire_counters *c, struct event_sample *ret,
			 double calls[WIRE_FN_COUNT], bool sampled[WIRE_FN_COUNT])
{
	struct duty_view view = { .governed = false };
	double all_calls = 0;
	enum wire_fn first, last;

	probe_group_functions(group, &first, &last);
	if (s->duty)
		duty_look(s->duty, group, now_ns, c, &view);
	for (size_t fn = first; fn <= last; fn++) {
		sampled[fn] = view.estimate.sampled;
		calls[fn] = sampled[fn] ? view.estimate.calls[fn] : (double)c->hits[fn];
		ret->hits[fn] = (u64)(calls[fn] + 0.5);
		all_calls += calls[fn];
	}
	if (group == PROBE_MAP_GROW && view.estimate.sampled) {
		ret->grows = (u64)(view.estimate.calls[WIRE_FN_COUNT + AMOUNT_GROWS] + 0.5);
		ret->moved = (u64)(view.estimate.calls[WIRE_FN_COUNT + AMOUNT_MOVED] + 0.5);
	}
	ret->groups[group] = (struct event_group) {
		.gap_ns = view.estimate.gap_ns,
		.windows = view.estimate.windows,
		.sd_per_s = view.estimate.sd_per_s,
		.bias_error = view.estimate.bias_error,
		.calls = all_calls,
		.unseen = view.estimate.unseen,
		.bounded = view.estimate.bounded,
		.failed = view.off,
		.cost_ns = view.cost_ns,
	};
	return view.governed ? view.cost_ns : cost_of_hits(s, group, c);
}

/* Every group's counts, and how they are divided among sites and maps. */
static int take_groups(struct sampler *s, u64 now_ns, const struct wire_counters *c,
		       struct event_sample *ret, struct err *err)
{
	double calls[WIRE_FN_COUNT] = { 0 }, ungoverned_ns = 0, cost_ns;
	bool sampled[WIRE_FN_COUNT] = { 0 };

	for (int g = 0; g < PROBE_GROUP_COUNT; g++) {
		cost_ns = take_group(s, (enum probe_group)g, now_ns, c, ret, calls, sampled);
		ret->probe_ns += cost_ns;
		if (!s->duty || !duty_governs(s->duty, (enum probe_group)g))
			ungoverned_ns += cost_ns;
	}
	if (s->duty && ungoverned_ns > s->charged_ns) {
		duty_charge(s->duty, now_ns, ungoverned_ns - s->charged_ns);
		s->charged_ns = ungoverned_ns;
	}
	divide_among_go_sites(s, calls, sampled);
	if (sampled[WIRE_FN_GO_CREATE])
		read_live(s, ret);
	return tally_take(s->tally, calls, sampled, ret, err);
}

int sampler_take(struct sampler *s, u64 now_ns, struct event_sample *ret, struct err *err)
{
	struct wire_counters c;
	int rc = kern_read_counters(s->config.kern, s->config.slot, &c, err);

	if (rc)
		return rc;
	if (s->go_sites_failed)
		return err_set(err, -ENOMEM, "out of memory");
	read_heap(s);
	*ret = (struct event_sample) {
		.raw_hits = sum(c.hits, WIRE_FN_COUNT),
		.regrown = sum(c.regrown, WIRE_FN_COUNT),
		.lost_ring = c.lost[WIRE_LOSS_RING],
		.lost_read = c.lost[WIRE_LOSS_READ],
		.lost_table = c.lost[WIRE_LOSS_TABLE],
		.lost_missed = missed(s),
		.moved = c.moved,
		.grows = c.grows,
		.grows_unrecorded = c.grows_unrecorded,
		.foreign = c.foreign,
		.heap_live_bytes = s->heap_live_bytes,
		.heap_goal_bytes = s->heap_goal_bytes,
		.cpu_ns = process_cpu_ns(s->config.process),
		.go_sites = s->go_sites,
		.go_site_count = s->go_site_count,
	};
	rc = take_groups(s, now_ns, &c, ret, err);
	ret->goroutine_baseline = s->baseline;
	ret->goroutine_baseline_error = s->baseline_error;
	if (!rc)
		map_heads_read(&s->map_heads, s->config.go, ret);
	return rc;
}
