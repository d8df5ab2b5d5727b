/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/breakers.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/macros.h"

struct breakers {
	struct kern *kern;
	pthread_t thread;
	bool running;
	int stop; /* eventfd */
	pthread_mutex_t lock;
	struct breaker_user users[WIRE_MAX_TARGETS]; /* by slot; the lock's */
};

static void on_trip(void *arg, const struct wire_trip *trip)
{
	struct breakers *b = arg;
	const struct breaker_user *user;

	if (trip->slot >= WIRE_MAX_TARGETS)
		return;
	pthread_mutex_lock(&b->lock);
	user = &b->users[trip->slot];
	if (user->tripped)
		user->tripped(user->arg, trip);
	pthread_mutex_unlock(&b->lock);
}

static void *listen(void *arg)
{
	struct breakers *b = arg;
	struct pollfd fds[] = {
		{ .fd = kern_trips_fd(b->kern), .events = POLLIN },
		{ .fd = b->stop, .events = POLLIN },
	};

	while (poll(fds, ARRAY_SIZE(fds), -1) >= 0 || errno == EINTR) {
		if (fds[1].revents)
			return NULL;
		if (fds[0].revents)
			(void)kern_trips_consume(b->kern, on_trip, b);
	}
	return NULL;
}

int breakers_new(struct breakers **ret, struct kern *kern, struct err *err)
{
	CLEANUP(breakers_freep) struct breakers *b = calloc(1, sizeof(*b));
	int rc;

	if (!b)
		return err_set(err, -ENOMEM, "out of memory");
	b->kern = kern;
	pthread_mutex_init(&b->lock, NULL);
	b->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (b->stop < 0)
		return err_set(err, -errno, "can't make an eventfd: %s", strerror(errno));
	rc = pthread_create(&b->thread, NULL, listen, b);
	b->running = !rc;
	if (rc)
		return err_set(err, -rc, "can't start a thread: %s", strerror(rc));
	*ret = TAKE_PTR(b);
	return 0;
}

void breakers_free(struct breakers *b)
{
	const u64 one = 1;

	if (!b)
		return;
	if (b->running) {
		(void)!write(b->stop, &one, sizeof(one));
		pthread_join(b->thread, NULL);
	}
	if (b->stop >= 0)
		close(b->stop);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

void breakers_join(struct breakers *b, u32 slot, const struct breaker_user *user)
{
	pthread_mutex_lock(&b->lock);
	b->users[slot] = *user;
	pthread_mutex_unlock(&b->lock);
}

void breakers_leave(struct breakers *b, u32 slot)
{
	breakers_join(b, slot, &(struct breaker_user) { 0 });
}
