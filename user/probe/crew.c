/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/crew.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probe/monotonic.h"

/* Some are always there, since a window that is to end can't wait for a thread to be made: one
 * keeps the time. Those beyond go when they were not needed for so long. */
enum { HANDS_KEPT = 4 };
#define HAND_IDLE_NS (10 * NS_PER_S)

/* What attaching takes, several times; threads that have the usual 8 MiB are many mappings. */
enum { STACK_BYTES = 256 << 10 };

TAILQ_HEAD(crew_jobs, crew_job);

struct crew {
	pthread_mutex_t lock;	/* of all that follows, and of the crew's part of each job */
	pthread_cond_t changed; /* for who keeps the time */
	pthread_cond_t wanted;	/* for an idle hand */
	pthread_cond_t rested;	/* a job is no more at work, or a hand has gone */
	bool has_keeper, ends;
	struct crew_jobs waiting; /* by time */
	struct crew_jobs ready;
	size_t ready_count, hands, idle_hands;
};

static void cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

/* Returns whether the time has come. */
static bool wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, u64 until_ns)
{
	const struct timespec until = { .tv_sec = (time_t)(until_ns / NS_PER_S),
					.tv_nsec = (long)(until_ns % NS_PER_S) };

	return pthread_cond_timedwait(cond, lock, &until) == ETIMEDOUT;
}

void crew_job_init(struct crew_job *job,
		   struct crew_order (*work)(struct crew_job *job, bool may_wait))
{
	*job = (struct crew_job) { .work = work };
	cond_init(&job->woken);
}

void crew_job_done(struct crew_job *job)
{
	pthread_cond_destroy(&job->woken);
}

bool crew_ends(const struct crew_job *job)
{
	return __atomic_load_n(&job->ends, __ATOMIC_ACQUIRE);
}

static void hand_over(struct crew *crew, struct crew_job *job);

/* Most are due as long after the last as the last after the one before: the place is near the end.
 */
static void wait_for_time(struct crew *crew, struct crew_job *job)
{
	struct crew_job *before = TAILQ_LAST(&crew->waiting, crew_jobs);

	job->state = CREW_WAITING;
	while (before && before->order.due_ns > job->order.due_ns)
		before = TAILQ_PREV(before, crew_jobs, link);
	if (before) {
		TAILQ_INSERT_AFTER(&crew->waiting, before, job, link);
		return;
	}
	TAILQ_INSERT_HEAD(&crew->waiting, job, link);
	pthread_cond_signal(&crew->changed);
}

/* What comes after an order. The lock is held. */
static void rest(struct crew *crew, struct crew_job *job, const struct crew_order *order)
{
	job->state = CREW_IDLE;
	if (order->due_ns == CREW_NEVER || job->ends) {
		pthread_cond_broadcast(&crew->rested);
	} else if (job->hurried) {
		job->hurried = false;
		hand_over(crew, job);
	} else {
		job->order = *order;
		wait_for_time(crew, job);
	}
}

/* The lock is held, but not while it works. */
static struct crew_order work(struct crew *crew, struct crew_job *job, bool may_wait)
{
	struct crew_order order;

	job->state = CREW_RUNNING;
	pthread_mutex_unlock(&crew->lock);
	order = job->work(job, may_wait);
	pthread_mutex_lock(&crew->lock);
	return order;
}

static void work_and_rest(struct crew *crew, struct crew_job *job)
{
	const struct crew_order order = work(crew, job, true);

	rest(crew, job, &order);
}

static struct crew_job *next_ready(struct crew *crew)
{
	struct crew_job *job = TAILQ_FIRST(&crew->ready);

	if (job) {
		TAILQ_REMOVE(&crew->ready, job, link);
		crew->ready_count--;
	}
	return job;
}

static void *be_hand(void *arg);

static int hire(struct crew *crew)
{
	pthread_attr_t attr;
	pthread_t thread;
	int rc;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	rc = pthread_create(&thread, &attr, be_hand, crew);
	pthread_attr_destroy(&attr);
	crew->hands += !rc;
	return rc;
}

/* For what is ready, and to keep the time if nobody does. Where no thread is to be had, those that
 * are there come to it, late. */
static void call_hand(struct crew *crew)
{
	if (crew->idle_hands >= crew->ready_count + !crew->has_keeper)
		pthread_cond_signal(&crew->wanted);
	else if (hire(crew))
		pthread_cond_signal(&crew->changed);
}

static void hand_over(struct crew *crew, struct crew_job *job)
{
	job->state = CREW_READY;
	TAILQ_INSERT_TAIL(&crew->ready, job, link);
	crew->ready_count++;
	call_hand(crew);
}

/* Who is to wait for something else leaves the time to another. */
static void resign(struct crew *crew)
{
	crew->has_keeper = false;
	call_hand(crew);
}

/* The keeper does what is due itself: to wake another first would make it late. Returns whether it
 * still keeps the time. */
static bool do_due(struct crew *crew, struct crew_job *job)
{
	struct crew_order order = job->order;

	TAILQ_REMOVE(&crew->waiting, job, link);
	if (!order.waits)
		order = work(crew, job, false);
	if (!order.waits || order.due_ns > monotonic_ns()) {
		rest(crew, job, &order);
		return true;
	}
	resign(crew);
	work_and_rest(crew, job);
	return false;
}

/* Until something is due, or changes. Returns as do_due(). */
static bool keep_time(struct crew *crew)
{
	struct crew_job *job = TAILQ_FIRST(&crew->waiting);

	crew->has_keeper = true;
	if (!job)
		pthread_cond_wait(&crew->changed, &crew->lock);
	else if (job->order.due_ns > monotonic_ns())
		(void)wait_until(&crew->changed, &crew->lock, job->order.due_ns);
	else
		return do_due(crew, job);
	return true;
}

/* Returns false when it was not needed for long. */
static bool be_idle(struct crew *crew)
{
	bool late;

	crew->idle_hands++;
	late = wait_until(&crew->wanted, &crew->lock, monotonic_ns() + HAND_IDLE_NS);
	crew->idle_hands--;
	return !late || crew->hands <= HANDS_KEPT || !TAILQ_EMPTY(&crew->ready) ||
	       !crew->has_keeper;
}

static void *be_hand(void *arg)
{
	struct crew *crew = arg;
	bool needed = true, keeps = false;

	pthread_mutex_lock(&crew->lock);
	while (needed && !crew->ends) {
		struct crew_job *job = next_ready(crew);

		if (job) {
			if (keeps)
				resign(crew);
			keeps = false;
			work_and_rest(crew, job);
		} else if (keeps || !crew->has_keeper) {
			keeps = keep_time(crew);
		} else {
			needed = be_idle(crew);
		}
	}
	crew->hands--;
	pthread_cond_broadcast(&crew->rested);
	pthread_mutex_unlock(&crew->lock);
	return NULL;
}

static int hire_first(struct crew *crew, struct err *err)
{
	int rc = 0;

	pthread_mutex_lock(&crew->lock);
	for (int i = 0; i < HANDS_KEPT && !rc; i++)
		rc = hire(crew);
	pthread_mutex_unlock(&crew->lock);
	return rc ? err_set(err, -rc, "can't start a thread: %s", strerror(rc)) : 0;
}

int crew_new(struct crew **ret, struct err *err)
{
	CLEANUP(crew_freep) struct crew *crew = calloc(1, sizeof(*crew));
	int rc;

	if (!crew)
		return err_set(err, -ENOMEM, "out of memory");
	pthread_mutex_init(&crew->lock, NULL);
	cond_init(&crew->changed);
	cond_init(&crew->wanted);
	cond_init(&crew->rested);
	TAILQ_INIT(&crew->waiting);
	TAILQ_INIT(&crew->ready);
	rc = hire_first(crew, err);
	if (!rc)
		*ret = TAKE_PTR(crew);
	return rc;
}

static void end_threads(struct crew *crew)
{
	pthread_mutex_lock(&crew->lock);
	crew->ends = true;
	pthread_cond_broadcast(&crew->changed);
	pthread_cond_broadcast(&crew->wanted);
	while (crew->hands)
		pthread_cond_wait(&crew->rested, &crew->lock);
	pthread_mutex_unlock(&crew->lock);
}

void crew_free(struct crew *crew)
{
	if (!crew)
		return;
	end_threads(crew);
	pthread_cond_destroy(&crew->changed);
	pthread_cond_destroy(&crew->wanted);
	pthread_cond_destroy(&crew->rested);
	pthread_mutex_destroy(&crew->lock);
	free(crew);
}

void crew_begin(struct crew *crew, struct crew_job *job, const struct crew_order *order)
{
	pthread_mutex_lock(&crew->lock);
	rest(crew, job, order);
	pthread_mutex_unlock(&crew->lock);
}

void crew_hurry(struct crew *crew, struct crew_job *job)
{
	pthread_mutex_lock(&crew->lock);
	if (job->state == CREW_WAITING) {
		TAILQ_REMOVE(&crew->waiting, job, link);
		hand_over(crew, job);
	} else if (job->state == CREW_RUNNING) {
		job->hurried = true;
		pthread_cond_signal(&job->woken);
	}
	pthread_mutex_unlock(&crew->lock);
}

bool crew_sleep(struct crew *crew, struct crew_job *job, u64 until_ns)
{
	bool woken;

	pthread_mutex_lock(&crew->lock);
	while (!job->hurried && !job->ends && !wait_until(&job->woken, &crew->lock, until_ns))
		;
	woken = job->hurried || job->ends;
	job->hurried = false;
	pthread_mutex_unlock(&crew->lock);
	return woken;
}

static void end(struct crew *crew, struct crew_job *job)
{
	__atomic_store_n(&job->ends, true, __ATOMIC_RELEASE);
	if (job->state == CREW_WAITING) {
		TAILQ_REMOVE(&crew->waiting, job, link);
		job->state = CREW_IDLE;
	} else if (job->state == CREW_RUNNING) {
		pthread_cond_signal(&job->woken);
	}
}

void crew_end(struct crew *crew, struct crew_job *job)
{
	pthread_mutex_lock(&crew->lock);
	end(crew, job);
	pthread_mutex_unlock(&crew->lock);
}

void crew_join(struct crew *crew, struct crew_job *job)
{
	pthread_mutex_lock(&crew->lock);
	end(crew, job);
	while (job->state != CREW_IDLE)
		pthread_cond_wait(&crew->rested, &crew->lock);
	pthread_mutex_unlock(&crew->lock);
}
