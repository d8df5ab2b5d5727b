/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/sink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/units.h"

enum { SETTLE_S = 2, SETTLE_LOOK_MS = 10 };

struct sink {
	const struct sink_ops *ops;
	void *state;
	struct sink_message queue[SINK_QUEUE_MAX]; /* a ring */
	size_t first, waiting;
	struct sink_progress progress;
	u64 taken, lost, withheld;
	u64 lost_told; /* of all that are lost: the receiver knows */
	int away;
};

int sink_open(struct sink **ret, const struct sink_ops *ops, const char *target, struct err *err)
{
	CLEANUP(freep) struct sink *sink = calloc(1, sizeof(*sink));
	int rc;

	if (!sink)
		return err_set(err, -ENOMEM, "%s", ops->name);
	sink->ops = ops;
	rc = ops->open(&sink->state, target, err);
	if (rc)
		return err_prefix(err, rc, "%s", ops->name);
	*ret = TAKE_PTR(sink);
	return 0;
}

static void drop_first(struct sink *sink)
{
	free(sink->queue[sink->first].text);
	sink->queue[sink->first] = (struct sink_message) { 0 };
	sink->first = (sink->first + 1) % SINK_QUEUE_MAX;
	sink->waiting--;
}

/* Takes the message. */
static void enqueue(struct sink *sink, struct sink_message message)
{
	if (sink->waiting == SINK_QUEUE_MAX) {
		drop_first(sink);
		sink->lost++;
	}
	sink->queue[(sink->first + sink->waiting) % SINK_QUEUE_MAX] = message;
	sink->waiting++;
}

/* Sends what waits, oldest first, until the receiver takes no more. */
static void drain(struct sink *sink)
{
	while (sink->waiting) {
		int rc = sink->ops->transmit(sink->state, &sink->queue[sink->first]);

		sink->away = rc == -EMSGSIZE ? 0 : rc;
		if (sink->away)
			return;
		if (rc)
			sink->lost++;
		else
			sink->taken++;
		drop_first(sink);
	}
}

static u64 lost_so_far(const struct sink *sink)
{
	return sink->lost + sink->progress.lost;
}

/* Tells a receiver that is there what it has missed. What is lost is older than what waits. */
static void tell_lost(struct sink *sink, u64 now_ns, const struct timebase *timebase)
{
	struct sink_message message = { 0 };
	u64 lost = lost_so_far(sink);

	if (lost == sink->lost_told)
		return;
	if (sink->ops->render_lost(sink->state, lost - sink->lost_told, now_ns, timebase, &message))
		return; /* out of memory: with the next flush */
	sink->away = sink->ops->transmit(sink->state, &message);
	if (!sink->away)
		sink->lost_told = lost;
	free(message.text);
}

static void go_on(struct sink *sink, u64 now_ns, bool last)
{
	if (sink->ops->progress)
		sink->ops->progress(sink->state, now_ns, last, &sink->progress);
}

static void flush(struct sink *sink, u64 now_ns, bool last, const struct timebase *timebase)
{
	go_on(sink, now_ns, last);
	tell_lost(sink, now_ns, timebase);
	if (lost_so_far(sink) == sink->lost_told)
		drain(sink);
	go_on(sink, now_ns, last); /* for stats: what was taken just now may be under way */
}

void sink_flush(struct sink *sink, u64 now_ns, const struct timebase *timebase)
{
	flush(sink, now_ns, false, timebase);
}

int sink_send(struct sink *sink, const struct alert *alert, const struct timebase *timebase)
{
	struct sink_message message = { 0 };
	int rc;

	if (alert->dry_run && sink->ops->leaves_machine) {
		sink->withheld++;
		return 0;
	}
	rc = sink->ops->render(sink->state, alert, timebase, &message);
	if (rc) {
		sink->lost++;
		return rc;
	}
	message.alerts = 1;
	enqueue(sink, message);
	sink_flush(sink, alert->time_ns, timebase);
	return 0;
}

static u64 monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * NS_PER_S + (u64)now.tv_nsec;
}

/* Whether waiting a little longer may bring something to its receiver. */
static bool is_under_way(struct sink *sink, u64 now_ns, const struct timebase *timebase)
{
	flush(sink, now_ns, true, timebase);
	return sink->progress.takes_time && sink->waiting + sink->progress.waiting > 0;
}

void sinks_settle(struct sink *const *sinks, size_t count, const struct timebase *timebase)
{
	const struct timespec look = { .tv_nsec = SETTLE_LOOK_MS * (long)NS_PER_MS };
	u64 end_ns = monotonic_ns() + SETTLE_S * NS_PER_S;
	bool under_way;

	do {
		u64 now_ns = monotonic_ns();

		under_way = false;
		for (size_t i = 0; i < count; i++)
			under_way |= sinks[i] && is_under_way(sinks[i], now_ns, timebase);
		if (!under_way || now_ns >= end_ns)
			return;
		nanosleep(&look, NULL);
	} while (under_way);
}

void sink_close(struct sink *sink)
{
	if (!sink)
		return;
	drain(sink);
	while (sink->waiting)
		drop_first(sink);
	sink->ops->close(sink->state);
	free(sink);
}

const char *sink_name(const struct sink *sink)
{
	return sink->ops->name;
}

struct sink_stats sink_stats(const struct sink *sink)
{
	const struct sink_progress *progress = &sink->progress;
	struct sink_stats stats = {
		.sent = sink->taken - progress->waiting - progress->lost,
		.lost = lost_so_far(sink),
		.withheld = sink->withheld,
		.unrefreshed = progress->unrefreshed,
		.waiting = sink->waiting + progress->waiting,
		.away = progress->away ? progress->away : sink->away,
	};

	if (progress->trouble[0])
		memcpy(stats.trouble, progress->trouble, sizeof(stats.trouble));
	else if (stats.away)
		snprintf(stats.trouble, sizeof(stats.trouble), "%s", strerror(-stats.away));
	return stats;
}
