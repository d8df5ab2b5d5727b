/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Few threads, the hands, for many jobs, each of which has something to do at a time
 * that it says itself. One of the hands keeps the time, and does what is due; when
 * that is to wait for the kernel, another comes to keep the time. So there are as many as
 * wait at once, and some.
 */
#ifndef PROBE_CREW_H
#define PROBE_CREW_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/queue.h>

#include <gosonde/types.h>

#include "base/err.h"
#include "base/macros.h"

struct crew;
struct crew_job;

/* When a job is to go on, CLOCK_MONOTONIC. */
struct crew_order {
	u64 due_ns; /* CREW_NEVER: it has ended */
	bool waits; /* it will wait for something, so a hand is to do it */
};

#define CREW_NEVER (~0ULL)

enum crew_state { CREW_IDLE, CREW_WAITING, CREW_READY, CREW_RUNNING };

/* Owned by the caller, who sets work, and calls crew_job_init(). The rest is the crew's. */
struct crew_job {
	/* may_wait: a hand does it. Returns what comes next. */
	struct crew_order (*work)(struct crew_job *job, bool may_wait);
	enum crew_state state;
	struct crew_order order;
	bool hurried, ends;
	pthread_cond_t woken;
	TAILQ_ENTRY(crew_job) link;
};

void crew_job_init(struct crew_job *job,
		   struct crew_order (*work)(struct crew_job *job, bool may_wait));
void crew_job_done(struct crew_job *job);

/* Returns 0 or a negative errno. */
int crew_new(struct crew **ret, struct err *err);

/* All jobs must have ended. */
void crew_free(struct crew *crew);
DEFINE_FREEP(struct crew, crew_free)

/* Work begins; the job must not have begun already. */
void crew_begin(struct crew *crew, struct crew_job *job, const struct crew_order *order);

/* The job goes on at once, by a hand; one that sleeps is woken. */
void crew_hurry(struct crew *crew, struct crew_job *job);

/* For the job itself, in a hand: sleeps until the time, a hurry, or the end. Returns whether woken
 * before the time. */
bool crew_sleep(struct crew *crew, struct crew_job *job, u64 until_ns);

/* Whether it is to end. */
bool crew_ends(const struct crew_job *job);

/* It is to end as soon as it can; does not wait for that. */
void crew_end(struct crew *crew, struct crew_job *job);

/* Ends it, and waits until it is no more at work. One that never began has ended. */
void crew_join(struct crew *crew, struct crew_job *job);

#endif
