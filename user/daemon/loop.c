/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>
#include <time.h>

#include <gosonde/wire.h>

enum { TICK_ACCURACY_US = 1000, POLL_ACCURACY_US = 10000, CLOCK_TRIES = 5 };

struct loop {
	const struct loop_config *config;
	const struct loop_handlers *handlers;
	sd_event *event;
	u64 next_tick_us;
	enum loop_end end;
	struct err *err;
	bool err_said; /* a handler failed, and err has its words */
};

static u64 clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

u64 now_monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

u64 now_boottime_ns(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

s64 monotonic_to_wall_ns(void)
{
	u64 narrowest_ns = ~0ULL;
	s64 offset_ns = 0;

	/* Whatever ran between the readings of a try is an error of it, up to its width. */
	for (int i = 0; i < CLOCK_TRIES; i++) {
		u64 before_ns = clock_ns(CLOCK_MONOTONIC);
		u64 wall_ns = clock_ns(CLOCK_REALTIME);
		u64 width_ns = clock_ns(CLOCK_MONOTONIC) - before_ns;

		if (width_ns < narrowest_ns) {
			narrowest_ns = width_ns;
			offset_ns = (s64)(wall_ns - (before_ns + width_ns / 2));
		}
	}
	return offset_ns;
}

void loop_block_signals(bool reload)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (reload)
		sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static int finish(struct loop *loop, enum loop_end end)
{
	loop->end = end;
	return sd_event_exit(loop->event, 0);
}

/* A handler's failure would only disable its source: it is to be the loop's end. */
static int check(struct loop *loop, int rc)
{
	if (rc > 0)
		return finish(loop, (enum loop_end)rc);
	return rc < 0 ? sd_event_exit(loop->event, rc) : 0;
}

static int check_handler(struct loop *loop, int rc)
{
	loop->err_said |= rc < 0;
	return check(loop, rc);
}

static int on_records(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct loop *loop = arg;

	(void)source, (void)fd, (void)events;
	return check_handler(loop, loop->handlers->records(loop->handlers->arg, loop->err));
}

static int look_again(sd_event_source *source, u64 now_us)
{
	int rc = sd_event_source_set_time(source, now_us + WIRE_POLL_MS * 1000ULL);

	return rc < 0 ? rc : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* Records that nobody was woken for. */
static int on_poll(sd_event_source *source, uint64_t usec, void *arg)
{
	struct loop *loop = arg;
	int rc = loop->handlers->records(loop->handlers->arg, loop->err);

	(void)usec;
	if (rc)
		return check_handler(loop, rc);
	return check(loop, MIN(look_again(source, now_monotonic_ns() / 1000), 0));
}

/* Ticks keep to their own schedule: one that comes late does not move the next. */
static int on_tick(sd_event_source *source, uint64_t usec, void *arg)
{
	struct loop *loop = arg;
	u64 interval_us = loop->config->interval_ns / 1000, now_ns = now_monotonic_ns();
	int rc = loop->handlers->tick(loop->handlers->arg, now_ns, loop->err);

	(void)usec;
	if (rc)
		return check_handler(loop, rc);
	do
		loop->next_tick_us += interval_us;
	while (loop->next_tick_us <= now_ns / 1000);
	rc = sd_event_source_set_time(source, loop->next_tick_us);
	if (rc >= 0)
		rc = sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	return check(loop, MIN(rc, 0));
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *arg)
{
	(void)source, (void)usec;
	return finish(arg, LOOP_DEADLINE);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *arg)
{
	(void)source, (void)info;
	return finish(arg, LOOP_SIGNAL);
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *arg)
{
	struct loop *loop = arg;

	(void)source, (void)info;
	return check_handler(loop, loop->handlers->reload(loop->handlers->arg, loop->err));
}

static int on_exit_of_target(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	(void)source, (void)fd, (void)events;
	return finish(arg, LOOP_TARGET_EXITED);
}

/* A tick that is due at the same time comes first: its figures need not wait for the end. */
static int add_deadline(struct loop *loop, u64 at_us)
{
	sd_event_source *source = NULL;
	int rc = sd_event_add_time(loop->event, &source, CLOCK_MONOTONIC, at_us, TICK_ACCURACY_US,
				   on_deadline, loop);

	if (rc >= 0)
		rc = sd_event_source_set_priority(source, SD_EVENT_PRIORITY_NORMAL + 1);
	if (rc >= 0)
		rc = sd_event_source_set_floating(source, true);
	sd_event_source_unref(source);
	return rc;
}

static int add_sources(struct loop *loop)
{
	const struct loop_config *c = loop->config;
	u64 now_us = now_monotonic_ns() / 1000;
	int rc;

	loop->next_tick_us = now_us + c->interval_ns / 1000;
	rc = sd_event_add_io(loop->event, NULL, c->ring_fd, EPOLLIN, on_records, loop);
	if (rc >= 0)
		rc = sd_event_add_time(loop->event, NULL, CLOCK_MONOTONIC,
				       now_us + WIRE_POLL_MS * 1000ULL, POLL_ACCURACY_US, on_poll,
				       loop);
	if (rc >= 0 && c->pidfd >= 0)
		rc = sd_event_add_io(loop->event, NULL, c->pidfd, EPOLLIN, on_exit_of_target, loop);
	if (rc >= 0)
		rc = sd_event_add_time(loop->event, NULL, CLOCK_MONOTONIC, loop->next_tick_us,
				       TICK_ACCURACY_US, on_tick, loop);
	if (rc >= 0 && c->for_ns)
		rc = add_deadline(loop, now_us + c->for_ns / 1000);
	if (rc >= 0)
		rc = sd_event_add_signal(loop->event, NULL, SIGINT, on_signal, loop);
	if (rc >= 0)
		rc = sd_event_add_signal(loop->event, NULL, SIGTERM, on_signal, loop);
	if (rc >= 0 && loop->handlers->reload)
		rc = sd_event_add_signal(loop->event, NULL, SIGHUP, on_reload, loop);
	return rc < 0 ? rc : 0;
}

int loop_run(const struct loop_config *config, const struct loop_handlers *handlers,
	     struct err *err)
{
	CLEANUP(sd_event_unrefp) sd_event *event = NULL;
	struct loop loop = { .config = config, .handlers = handlers, .err = err };
	int rc = sd_event_new(&event);

	loop.event = event;
	/* systemd hears that the loop turns, if it asked for that: whatever the interval of ticks.
	 */
	if (rc >= 0)
		rc = sd_event_set_watchdog(event, true);
	if (rc >= 0)
		rc = add_sources(&loop);
	if (rc >= 0)
		rc = sd_event_loop(event);
	if (rc < 0 && loop.err_said)
		return rc;
	if (rc < 0)
		return err_set(err, rc, "the event loop failed: %s", strerror(-rc));
	return loop.end;
}
