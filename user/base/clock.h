/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Times as text. Everything inside gosonde is CLOCK_MONOTONIC, the kernel's
 * and Go's own clock; people want the wall clock. Nothing here reads a clock:
 * whoever runs the loop measures the offset between the two and passes it on.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <gosonde/types.h>

enum { CLOCK_BUF = 40 }; /* holds whatever a fmt_time function writes */

/* CLOCK_REALTIME minus CLOCK_MONOTONIC, as it was measured. Of a replay: the recording's. It
 * changes when the wall clock is set, and with each suspend. */
struct timebase {
	s64 mono_to_wall_ns;
};

/* Takes a new measurement of it, unless it is the old one but for the error of measuring: then
 * times of one moment stay equal. */
void timebase_follow(struct timebase *timebase, s64 mono_to_wall_ns);

/* ns since 1970, UTC; 0 for what would lie before. */
u64 timebase_wall_ns(const struct timebase *timebase, u64 mono_ns);

/* "2026-01-01T00:00:00.000000000Z", in UTC. Returns buf. */
char *fmt_time_rfc3339(char buf[static CLOCK_BUF], u64 wall_ns);

/* The same to the microsecond, the finest that RFC 5424 allows. Returns buf. */
char *fmt_time_rfc3339_us(char buf[static CLOCK_BUF], u64 wall_ns);

/* "15:04:05" in the zone of the process ($TZ). Returns buf. */
char *fmt_time_local(char buf[static CLOCK_BUF], u64 wall_ns);

/* "CET", the name of that zone at that time; "+0230" where it has none. Returns buf. */
char *fmt_zone(char buf[static CLOCK_BUF], u64 wall_ns);

/* "15:04:05 CET". Returns buf. */
char *fmt_time_zoned(char buf[static CLOCK_BUF], u64 wall_ns);

/* "Jan  2 15:04:05" in the zone of the process: RFC 3164, with English months. Returns buf. */
char *fmt_time_rfc3164(char buf[static CLOCK_BUF], u64 wall_ns);

#endif
