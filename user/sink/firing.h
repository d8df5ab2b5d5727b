/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which alerts are firing, by what makes one the same to the receiver, for receivers that want to
 * hear of them again. Several alerts of the agent's may be one to the receiver, which is told that
 * it is over when all of them are.
 */
#ifndef SINK_FIRING_H
#define SINK_FIRING_H

#include <stddef.h>

#include <gosonde/types.h>

enum { FIRING_MAX = 256 };

struct firing {
	struct {
		char *identity, *text; /* owned; the text of the last one */
		size_t held;	       /* so many fire */
	} alert[FIRING_MAX];
	size_t count;
	u64 refused; /* found no room, or no memory */
};

/* An alert begins to fire, with that text. */
void firing_set(struct firing *firing, const char *identity, const char *text);

/* One is over. The text of those that still fire under that identity, borrowed until the next
 * call; NULL: none. */
const char *firing_clear(struct firing *firing, const char *identity);

/* "[text,…]" of all, from malloc; NULL: none fires, or out of memory. */
char *firing_texts(const struct firing *firing, size_t *ret_len);

void firing_done(struct firing *firing);

#endif
