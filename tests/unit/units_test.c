/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers, durations and times as text. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/units.h"

static void counts_keep_three_digits(void **state)
{
	static const struct {
		double v;
		const char *want;
	} rows[] = {
		{ 0, "0" },
		{ 42, "42" },
		{ 0.5, "0.5" },
		{ 99.94, "99.9" },
		{ 99.96, "100" }, /* not "100.0" */
		{ 999.4, "999" },
		{ 999.6, "1.0 k" }, /* would print as 1000 */
		{ 1000, "1.0 k" },
		{ 1300000, "1.3 M" },
		{ 123456789, "123 M" },
		{ 1.8446744073709552e19, "18.4 E" }, /* UINT64_MAX */
		{ -1500, "-1.5 k" },
		{ 1e300, "1.00e+282 E" }, /* past the last unit, still within the buffer */
		{ INFINITY, "?" },
		{ NAN, "?" },
	};
	char buf[UNITS_BUF];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(fmt_count(buf, rows[i].v), rows[i].want);
}

static void bytes_are_powers_of_1024(void **state)
{
	static const struct {
		double v;
		const char *want;
	} rows[] = {
		{ 0, "0 B" },
		{ 1023, "1023 B" },
		{ 1024, "1.0 KiB" },
		{ 1288490189, "1.2 GiB" },
		{ 1023.7 * 1024 * 1024, "1.0 GiB" }, /* would print as 1024 MiB */
	};
	char buf[UNITS_BUF];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(fmt_bytes(buf, rows[i].v), rows[i].want);
}

static void durations_print(void **state)
{
	static const struct {
		u64 ns;
		const char *want;
	} rows[] = {
		{ 0, "0 ns" },
		{ 532, "532 ns" },
		{ 12345678, "12.3 ms" },
		{ 999960, "1.0 ms" },
		{ 59940000000, "59.9 s" },
		{ 59950000000, "1m00s" }, /* never "60.0 s" */
		{ 90 * NS_PER_S, "1m30s" },
		{ 2 * NS_PER_HOUR + 5 * NS_PER_MIN, "2h05m" },
		{ 76 * NS_PER_HOUR, "3d04h" },
		{ UINT64_MAX, "213503d23h" },
	};
	char buf[UNITS_BUF];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(fmt_duration_ns(buf, rows[i].ns), rows[i].want);
}

static void units_of_time_are_told(void **state)
{
	(void)state;
	assert_true(unit_is_ns("ns"));
	assert_true(unit_is_ns("ns/min"));
	assert_false(unit_is_ns("nsplit"));
	assert_false(unit_is_ns("entries/s"));
	assert_false(unit_is_ns(""));
}

static void durations_parse(void **state)
{
	static const struct {
		const char *text;
		int want;
		u64 ns;
	} rows[] = {
		{ "3m", 0, 180 * NS_PER_S },
		{ "1.5s", 0, 1500 * NS_PER_MS },
		{ "200ms", 0, 200 * NS_PER_MS },
		{ "1m30s", 0, 90 * NS_PER_S },
		{ "1h2m3s4ms5us6ns", 0, 3723004005006 },
		{ "7\u00b5s", 0, 7000 },
		{ "7\u03bcs", 0, 7000 },
		{ "10", 0, 10 * NS_PER_S }, /* a bare number counts seconds */
		{ "0.25", 0, 250 * NS_PER_MS },
		{ ".5s", 0, 500 * NS_PER_MS },
		{ "1.s", 0, NS_PER_S },
		{ "0", 0, 0 },
		{ "1.0000000019s", 0, 1000000001 }, /* below 1 ns is cut */
		{ "0.00000000000000000000000001h", 0, 0 },
		{ "18446744073709551615ns", 0, UINT64_MAX },
		{ "18446744073709551616ns", -ERANGE, 0 },
		{ "18446744073.709551616", -ERANGE, 0 },
		{ "18446744073709551615ns1ns", -ERANGE, 0 },
		{ "5124096h", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ ".", -EINVAL, 0 },
		{ ".s", -EINVAL, 0 },
		{ "s", -EINVAL, 0 },
		{ "-1s", -EINVAL, 0 },
		{ "+1s", -EINVAL, 0 },
		{ "1 s", -EINVAL, 0 },
		{ " 1s", -EINVAL, 0 },
		{ "1s ", -EINVAL, 0 },
		{ "1x", -EINVAL, 0 },
		{ "1d", -EINVAL, 0 },
		{ "1m30", -EINVAL, 0 }, /* 30 of what? */
		{ "1..5s", -EINVAL, 0 },
		{ "1e3s", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
		{ "1min", -EINVAL, 0 },
		{ "inf", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 ns = 77;
		int rc = parse_duration_ns(rows[i].text, &ns);

		if (rc != rows[i].want || ns != (rc ? 77 : rows[i].ns))
			fail_msg("\"%s\": rc %d, %llu ns", rows[i].text, rc, ns);
	}
}

/* What fmt_ writes in one unit reads back within what one decimal can tell. */
static void durations_round_trip(void **state)
{
	char buf[UNITS_BUF], packed[UNITS_BUF];

	(void)state;
	for (u64 ns = 1; ns < 86400 * NS_PER_S; ns += ns / 7 + 1) {
		u64 back, error;
		char *p = packed;

		fmt_duration_ns(buf, ns);
		for (const char *s = buf; *s; s++)
			if (*s != ' ')
				*p++ = *s;
		*p = '\0';
		assert_int_equal(parse_duration_ns(packed, &back), 0);
		error = back > ns ? back - ns : ns - back;
		if (error > ns / 20 + 1)
			fail_msg("%llu ns -> %s -> %llu ns", ns, buf, back);
	}
}

static void times_print(void **state)
{
	const u64 wall = 1767225600ULL * NS_PER_S + 123456789; /* 2026-01-01 */
	struct timebase tb = { .mono_to_wall_ns = (s64)(1767225600ULL * NS_PER_S) };
	char buf[CLOCK_BUF];

	(void)state;
	assert_string_equal(fmt_time_rfc3339(buf, wall), "2026-01-01T00:00:00.123456789Z");
	assert_string_equal(fmt_time_rfc3339_us(buf, wall), "2026-01-01T00:00:00.123456Z");
	assert_string_equal(fmt_time_rfc3339(buf, 0), "1970-01-01T00:00:00.000000000Z");
	assert_string_equal(fmt_time_rfc3339(buf, UINT64_MAX), "2554-07-21T23:34:33.709551615Z");
	assert_true(timebase_wall_ns(&tb, 123456789) == wall);
	tb.mono_to_wall_ns = INT64_MIN;
	assert_true(timebase_wall_ns(&tb, 5) == 0);

	setenv("TZ", "XXX-02:30", 1); /* 2 h 30 min east */
	tzset();
	assert_string_equal(fmt_time_local(buf, wall), "02:30:00");
	assert_string_equal(fmt_zone(buf, wall), "XXX");
	assert_string_equal(fmt_time_zoned(buf, wall), "02:30:00 XXX");
	assert_string_equal(fmt_time_rfc3164(buf, wall), "Jan  1 02:30:00");
	assert_string_equal(fmt_time_rfc3164(buf, wall + 14 * 24 * NS_PER_HOUR), "Jan 15 02:30:00");
}

/* What is measured twice of one offset differs; what differs by more is another one. */
static void the_wall_clock_is_followed(void **state)
{
	static const struct {
		s64 measured_ns, want_ns;
	} cases[] = {
		{ 5000000000, 5000000000 },	    { 5000000400, 5000000000 },
		{ 4999000001, 5000000000 },	    { 5001000000, 5001000000 },
		{ 5000000000, 5000000000 },	    { -3600000000000, -3600000000000 },
		{ -3599999000001, -3600000000000 },
	};
	struct timebase tb = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		timebase_follow(&tb, cases[i].measured_ns);
		assert_true(tb.mono_to_wall_ns == cases[i].want_ns);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_keep_three_digits),
		cmocka_unit_test(bytes_are_powers_of_1024),
		cmocka_unit_test(durations_print),
		cmocka_unit_test(units_of_time_are_told),
		cmocka_unit_test(durations_parse),
		cmocka_unit_test(durations_round_trip),
		cmocka_unit_test(times_print),
		cmocka_unit_test(the_wall_clock_is_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
