/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers as people read them, and durations as people write them. */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stdbool.h>

#include <gosonde/types.h>

enum { UNITS_BUF = 32 }; /* holds whatever a fmt_ function writes */

#define NS_PER_US   1000ULL
#define NS_PER_MS   1000000ULL
#define NS_PER_S    1000000000ULL
#define NS_PER_MIN  (60 * NS_PER_S)
#define NS_PER_HOUR (60 * NS_PER_MIN)

/* "0", "42", "0.5", "1.3 M": powers of 1000. "?" for what is no number. Returns buf. */
char *fmt_count(char buf[static UNITS_BUF], double v);

/* "512 B", "1.2 GiB": powers of 1024. Returns buf. */
char *fmt_bytes(char buf[static UNITS_BUF], double bytes);

/* "532 ns", "12.3 ms", "59.9 s", then "1m30s", "2h05m", "3d04h", cut to whole parts. Returns buf.
 */
char *fmt_duration_ns(char buf[static UNITS_BUF], u64 ns);

/* Whether a unit is of time: "ns", or "ns/min" for the share of it that a minute has. */
bool unit_is_ns(const char *unit);

/*
 * Reads "3m", "1.5s", "200ms", "1m30s": units ns us µs ms s m h; a number
 * alone counts seconds. What is finer than 1 ns is cut off.
 * Returns 0; -EINVAL (no duration, or negative), -ERANGE (more than a u64 of ns holds).
 */
int parse_duration_ns(const char *text, u64 *ret_ns);

#endif
