/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/sampler.h"

#include <errno.h>
#include <string.h>

enum {
	/* A baseline read takes microseconds; a target that creates goroutines in every one of
	 * them gets the best of these tries. */
	BASELINE_TRIES = 8,
};

struct sampler {
	struct sampler_config config;
	struct wire_gc_source gc[WIRE_GC_WORDS];
	struct event_map_site map_sites[WIRE_MAX_SITES];
	size_t map_site_count;
	struct event_go_site go_sites[WIRE_MAX_SITES];
	size_t go_site_count;
	s64 baseline; /* -1: unknown */
	u64 baseline_error;
	u64 heap_live_bytes, heap_goal_bytes; /* last that could be read */
};

int sampler_new(struct sampler **ret, const struct sampler_config *config, struct err *err)
{
	struct sampler *s = calloc(1, sizeof(*s));

	if (!s)
		return err_set(err, -ENOMEM, "out of memory");
	s->config = *config;
	s->baseline = -1;
	/* Words that are not found have size 0 and read as unknown. */
	(void)go_gc_sources(config->go, s->gc, NULL);
	*ret = s;
	return 0;
}

void sampler_free(struct sampler *sampler)
{
	free(sampler);
}

static void keep_map_site(void *arg, const struct wire_map_site *site, u64 count)
{
	struct sampler *s = arg;

	if (site->slot != s->config.slot || s->map_site_count == WIRE_MAX_SITES)
		return;
	s->map_sites[s->map_site_count++] = (struct event_map_site) {
		.fn = (enum wire_fn)site->fn,
		.return_pc = site->return_pc,
		.type = site->type,
		.count = count,
	};
}

static bool is_system(const struct names *names, u64 startpc)
{
	char func[128];

	return !names->func(names->arg, startpc, false, func, sizeof(func)) &&
	       go_is_system_goroutine(func);
}

static void keep_go_site(void *arg, const struct wire_go_site *site,
			 const struct wire_go_count *count)
{
	struct sampler *s = arg;

	if (site->slot != s->config.slot || s->go_site_count == WIRE_MAX_SITES)
		return;
	s->go_sites[s->go_site_count++] = (struct event_go_site) {
		.gopc = site->gopc,
		.startpc = site->startpc,
		.created = count->created,
		.exited = count->exited,
		.system = is_system(s->config.names, site->startpc),
	};
}

static int take_go_sites(struct sampler *s, struct err *err)
{
	s->go_site_count = 0;
	return kern_each_go_site(s->config.kern, keep_go_site, s, err);
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
	int rc = go_goroutine_words(s->config.go, &words, err);

	if (!rc)
		rc = take_go_sites(s, err);
	for (int i = 0; i < BASELINE_TRIES && !rc; i++) {
		go_totals(s, &created, &exited);
		rc = go_goroutine_count(s->config.go, &words, &count, err);
		if (!rc)
			rc = take_go_sites(s, err);
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

static double probe_ns(const struct sampler *s, const struct wire_counters *c)
{
	double ns = 0;

	for (int fn = 0; fn < WIRE_FN_COUNT; fn++)
		ns += (double)(c->hits[fn] + c->regrown[fn]) * s->config.ns_per_hit[fn];
	return ns;
}

static u64 sum(const u64 *values, size_t n)
{
	u64 total = 0;

	for (size_t i = 0; i < n; i++)
		total += values[i];
	return total;
}

int sampler_take(struct sampler *s, struct event_sample *ret, struct err *err)
{
	struct wire_counters c;
	int rc = kern_read_counters(s->config.kern, s->config.slot, &c, err);

	s->map_site_count = 0;
	if (!rc)
		rc = kern_each_map_site(s->config.kern, keep_map_site, s, err);
	if (!rc)
		rc = take_go_sites(s, err);
	if (rc)
		return rc;
	read_heap(s);
	*ret = (struct event_sample) {
		.regrown = sum(c.regrown, WIRE_FN_COUNT),
		.lost_ring = c.lost[WIRE_LOSS_RING],
		.lost_read = c.lost[WIRE_LOSS_READ],
		.lost_table = c.lost[WIRE_LOSS_TABLE],
		.lost_missed = kern_missed(s->config.kern),
		.moved = c.moved,
		.grows = c.grows,
		.grows_unrecorded = c.grows_unrecorded,
		.foreign = c.foreign,
		.probe_ns = probe_ns(s, &c),
		.heap_live_bytes = s->heap_live_bytes,
		.heap_goal_bytes = s->heap_goal_bytes,
		.goroutine_baseline = s->baseline,
		.goroutine_baseline_error = s->baseline_error,
		.map_sites = s->map_sites,
		.map_site_count = s->map_site_count,
		.go_sites = s->go_sites,
		.go_site_count = s->go_site_count,
	};
	memcpy(ret->hits, c.hits, sizeof(ret->hits));
	return 0;
}
