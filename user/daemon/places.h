/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Code addresses of many goroutines, each named once. Addresses with the same
 * name (a go statement that was inlined here and there) get the same number.
 */
#ifndef DAEMON_PLACES_H
#define DAEMON_PLACES_H

#include "event/names.h"

/* Programs have some hundred; what is past this share one number and have no name. */
enum { PLACES_MAX = 65536, PLACE_BYTES = 512 };

struct place {
	u64 pc;
	u32 number;
	char *text; /* owned, raw */
};

struct places {
	struct place *at; /* owned; ascending by pc; the last one stands for what has none */
	size_t count;
};

enum place_kind {
	PLACE_CREATOR, /* the address after a go statement: "main.serve main.go:42" */
	PLACE_START,   /* the function that a goroutine runs: "main.worker" */
};

/* pcs: get sorted. Returns 0 or -ENOMEM. */
int places_name(struct places *ret, u64 *pcs, size_t n, const struct names *names,
		enum place_kind kind);
void places_done(struct places *places);

u32 places_number(const struct places *places, u64 pc);

/* Of a number that places_number() gave. */
const char *places_text(const struct places *places, u32 number);

#endif
