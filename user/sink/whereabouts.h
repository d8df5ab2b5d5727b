/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where on the network a receiver is, by the name that people gave it. The name
 * is looked up until it is known, with a backoff's pauses, and anew while the
 * receiver is not found there. Never blocks. An address needs no looking up.
 */
#ifndef SINK_WHEREABOUTS_H
#define SINK_WHEREABOUTS_H

#include "sink/backoff.h"
#include "sink/lookup.h"
#include "sink/sink.h"

struct whereabouts {
	struct address address; /* len 0: not known yet */
	char *text;		/* "HOST:PORT", owned; NULL: the address is what people gave */
	int socktype;
	struct lookup *lookup; /* under way, or NULL */
	bool doubted;	       /* whether the receiver is there */
	bool last;
	u64 retry_ns;
	struct backoff backoff;
	char trouble[SINK_TROUBLE_BYTES]; /* why it is not known */
};

/* text, socktype: as address_inet(). The first lookup starts with the first progress.
 * Returns 0, -EINVAL or -ENOMEM. */
int whereabouts_init(struct whereabouts *ret, const char *text, int socktype, u64 seed,
		     struct err *err);
void whereabouts_done(struct whereabouts *whereabouts);

/* The receiver is not found at its address: it may have moved. */
void whereabouts_doubt(struct whereabouts *whereabouts);

/* last: as of sink_ops.progress. Returns whether the address is another one than before. */
bool whereabouts_progress(struct whereabouts *whereabouts, u64 now_ns, bool last);

#endif
