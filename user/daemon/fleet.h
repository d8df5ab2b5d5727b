/* SPDX-License-Identifier: BSD-2-Clause */
/* The processes that the daemon observes: taken on, ticked, let go. */
#ifndef DAEMON_FLEET_H
#define DAEMON_FLEET_H

#include "daemon/daemon_config.h"
#include "daemon/ground.h"
#include "daemon/observed.h"

enum { FLEET_MAX = WIRE_MAX_TARGETS - 1 };

struct fleet;

/* Borrowed, and must outlive the fleet. */
struct fleet_config {
	const struct ground *ground;
	struct harvest *harvest; /* of the ground's kernel; to be read before each fleet_tick() */
	const struct daemon_config *daemon;
	pid_t *pids; /* FLEET_MAX of them, which the fleet keeps up to date; 0: none */
	alert_fn alert;
	/* Hands over what waits in the ring, with fleet_record(). */
	int (*drain)(void *arg, struct err *err);
	/* A process is observed from now on, or no more: why, for people. */
	void (*told)(void *arg, int pid, const char *what);
	void *arg;
};

/* NULL: out of memory. */
struct fleet *fleet_new(const struct fleet_config *config);
/* Lets all of them go that fleet_end() has not. */
void fleet_free(struct fleet *fleet);
DEFINE_FREEP(struct fleet, fleet_free)

/*
 * Looks at a process, and observes it if it is a Go program that the configuration wants.
 * Returns 1: it is observed now; 0: it is not wanted, is observed already, is gone, or is no Go
 * program; -EPERM, -EACCES: it, or its executable, can't be looked into; or another negative errno:
 * it is wanted and can't be observed.
 */
int fleet_consider(struct fleet *fleet, int pid, struct err *err);

/* Other rules and budgets for those that it has; who is not wanted any more is let go. The
 * configuration before may be freed once this returns. */
void fleet_reconfigure(struct fleet *fleet, const struct daemon_config *config, u64 now_ns);

/* Resolves what fires anywhere, and says why; what still holds fires anew. */
void fleet_recall(struct fleet *fleet, u64 now_ns, const char *why);

/* Takes a last sample of each, and lets all of them go together. */
void fleet_end(struct fleet *fleet);

/* A record of the ring; of whoever it is. */
void fleet_record(struct fleet *fleet, const void *record, size_t size);

/* Some times a second: lets those go that have exited. */
void fleet_wake(struct fleet *fleet, u64 now_ns);

/* replaced: is told of each that has executed another program, and was let go. */
void fleet_tick(struct fleet *fleet, u64 now_ns, void (*replaced)(void *arg, int pid), void *arg);

size_t fleet_count(const struct fleet *fleet);
/* Whether one more can be taken on. */
bool fleet_has_room(const struct fleet *fleet);

/* The i-th of them, and its last window. */
const struct observed *fleet_at(const struct fleet *fleet, size_t i,
				const struct window **ret_last);

#endif
