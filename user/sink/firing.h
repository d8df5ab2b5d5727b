/* SPDX-License-Identifier: BSD-2-Clause */
/* Which alerts are firing, by what makes one the same again, for receivers that want to hear of
 * them again. */
#ifndef SINK_FIRING_H
#define SINK_FIRING_H

#include <stddef.h>

#include <gosonde/types.h>

enum { FIRING_MAX = 256 };

struct firing {
	struct {
		char *identity, *text; /* owned */
	} alert[FIRING_MAX];
	size_t count;
	u64 refused; /* found no room, or no memory */
};

/* The alert fires, or still does, with that text. */
void firing_set(struct firing *firing, const char *identity, const char *text);
void firing_clear(struct firing *firing, const char *identity);

/* "[text,…]" of all, from malloc; NULL: none fires, or out of memory. */
char *firing_texts(const struct firing *firing, size_t *ret_len);

void firing_done(struct firing *firing);

#endif
