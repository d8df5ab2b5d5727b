/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct sink {
	const struct sink_ops *ops;
	void *state;
	struct sink_message queue[SINK_QUEUE_MAX]; /* a ring */
	size_t first, waiting;
	u64 sent, lost, withheld;
	u64 lost_told; /* of lost: the receiver knows */
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
			sink->sent++;
		drop_first(sink);
	}
}

/* Tells a receiver that is there what it has missed. What is lost is older than what waits. */
static void tell_lost(struct sink *sink, u64 now_ns, const struct timebase *timebase)
{
	struct sink_message message;

	if (sink->lost == sink->lost_told)
		return;
	if (sink->ops->render_lost(sink->state, sink->lost - sink->lost_told, now_ns, timebase,
				   &message))
		return; /* out of memory: with the next flush */
	sink->away = sink->ops->transmit(sink->state, &message);
	if (!sink->away)
		sink->lost_told = sink->lost;
	free(message.text);
}

void sink_flush(struct sink *sink, u64 now_ns, const struct timebase *timebase)
{
	tell_lost(sink, now_ns, timebase);
	if (sink->lost == sink->lost_told)
		drain(sink);
}

int sink_send(struct sink *sink, const struct alert *alert, const struct timebase *timebase)
{
	struct sink_message message;
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
	enqueue(sink, message);
	sink_flush(sink, alert->time_ns, timebase);
	return 0;
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
	return (struct sink_stats) {
		.sent = sink->sent,
		.lost = sink->lost,
		.withheld = sink->withheld,
		.waiting = sink->waiting,
		.away = sink->away,
	};
}
