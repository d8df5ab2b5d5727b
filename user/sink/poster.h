/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Posts JSON over HTTP from a thread of its own, one message after the other,
 * each until it is taken or refused. Whoever hands in messages never waits.
 * TLS certificates are verified; redirects are not followed.
 */
#ifndef SINK_POSTER_H
#define SINK_POSTER_H

#include <stdbool.h>

#include "base/err.h"
#include "sink/sink.h"

enum { POSTER_QUEUE_MAX = 64 };

struct poster;

/* url: http or https; path follows its own. The thread starts with the first message.
 * Returns 0, -EINVAL or -ENOMEM. */
int poster_new(struct poster **ret, const char *url, const char *path, struct err *err);

/* Breaks off what is under way. Accepts NULL. */
void poster_free(struct poster *poster);

/* Takes a copy. Returns 0, -EAGAIN: the queue is full, -ENOMEM, or why no thread could be had. */
int poster_put(struct poster *poster, const struct sink_message *message);

/* Whether all is delivered or lost. */
bool poster_is_idle(struct poster *poster);

/* last: pauses between tries become short. */
void poster_progress(struct poster *poster, bool last, struct sink_progress *ret);

#endif
