/* SPDX-License-Identifier: BSD-2-Clause */
/* The crew: everything is done, in time's order, and waits hold up nobody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <time.h>

#include "base/units.h"
#include "probe/crew.h"

enum { MANY = 100 };

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * NS_PER_S + (u64)ts.tv_nsec;
}

/* All that the tests look at is under the lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int at_work, done;

struct job {
	struct crew_job job; /* first */
	struct crew *crew;
	int times, number, order; /* order: what the job was as the done-th */
	bool woken;
};

static void jobs_begin(struct job *jobs, size_t n, struct crew *crew,
		       struct crew_order (*work)(struct crew_job *job, bool may_wait))
{
	at_work = done = 0;
	for (size_t i = 0; i < n; i++) {
		crew_job_init(&jobs[i].job, work);
		jobs[i].crew = crew;
		jobs[i].number = (int)i;
	}
}

static void await(const int *what, int value)
{
	pthread_mutex_lock(&lock);
	while (*what < value)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

static void end_all(struct job *jobs, size_t n, struct crew *crew)
{
	for (size_t i = 0; i < n; i++)
		crew_end(crew, &jobs[i].job);
	for (size_t i = 0; i < n; i++) {
		crew_join(crew, &jobs[i].job);
		crew_job_done(&jobs[i].job);
	}
}

static struct crew_order note_order(struct crew_job *job, bool may_wait)
{
	struct job *j = (struct job *)job;

	assert_false(may_wait);
	pthread_mutex_lock(&lock);
	j->order = done++;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return (struct crew_order) { .due_ns = CREW_NEVER };
}

static void test_the_first_due_is_done_first(void **state)
{
	struct job jobs[MANY] = { 0 };
	u64 begin_ns = now_ns() + 200 * NS_PER_MS;
	struct crew *crew;

	(void)state;
	assert_int_equal(crew_new(&crew, NULL), 0);
	jobs_begin(jobs, MANY, crew, note_order);
	for (size_t i = 0; i < MANY; i++) {
		size_t k = i * 37 % MANY;

		crew_begin(crew, &jobs[k].job,
			   &(struct crew_order) { .due_ns = begin_ns + k * NS_PER_US });
	}
	await(&done, MANY);
	assert_true(now_ns() >= begin_ns);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(jobs[i].order, i);
	end_all(jobs, MANY, crew);
	crew_free(crew);
}

/* Looks without waiting twice, then waits until all others do too. */
static struct crew_order look_and_wait(struct crew_job *job, bool may_wait)
{
	struct job *j = (struct job *)job;

	if (!may_wait)
		return (struct crew_order) { .due_ns = now_ns(), .waits = j->times++ > 0 };
	pthread_mutex_lock(&lock);
	at_work++;
	pthread_cond_broadcast(&changed);
	while (at_work < MANY)
		pthread_cond_wait(&changed, &lock);
	done++;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return (struct crew_order) { .due_ns = CREW_NEVER };
}

static void test_all_can_wait_at_once(void **state)
{
	struct job jobs[MANY] = { 0 };
	struct crew *crew;

	(void)state;
	assert_int_equal(crew_new(&crew, NULL), 0);
	jobs_begin(jobs, MANY, crew, look_and_wait);
	for (size_t i = 0; i < MANY; i++)
		crew_begin(crew, &jobs[i].job, &(struct crew_order) { .due_ns = now_ns() });
	await(&done, MANY);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(jobs[i].times, 2);
	end_all(jobs, MANY, crew);
	crew_free(crew);
}

/* Sleeps for an hour, and again. */
static struct crew_order sleep_long(struct crew_job *job, bool may_wait)
{
	struct job *j = (struct job *)job;

	assert_true(may_wait);
	pthread_mutex_lock(&lock);
	at_work++;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	j->woken = crew_sleep(j->crew, job, now_ns() + 3600 * NS_PER_S);
	pthread_mutex_lock(&lock);
	done++;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return (struct crew_order) { .due_ns = now_ns() + 3600 * NS_PER_S };
}

static void test_hurry_and_end_wake(void **state)
{
	struct job job = { .times = 0 };
	struct crew *crew;

	(void)state;
	assert_int_equal(crew_new(&crew, NULL), 0);
	jobs_begin(&job, 1, crew, sleep_long);
	crew_begin(crew, &job.job, &(struct crew_order) { .due_ns = now_ns() + 3600 * NS_PER_S });
	for (int i = 1; i <= 3; i++) {
		crew_hurry(crew, &job.job); /* it waits for its time, or is about to */
		await(&at_work, i);
		crew_hurry(crew, &job.job); /* it sleeps, or is about to */
		await(&done, i);
		assert_true(job.woken);
	}
	crew_hurry(crew, &job.job);
	await(&at_work, 4);
	crew_join(crew, &job.job);
	assert_int_equal(done, 4);
	assert_true(crew_ends(&job.job));
	crew_job_done(&job.job);
	crew_free(crew);
}

/* Those that wait do so until the last job is done, which is one for whoever keeps the time. */
enum { WAITING, HURRYING = 2, HURRIED, LAST, JOBS };

static bool last_is_done(void)
{
	struct timespec until;
	int rc = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 10;
	pthread_mutex_lock(&lock);
	while (!done && !rc)
		rc = pthread_cond_timedwait(&changed, &lock, &until);
	pthread_mutex_unlock(&lock);
	return !rc;
}

static struct crew_order wait_for_last(struct crew_job *job, bool may_wait)
{
	struct job *j = (struct job *)job;

	if (!may_wait)
		return note_order(job, may_wait);
	if (j->number == HURRYING)
		crew_hurry(j->crew, &j[HURRIED - HURRYING].job);
	j->woken = last_is_done();
	return (struct crew_order) { .due_ns = CREW_NEVER };
}

static void test_somebody_keeps_the_time_whoever_waits(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		struct job jobs[JOBS] = { 0 };
		struct crew *crew;
		u64 begin_ns;

		assert_int_equal(crew_new(&crew, NULL), 0);
		jobs_begin(jobs, JOBS, crew, wait_for_last);
		begin_ns = now_ns() + 20 * NS_PER_MS; /* all hands are there, and idle */
		crew_begin(crew, &jobs[HURRIED].job,
			   &(struct crew_order) { begin_ns + NS_PER_S, .waits = true });
		for (u64 k = WAITING; k <= HURRYING; k++)
			crew_begin(crew, &jobs[k].job,
				   &(struct crew_order) { begin_ns + k * 5 * NS_PER_MS, true });
		crew_begin(crew, &jobs[LAST].job,
			   &(struct crew_order) { begin_ns + 20 * NS_PER_MS, false });
		assert_true(last_is_done());
		end_all(jobs, JOBS, crew);
		for (int k = WAITING; k <= HURRYING; k++)
			assert_true(jobs[k].woken);
		crew_free(crew);
	}
}

static void test_one_that_never_began_has_ended(void **state)
{
	struct job job = { .times = 0 };
	struct crew *crew;

	(void)state;
	assert_int_equal(crew_new(&crew, NULL), 0);
	jobs_begin(&job, 1, crew, sleep_long);
	crew_hurry(crew, &job.job);
	crew_join(crew, &job.job);
	assert_int_equal(at_work, 0);
	crew_job_done(&job.job);
	crew_free(crew);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_first_due_is_done_first),
		cmocka_unit_test(test_all_can_wait_at_once),
		cmocka_unit_test(test_hurry_and_end_wake),
		cmocka_unit_test(test_somebody_keeps_the_time_whoever_waits),
		cmocka_unit_test(test_one_that_never_began_has_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
