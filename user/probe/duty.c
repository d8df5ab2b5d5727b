/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/duty.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "govern/stretch.h"
#include "probe/calibrate.h"
#include "probe/group_reader.h"
#include "probe/monotonic.h"

/* What attaching and detaching take from the process itself, beside hits: its memory is locked, a
 * page copied, its TLB flushed, for each site, and what the kernel does on each CPU to be sure that
 * no program runs any more comes on top of it. Measured with sites that are never hit, in a virtual
 * machine of two CPUs: 0.9 +- 0.13 ms of caddy's CPU time under load (24 times a second, 1.9 % more
 * for each byte; as much where the sites were another process's), 0.15 ms of a loop. */
#define ATTACH_COST_NS (1.0 * NS_PER_MS)

/* Attaching holds the target's threads up, for some 0.2 ms; one that makes up for it does so first,
 * which is no rate of its. A thread that spins until a call is due showed 2 % more calls. */
#define SETTLE_NS (500 * NS_PER_US)

/* A kernel that can't attach now may be able to a little later. */
enum { ATTACH_TRIES = 5 };

struct worker {
	struct crew_job job; /* first: what the crew has is the worker */
	struct duty *duty;
	enum probe_group group;
	struct group_reader reader;
	u32 window;
	bool standing, leaves;	     /* leaves: is to be detached now */
	bool lean;		     /* the next window is */
	struct governor_order order; /* of the window that is open, or comes next */
	struct reading seen;	     /* where a group that stands goes on */
	struct reading charged;	     /* hits up to here have been told to the governor */
	u64 cap_hits;		     /* as order.cap_ns has them */
	/* What follows is the duty's lock's. */
	struct estimate estimate;
	struct stretch stretch;
	double cost_ns;
	double shown_ns; /* what duty_look() gave of it last: costs don't go back */
	bool off;	 /* it is to stand, and could not be attached so far: why */
	bool failed;	 /* and will not be tried again */
	struct err why;	 /* one that was set is not changed, so that it can be handed out */
};

struct duty {
	struct duty_config config;
	pthread_mutex_t lock; /* of the governor, of all estimates, and of config.costs */
	struct governor *governor;
	struct worker workers[PROBE_GROUP_COUNT];
	bool joined; /* the breakers */
};

/* Under the lock, as all that looks at costs. */
static double stretch(const struct worker *w)
{
	return probe_is_timed(w->group) ? stretch_of(&w->stretch, w->duty->config.costs.run_ns) : 1;
}

/* The dearest function's. */
static double most_ns(const struct worker *w)
{
	double most = 1;

	for (size_t fn = w->reader.first; fn <= w->reader.last; fn++)
		most = MAX(most, w->duty->config.costs.full_ns[fn]);
	return most;
}

/* The pipeline's reading may be older than the last one of a hand that works meanwhile. */
static double cost_between(const struct worker *w, const struct reading *from,
			   const struct reading *to, bool lean)
{
	const struct duty_costs *costs = &w->duty->config.costs;
	const double *ns = lean ? costs->lean_ns : costs->full_ns;
	double cost_ns = reading_rise(to->regrown, from->regrown) * most_ns(w);

	for (size_t fn = w->reader.first; fn <= w->reader.last; fn++)
		cost_ns += reading_rise(to->hits[fn], from->hits[fn]) * ns[fn];
	return cost_ns * stretch(w);
}

/* By the dearest, so that the breaker trips rather early. */
static u64 hits_of(const struct worker *w, u64 cost_ns)
{
	return (u64)((double)cost_ns / (most_ns(w) * stretch(w))) + 1;
}

static void open_gate(struct worker *w, bool lean)
{
	const struct wire_gate gate = {
		.cap = w->cap_hits,
		.window = __atomic_add_fetch(&w->window, 1, __ATOMIC_RELEASE),
		.lean = lean,
	};

	kern_set_gate(w->duty->config.kern, w->duty->config.slot, w->group, &gate);
}

static void ask(struct worker *w)
{
	pthread_mutex_lock(&w->duty->lock);
	w->order = governor_next(w->duty->governor, w->group, monotonic_ns());
	w->cap_hits = hits_of(w, w->order.cap_ns);
	pthread_mutex_unlock(&w->duty->lock);
}

/* Returns whether the group may stay attached. */
static bool tell(struct worker *w, struct exposure *x, bool attached)
{
	double attach_ns = attached ? ATTACH_COST_NS : 0;

	pthread_mutex_lock(&w->duty->lock);
	stretch_add(&w->stretch, x->close.runs - x->open.runs, x->close.runs_ns - x->open.runs_ns);
	x->cost_ns = cost_between(w, &x->open, &x->close, x->lean);
	x->cost_error = stretch_error(stretch(w));
	x->stays = governor_spent(w->duty->governor, w->group, x->open.time_ns, x->close.time_ns,
				  x->cost_ns, attach_ns);
	estimate_exposed(&w->estimate, x);
	governor_lengthen(w->duty->governor, w->group, put_off_is_short(&w->estimate.put_off));
	w->cost_ns += x->cost_ns + attach_ns;
	pthread_mutex_unlock(&w->duty->lock);
	return x->stays;
}

/* Hits outside of windows: while the kernel attached and detached. */
static void charge_strays(struct worker *w, const struct reading *to)
{
	double cost_ns;

	pthread_mutex_lock(&w->duty->lock);
	cost_ns = cost_between(w, &w->charged, to, false);
	governor_charge(w->duty->governor, to->time_ns, cost_ns);
	w->cost_ns += cost_ns;
	pthread_mutex_unlock(&w->duty->lock);
	w->charged = *to;
}

/* err: why it is off; NULL: it stands. */
static void set_off(struct worker *w, const struct err *err, bool for_good)
{
	pthread_mutex_lock(&w->duty->lock);
	w->off = err;
	w->failed = err && for_good;
	if (err && !w->why.text[0])
		w->why = *err;
	pthread_mutex_unlock(&w->duty->lock);
}

/* Returns whether it stands. */
static bool attach(struct worker *w)
{
	struct err err = { 0 };

	for (int tries = 1; !crew_ends(&w->job) && !w->failed; tries++) {
		w->standing = !armed_attach(w->duty->config.armed, w->group, &err);
		set_off(w, w->standing ? NULL : &err, tries == ATTACH_TRIES);
		if (w->standing)
			return true;
		(void)crew_sleep(w->duty->config.crew, &w->job, monotonic_ns() + NS_PER_S);
	}
	return false;
}

static int detach(struct worker *w)
{
	struct reading after;

	armed_detach(w->duty->config.armed, w->group);
	w->standing = false;
	if (group_read(&w->reader, &after))
		return -EIO;
	charge_strays(w, &after);
	return 0;
}

static const struct crew_order ended = { .due_ns = CREW_NEVER };

/* What a group does next: it is looked at when the window that begins now is over, or it opens
 * one. */
static struct crew_order go_on(struct worker *w)
{
	ask(w);
	if (!w->standing)
		return (struct crew_order) { .due_ns = w->order.open_ns, .waits = true };
	open_gate(w, false);
	return (struct crew_order) { .due_ns = w->seen.time_ns + w->order.length_ns };
}

/* Reads, and tells. attached_ns: when it was, for this window; 0: it stood before. Returns 1: the
 * group may stay attached, 0: not, or -EIO. */
static int close_window(struct worker *w, struct exposure *x, u64 attached_ns)
{
	if (attached_ns ? group_read_close(&w->reader, w->window, attached_ns, x)
			: group_read(&w->reader, &x->close))
		return -EIO;
	x->pause_ns = w->order.pause_ns;
	w->seen = w->charged = x->close;
	return tell(w, x, attached_ns > 0);
}

/* One of a group that stands. Returns as close_window(). */
static int look(struct worker *w)
{
	struct exposure x = { .open = w->seen };

	return close_window(w, &x, 0);
}

/* Returns 0 or -EIO. */
static int begin_exposure(struct worker *w, struct exposure *x)
{
	if (group_read_open(&w->reader, w->window, &x->open))
		return -EIO;
	charge_strays(w, &x->open);
	return 0;
}

/* A target that trips the breaker at once has no time to settle, and one that is hit on many CPUs
 * has windows of some 10 us: most of each shall be looked at. */
static bool settle(struct worker *w, const struct exposure *x)
{
	u64 settle_ns = MIN(SETTLE_NS, w->order.length_ns / 4);

	return !crew_sleep(w->duty->config.crew, &w->job, x->open.time_ns + settle_ns);
}

/* Attaches, waits, closes. What it takes to settle is of the window's length and of its cap, for it
 * costs the target as much. Returns as close_window(). */
static int run_window(struct worker *w)
{
	struct exposure x = { .lean = w->lean };
	u64 attached_ns;

	w->lean = !w->lean;
	open_gate(w, x.lean);
	if (!attach(w))
		return 0;
	if (begin_exposure(w, &x))
		return -EIO;
	attached_ns = x.open.time_ns;
	if (settle(w, &x)) {
		if (begin_exposure(w, &x))
			return -EIO;
		(void)crew_sleep(w->duty->config.crew, &w->job, attached_ns + w->order.length_ns);
	}
	return close_window(w, &x, attached_ns);
}

static struct crew_order fail(struct worker *w, int rc)
{
	struct err err = { 0 };

	(void)err_set(&err, rc, "the counters of %s can't be read: it is off now",
		      probe_group_name(w->group));
	armed_detach(w->duty->config.armed, w->group);
	set_off(w, &err, true);
	return ended;
}

static bool is_early(const struct worker *w)
{
	return !w->standing && monotonic_ns() < w->order.open_ns;
}

/* Detaching waits for the kernel, so a look that ends in it goes on in a hand. */
static struct crew_order work(struct crew_job *job, bool may_wait)
{
	struct worker *w = (struct worker *)job;
	int rc = 0;

	if (crew_ends(job) || w->failed)
		return ended;
	if (is_early(w)) /* a trip of the window before */
		return (struct crew_order) { .due_ns = w->order.open_ns, .waits = true };
	if (!w->leaves)
		rc = w->standing ? look(w) : run_window(w);
	w->leaves = !rc && w->standing;
	if (w->leaves && !may_wait)
		return (struct crew_order) { .waits = true };
	if (w->leaves)
		rc = detach(w);
	w->leaves = false;
	return rc < 0 ? fail(w, rc) : go_on(w);
}

static void on_trip(void *arg, const struct wire_trip *trip)
{
	struct duty *duty = arg;
	struct worker *w = &duty->workers[trip->group % PROBE_GROUP_COUNT];

	/* One of a window that has closed meanwhile must not close the next. */
	if (trip->window == __atomic_load_n(&w->window, __ATOMIC_ACQUIRE))
		crew_hurry(duty->config.crew, &w->job);
}

static int start_worker(struct duty *duty, enum probe_group group, struct err *err)
{
	struct worker *w = &duty->workers[group];
	struct crew_order first;
	int rc;

	w->duty = duty;
	w->group = group;
	w->standing = true;
	rc = group_reader_init(&w->reader, duty->config.kern, duty->config.slot,
			       duty->config.process, group);
	if (!rc)
		rc = group_read(&w->reader, &w->seen);
	if (rc)
		return err_set(err, rc, "can't read the counters: %s", strerror(-rc));
	estimate_start(&w->estimate, w->reader.first, w->reader.last, &w->seen);
	w->charged = w->seen;
	first = go_on(w);
	crew_begin(duty->config.crew, &w->job, &first);
	return 0;
}

/* Once the workers can be woken. */
static void join_breakers(struct duty *duty)
{
	breakers_join(duty->config.breakers, duty->config.slot,
		      &(struct breaker_user) { .tripped = on_trip, .arg = duty });
	duty->joined = true;
}

static void leave_breakers(struct duty *duty)
{
	if (duty->joined)
		breakers_leave(duty->config.breakers, duty->config.slot);
	duty->joined = false;
}

int duty_start(struct duty **ret, const struct duty_config *config, struct err *err)
{
	CLEANUP(duty_freep) struct duty *duty = calloc(1, sizeof(*duty));
	int rc = 0;

	if (!duty)
		return err_set(err, -ENOMEM, "out of memory");
	duty->config = *config;
	for (size_t g = 0; g < PROBE_GROUP_COUNT; g++)
		crew_job_init(&duty->workers[g].job, work);
	pthread_mutex_init(&duty->lock, NULL);
	duty->governor = governor_new(&config->governor);
	if (!duty->governor)
		return err_set(err, -ENOMEM, "out of memory");
	join_breakers(duty);
	for (size_t g = 0; g < PROBE_GROUP_COUNT && !rc; g++)
		if (config->groups[g])
			rc = start_worker(duty, (enum probe_group)g, err);
	if (!rc)
		*ret = TAKE_PTR(duty);
	return rc;
}

void duty_stop_soon(struct duty *duty)
{
	/* They hurry workers, so they go first. */
	leave_breakers(duty);
	for (size_t g = 0; g < PROBE_GROUP_COUNT; g++)
		crew_end(duty->config.crew, &duty->workers[g].job);
}

void duty_stop(struct duty *duty)
{
	duty_stop_soon(duty);
	for (size_t g = 0; g < PROBE_GROUP_COUNT; g++)
		crew_join(duty->config.crew, &duty->workers[g].job);
}

void duty_free(struct duty *duty)
{
	if (!duty)
		return;
	duty_stop(duty);
	for (size_t g = 0; g < PROBE_GROUP_COUNT; g++) {
		crew_job_done(&duty->workers[g].job);
		group_reader_done(&duty->workers[g].reader);
	}
	governor_free(duty->governor);
	pthread_mutex_destroy(&duty->lock);
	free(duty);
}

bool duty_governs(const struct duty *duty, enum probe_group group)
{
	return duty->config.groups[group];
}

void duty_look(struct duty *duty, enum probe_group group, u64 time_ns,
	       const struct wire_counters *counters, struct duty_view *ret)
{
	struct worker *w = &duty->workers[group];
	struct reading now = group_reading(&w->reader, time_ns, counters);
	double cost_ns;

	*ret = (struct duty_view) { .governed = duty_governs(duty, group) };
	if (!ret->governed)
		return;
	pthread_mutex_lock(&duty->lock);
	estimate_now(&w->estimate, &now, &ret->estimate);
	cost_ns = w->cost_ns;
	if (w->estimate.standing)
		cost_ns += cost_between(w, &w->estimate.seen, &now, false);
	ret->cost_ns = w->shown_ns = MAX(w->shown_ns, cost_ns);
	ret->off = w->off;
	pthread_mutex_unlock(&duty->lock);
}

void duty_charge(struct duty *duty, u64 time_ns, double cost_ns)
{
	pthread_mutex_lock(&duty->lock);
	governor_charge_others(duty->governor, time_ns, cost_ns);
	pthread_mutex_unlock(&duty->lock);
}

void duty_set_costs(struct duty *duty, const struct duty_costs *costs)
{
	pthread_mutex_lock(&duty->lock);
	duty->config.costs = *costs;
	pthread_mutex_unlock(&duty->lock);
}

void duty_set_budget(struct duty *duty, double budget)
{
	pthread_mutex_lock(&duty->lock);
	governor_set_budget(duty->governor, budget);
	pthread_mutex_unlock(&duty->lock);
}

const char *duty_failure(struct duty *duty)
{
	const char *why = NULL;

	pthread_mutex_lock(&duty->lock);
	for (size_t g = 0; g < PROBE_GROUP_COUNT && !why; g++)
		if (duty->workers[g].off)
			why = duty->workers[g].why.text;
	pthread_mutex_unlock(&duty->lock);
	return why;
}
