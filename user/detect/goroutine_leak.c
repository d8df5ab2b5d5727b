/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Goroutines that leak: those of one go statement stay, and others join them all
 * the time. "At least 50 live, older than 30 s on average, their ages in clusters,
 * and not falling" is where the definition began, but a pool of workers is all of
 * that, as are long-lived connections of a steady number, and an average hides a
 * leak behind many short-lived goroutines of the same statement. So the last five
 * minutes of censuses of a site are asked, too, who came to an age of 30 s, and who
 * ended past it:
 *
 *  1. They keep coming. In each quarter of that time some goroutine of the site
 *     became older than 30 s. A pool, or a burst, comes once; a ramp of load stops
 *     when it ends.
 *  2. They stay. At most one that was older than 30 s ended for ten that became so.
 *     Where the number of connections is steady as many end as come; of a batch job
 *     all do. What ends before that age counts for neither.
 *  3. They crowd: DBSCAN over their ages, eps 15 s and minPts 8. What hangs on now
 *     and then makes no cluster, and is left alone.
 *
 * Leaked are the members older than 30 s of each cluster that grows: of one with
 * members who came to that age within the window. By how ages cluster:
 *
 *	a steady leak	one wide cluster, from the young to the age of the leak
 *	a job that leaks	a tight one for each time that it ran; the last ones grow
 *	a pool	a tight one, as old as the pool; nobody came of late, so it does not count
 *
 * Where healthy goroutines of the site live for longer than 30 s, (2) fails, for the
 * leak among them too. So where they come, but do not stay or crowd, the same is asked
 * again of 3 minutes, and of 20.
 *
 * eps is 15 s up to an age of 150 s, and a tenth of the age past that: older ages are
 * known less well (model/goid_clock.h), and a leak is as much one where its members
 * come further apart. So a leak of seven a minute is found by the ages past 30 s, and
 * one of 1.6 a minute by those past 20 minutes. A slower one is not.
 *
 * What this can't tell apart: a burst that never ends from a pool that began late,
 * which is not reported; and a leak from a load that rises by connections which all
 * stay, for as long as it rises. A rise passes that is a little shorter than the
 * rule's `for`, or that and half of the five minutes where the site was watched before. A leak that
 * has come to rest is over, though what leaked is still there.
 */
#include "detect/detect.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "model/dbscan.h"

#define WINDOW_NS (5 * NS_PER_MIN)

#define EPS_S	   15.0
#define EPS_LINEAR 10.0 /* from EPS_S times this age on eps is a tenth of it */

enum { QUARTERS = 4, MIN_POINTS = QUARTERS + 1, MIN_CLUSTER = 8, ENDED_MAX_PCT = 10 };

/* Keys of the sites that were said to leak. */
struct leaks {
	size_t count;
	u64 gopc[CENSUS_SITES_MAX];
};

/* What comes of a site at one age from which on its goroutines count as staying. */
struct verdict {
	u64 stay_ns;
	u64 leaked;	 /* 0: none */
	u64 came, ended; /* in seconds, up to the last census */
	double seconds;
	u32 clusters;				    /* at this age and older */
	u32 growing;				    /* of these */
	struct dbscan_point point[CENSUS_AGES_MAX]; /* as the site's ages */
};

static void *leaks_new(void)
{
	return calloc(1, sizeof(struct leaks));
}

/* The points from which on the level means something, of the last WINDOW_NS but at least
 * MIN_POINTS. NULL: there are too few. */
static const struct census_point *window_of(const struct census_site *site, u64 stay_ns,
					    size_t *ret_n)
{
	const struct census_point *point = site->point, *end = point + site->point_count;

	/* Before that nobody can have stayed for so long since the first census. */
	while (point < end && point->time_ns <= site->first_ns + stay_ns)
		point++;
	while (end - point > MIN_POINTS && end[-1].time_ns - point->time_ns > WINDOW_NS)
		point++;
	*ret_n = (size_t)(end - point);
	return *ret_n < MIN_POINTS ? NULL : point;
}

/* Quarters by number of censuses: time in which there was none says nothing. */
static bool keep_coming(const struct census_point *point, size_t n, size_t level)
{
	for (size_t q = 0; q < QUARTERS; q++) {
		const struct census_point *from = &point[(n - 1) * q / QUARTERS];
		const struct census_point *to = &point[(n - 1) * (q + 1) / QUARTERS];

		if (to->came[level] == from->came[level])
			return false;
	}
	return true;
}

/* Ages on a scale on which eps is the same everywhere. */
static double on_scale(u64 age_ns)
{
	const double linear_s = EPS_S * EPS_LINEAR;
	double age_s = (double)age_ns / 1e9;

	return age_s <= linear_s ? age_s : linear_s * (1 + log(age_s / linear_s));
}

static void find_clusters(const struct event_census_site *site, struct verdict *v)
{
	for (size_t i = 0; i < site->age_count; i++)
		v->point[i] = (struct dbscan_point) { .x = on_scale(site->ages[i].age_ns),
						      .weight = site->ages[i].count };
	(void)dbscan_line(v->point, site->age_count, EPS_S, MIN_CLUSTER);
}

/* The members of each cluster that are old enough, if some came of late: [i, ret) is the cluster.
 */
static size_t count_cluster(const struct event_census_site *site, size_t i, struct verdict *v)
{
	u64 late_ns = v->stay_ns + (u64)(v->seconds * 1e9), members = 0;
	bool grows = false;
	size_t end = i;

	for (; end < site->age_count && v->point[end].cluster == v->point[i].cluster; end++) {
		const struct event_age *age = &site->ages[end];

		if (age->age_ns <= v->stay_ns)
			continue;
		members += age->count;
		grows = grows || age->age_ns <= late_ns;
	}
	if (v->point[i].cluster == DBSCAN_NOISE || !members)
		return end;
	v->clusters++;
	v->growing += grows;
	v->leaked += grows ? members : 0;
	return end;
}

static void count_leaked(const struct event_census_site *site, size_t level, struct verdict *v)
{
	find_clusters(site, v);
	for (size_t i = 0; i < site->age_count;)
		i = count_cluster(site, i, v);
	/* Ages are estimates, who stayed is not. */
	v->leaked = MIN(v->leaked, site->stayed[level]);
}

/* Returns whether they keep coming: else none of them stays for longer either. */
static bool judge(const struct census_site *site, size_t level, u64 stay_ns, struct verdict *ret)
{
	size_t n;
	const struct census_point *point = window_of(site, stay_ns, &n);

	ret->stay_ns = stay_ns;
	ret->leaked = ret->clusters = ret->growing = 0;
	if (!point || !keep_coming(point, n, level))
		return false;
	ret->came = point[n - 1].came[level] - point[0].came[level];
	ret->ended = point[n - 1].ended[level] - point[0].ended[level];
	ret->seconds = (double)(point[n - 1].time_ns - point[0].time_ns) / 1e9;
	if (ret->ended * 100 <= ret->came * ENDED_MAX_PCT)
		count_leaked(&site->last, level, ret);
	return true;
}

/* By the shortest age that tells a leak. Where nobody comes to one, those who come to a longer one
 * are of before: of a load that rose, or of a leak that is over. */
static void judge_site(const struct census_sites *sites, const struct census_site *site,
		       struct verdict *ret)
{
	for (size_t level = 0; level < EVENT_STAYS; level++) {
		if (!judge(site, level, census_sites_stay_ns(sites, level), ret) || ret->leaked)
			return;
	}
}

static void say(const struct detect_io *io, u64 gopc, u64 leaked, u64 now_ns)
{
	struct finding finding = { .value = (double)leaked, .time_ns = now_ns, .since_ns = now_ns };

	snprintf(finding.key, sizeof(finding.key), "%llx", gopc);
	io->emit(io->arg, &finding);
}

static void judge_sites(struct leaks *leaks, const struct detect_io *io, u64 time_ns)
{
	const struct census_sites *sites = model_census_sites(io->model);
	struct leaks before = *leaks;
	struct verdict verdict = { 0 };

	leaks->count = 0;
	for (size_t i = 0; i < census_sites_count(sites); i++) {
		const struct census_site *site = census_sites_at(sites, i);

		judge_site(sites, site, &verdict);
		say(io, site->last.gopc, verdict.leaked, time_ns);
		if (verdict.leaked)
			leaks->gopc[leaks->count++] = site->last.gopc;
	}
	for (size_t i = 0; i < before.count; i++) {
		if (!census_sites_find(sites, before.gopc[i]))
			say(io, before.gopc[i], 0, time_ns);
	}
}

/* Of all events it wants next to none, and what judging takes to set up costs more than the rest.
 */
static void leaks_event(void *state, const struct detect_io *io, const struct event *event)
{
	judge_sites(state, io, event->time_ns);
}

/* By how the reason begins; the runtime's words, which differ a little from release to release. */
static const struct {
	const char *reason, *advice;
} by_wait[] = {
	{ "chan receive (nil chan)", "they receive from a nil channel, which blocks for ever: make "
				     "the channel before the go statement" },
	{ "chan send (nil chan)", "they send to a nil channel, which blocks for ever: make the "
				  "channel before the go statement" },
	{ "chan receive",
	  "nobody sends or closes the channel that they receive from: close it when "
	  "its senders are done, or select on ctx.Done() beside it" },
	{ "chan send", "nobody receives what they send: give the channel a buffer for each sender, "
		       "drain it, or select on ctx.Done() beside it" },
	{ "select (no cases)", "select {} blocks for ever: wait for a context or a quit channel "
			       "instead" },
	{ "select",
	  "none of the cases becomes ready: add case <-ctx.Done(), and cancel the context "
	  "on every way out" },
	{ "IO wait",
	  "the other side neither answers nor closes: set deadlines "
	  "(SetReadDeadline, http.Server.ReadTimeout and IdleTimeout, http.Client.Timeout), "
	  "and close response bodies" },
	{ "sync.Mutex", "a lock is never released: unlock it by defer on every way out" },
	{ "sync.RWMutex", "a lock is never released: unlock it by defer on every way out" },
	{ "sync.WaitGroup",
	  "a WaitGroup never comes to zero: defer Done in each goroutine that was "
	  "added" },
	{ "semacquire",
	  "a lock is never released, or a WaitGroup never comes to zero: use defer for "
	  "Unlock and Done" },
	{ "sync.Cond", "nobody calls Signal or Broadcast any more: wake all waiters when the work "
		       "ends" },
	{ "sleep",
	  "they sleep in a loop that has no end: use a time.Ticker and select on ctx.Done() "
	  "beside it" },
	{ "syscall", "they hang in a system call, each with a thread of its own: use deadlines, or "
		     "bound how many there may be" },
};

static void advise(const struct event_census_site *site, struct explanation *ret)
{
	const char *reason = site->waits[0].reason;

	for (size_t i = 0; i < ARRAY_SIZE(by_wait); i++) {
		if (strncmp(reason, by_wait[i].reason, strlen(by_wait[i].reason)) == 0) {
			explain_write(ret->advice, sizeof(ret->advice), "%s", by_wait[i].advice);
			return;
		}
	}
	explain_write(
		ret->advice, sizeof(ret->advice),
		"give each goroutine that this go statement starts a way to end: a context, a "
		"closed channel, a timeout");
}

static double share_pct(u64 part, u64 whole)
{
	return whole ? (double)part / (double)whole * 100 : 0;
}

static void explain_waits(const struct event_census_site *site, struct explanation *ret)
{
	size_t n = 0;
	struct evidence *list;

	while (n < EVENT_WAITS && site->waits[n].count)
		n++;
	list = explain_list(ret, "waits_for", n);
	for (size_t i = 0; list && i < list->list_len; i++)
		explain_write(list->list[i], sizeof(list->list[i]), "%s %.0f %%",
			      site->waits[i].reason, share_pct(site->waits[i].count, site->live));
}

/* Ages i and on that are one cluster; returns the end. */
static size_t explain_cluster(const struct event_census_site *site, const struct verdict *v,
			      size_t i, char *buf, size_t size)
{
	char young[UNITS_BUF], old[UNITS_BUF];
	size_t end = i;
	u64 members = 0;

	for (; end < site->age_count && v->point[end].cluster == v->point[i].cluster; end++)
		members += site->ages[end].count;
	explain_write(buf, size, "%llu from %s to %s old", members,
		      fmt_duration_ns(young, site->ages[i].age_ns),
		      fmt_duration_ns(old, site->ages[end - 1].age_ns));
	return end;
}

static void explain_clusters(const struct event_census_site *site, const struct verdict *v,
			     struct explanation *ret)
{
	struct evidence *list = explain_list(ret, "clusters", v->clusters);
	size_t n = 0;

	for (size_t i = 0; list && i < site->age_count && n < list->list_len;) {
		if (v->point[i].cluster == DBSCAN_NOISE)
			i++;
		else
			i = explain_cluster(site, v, i, list->list[n++], sizeof(list->list[0]));
	}
}

static void explain_ages(const struct event_census_site *site, const struct verdict *v,
			 struct explanation *ret)
{
	explain_number(ret, "older_than_s", (double)v->stay_ns / 1e9);
	explain_number(ret, "mean_age_s", (double)site->mean_ns / 1e9);
	explain_number(ret, "oldest_age_s", (double)site->oldest_ns / 1e9);
	explain_number(ret, "median_age_least_s", (double)site->median_least_ns / 1e9);
	explain_number(ret, "median_age_most_s", (double)site->median_most_ns / 1e9);
	explain_clusters(site, v, ret);
}

static void summarise(const struct event_census_site *site, const struct finding *finding,
		      double growth_per_s, const struct explanation *ex, char *buf, size_t size)
{
	char leaked[UNITS_BUF], live[UNITS_BUF], growth[UNITS_BUF], oldest[UNITS_BUF];

	fmt_count(leaked, finding->value);
	fmt_count(live, (double)site->live);
	fmt_count(growth, growth_per_s);
	fmt_duration_ns(oldest, site->oldest_ns);
	explain_write(buf, size,
		      "%s of %s goroutines from %s look leaked: %s more a second, the oldest is "
		      "%s old, %.0f %% wait: %s",
		      leaked, live, ex->subject, growth, oldest,
		      share_pct(site->waits[0].count, site->live), site->waits[0].reason);
}

static void leaks_explain(const void *state, const struct model *model,
			  const struct finding *finding, struct explanation *ret)
{
	const struct census_sites *sites = model_census_sites(model);
	const struct names *names = model_names(model);
	const struct census_site *site = census_sites_find(sites, strtoull(finding->key, NULL, 16));
	char start[EVIDENCE_TEXT_MAX];
	struct verdict verdict = { 0 };
	double growth_per_s;

	(void)state;
	if (!site)
		return;
	judge_site(sites, site, &verdict);
	growth_per_s =
		verdict.leaked ? (double)(verdict.came - verdict.ended) / verdict.seconds : 0;
	names->frame(names->arg, site->last.gopc, true, ret->subject, sizeof(ret->subject));
	names->func(names->arg, site->last.startpc, false, start, sizeof(start));
	summarise(&site->last, finding, growth_per_s, ret, ret->summary, sizeof(ret->summary));
	advise(&site->last, ret);
	explain_text(ret, "site", "%s", ret->subject);
	explain_text(ret, "start_function", "%s", start);
	explain_number(ret, "live", (double)site->last.live);
	explain_number(ret, "growth_per_s", growth_per_s);
	explain_waits(&site->last, ret);
	explain_ages(&site->last, &verdict, ret);
}

const struct detector detector_goroutine_leak = {
	.name = "goroutine-leak",
	.measures = { { "leaked", "goroutines" } },
	.measure_count = 1,
	.new = leaks_new,
	.free = free,
	.events = 1 << EVENT_CENSUS,
	.event = leaks_event,
	.explain = leaks_explain,
};
