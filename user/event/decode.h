/* SPDX-License-Identifier: BSD-2-Clause */
/* From a record of the wire to an event. The record is not trusted to be whole. */
#ifndef EVENT_DECODE_H
#define EVENT_DECODE_H

#include "event/event.h"
#include "event/names.h"

/*
 * record: size bytes as the ring buffer gave them; the event borrows its stack from them.
 * names: resolves strings and types of faults and stops, which may be gone later.
 * Returns 0, -EBADMSG (too short for its kind) or -ENOTSUP (unknown kind).
 */
int event_decode(const void *record, size_t size, const struct names *names, struct event *ret);

#endif
