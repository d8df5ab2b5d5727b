/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Listens to the breakers of all targets: a thread of its own, because a window
 * whose hits passed their cap must close at once, whatever the rest waits for.
 */
#ifndef PROBE_BREAKERS_H
#define PROBE_BREAKERS_H

#include "kern/kern.h"

struct breakers;

/* Starts to listen. kern is borrowed, and must outlive ret. Returns 0 or a negative errno. */
int breakers_new(struct breakers **ret, struct kern *kern, struct err *err);

/* Nobody may be left in it. */
void breakers_free(struct breakers *breakers);
DEFINE_FREEP(struct breakers, breakers_free)

/* Who is told, on the listener's thread, when a breaker of that slot trips. */
struct breaker_user {
	void (*tripped)(void *arg, const struct wire_trip *trip);
	void *arg;
};

void breakers_join(struct breakers *breakers, u32 slot, const struct breaker_user *user);

/* Returns when nobody is being told any more. */
void breakers_leave(struct breakers *breakers, u32 slot);

#endif
