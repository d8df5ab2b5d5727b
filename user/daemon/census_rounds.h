/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The goroutines of a target, counted again and again while it is observed: read
 * out of its memory as `gosonde goroutines` does, every five seconds, or as much
 * less often as keeps it below a thousandth of a CPU of the agent (roll_pause_ns).
 * The counter of goroutine ids, by which they are dated, is read at each round.
 */
#ifndef DAEMON_CENSUS_ROUNDS_H
#define DAEMON_CENSUS_ROUNDS_H

#include <stdbool.h>

#include "daemon/target.h"
#include "event/event.h"

/*
 * More goroutines than that are not counted in rounds: reading and sorting them takes the loop,
 * which has records to fetch, a second or so.
 */
#define CENSUS_ROUND_MAX (1ULL << 20)

struct census_rounds;

/* target is borrowed. The first round is due at once. NULL: out of memory. */
struct census_rounds *census_rounds_new(struct target *target);
void census_rounds_free(struct census_rounds *rounds);
DEFINE_FREEP(struct census_rounds, census_rounds_free)

bool census_rounds_due(const struct census_rounds *rounds, u64 now_ns);

/*
 * Takes a census, and puts the next one off. ret, with the time at which all had been read, borrows
 * from rounds until the next call. Returns 0, or a negative errno: see census_rounds_failure().
 */
int census_rounds_take(struct census_rounds *rounds, u64 *ret_time_ns, struct event_census *ret);

/* Why the last round brought nothing; NULL: it did, there was none, or the target is gone.
 * Borrowed.
 */
const char *census_rounds_failure(const struct census_rounds *rounds);

#endif
