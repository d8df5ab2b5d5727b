/* SPDX-License-Identifier: BSD-2-Clause */
/* Tells of a target's long pauses what kept its threads from running meanwhile. */
#ifndef DAEMON_WAITS_H
#define DAEMON_WAITS_H

#include "event/event.h"
#include "model/cpu_waits.h"
#include "proc/process.h"
#include "proc/runqueue.h"
#include "proc/throttling.h"

struct waits {
	const struct process *process;
	struct throttling throttling;
	struct runqueue runqueue;
	struct cpu_waits readings;
};

/* Takes the first reading; process is borrowed. */
void waits_start(struct waits *waits, const struct process *process);

/* At each tick: the next pause has a reading before it. */
void waits_tick(struct waits *waits);

/*
 * Fills in cpu_wait of a stop for GC that lasted a millisecond or more, as its
 * event comes in. It stays unknown where there was no time to read (a storm of stops), or the
 * system doesn't tell.
 */
void waits_fill(struct waits *waits, struct event *event);

#endif
