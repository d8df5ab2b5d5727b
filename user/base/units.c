/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/units.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"

/* A value rounds to `base` where it would print as "1000": it belongs to the next unit then. */
static char *fmt_scaled(char buf[static UNITS_BUF], double v, double base,
			const char *const units[], size_t unit_count)
{
	const char *sign = v < 0 ? "-" : "";
	double limit = base - 0.5;
	size_t unit = 0;
	int decimals;

	if (!isfinite(v)) {
		snprintf(buf, UNITS_BUF, "?");
		return buf;
	}
	v = fabs(v);
	while (v >= limit && unit + 1 < unit_count) {
		v /= base;
		unit++;
	}
	decimals = v >= 99.95 || (unit == 0 && v == floor(v)) ? 0 : 1;
	if (v >= 1e9) /* past the last unit: keep within the buffer */
		snprintf(buf, UNITS_BUF, "%s%.2e%s", sign, v, units[unit]);
	else
		snprintf(buf, UNITS_BUF, "%s%.*f%s", sign, decimals, v, units[unit]);
	return buf;
}

char *fmt_count(char buf[static UNITS_BUF], double v)
{
	static const char *const units[] = { "", " k", " M", " G", " T", " P", " E" };

	return fmt_scaled(buf, v, 1000, units, ARRAY_SIZE(units));
}

char *fmt_bytes(char buf[static UNITS_BUF], double bytes)
{
	static const char *const units[] = { " B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB" };

	return fmt_scaled(buf, bytes, 1024, units, ARRAY_SIZE(units));
}

bool unit_is_ns(const char *unit)
{
	return !strcmp(unit, "ns") || !strncmp(unit, "ns/", 3);
}

static char *fmt_two_parts(char buf[static UNITS_BUF], u64 minor_parts, u64 ratio, char major,
			   char minor)
{
	snprintf(buf, UNITS_BUF, "%llu%c%02llu%c", minor_parts / ratio, major, minor_parts % ratio,
		 minor);
	return buf;
}

char *fmt_duration_ns(char buf[static UNITS_BUF], u64 ns)
{
	static const char *const units[] = { " ns", " us", " ms", " s" };

	if (ns < NS_PER_MIN - NS_PER_S / 20) /* 59.95 s would print as 60.0 s */
		return fmt_scaled(buf, (double)ns, 1000, units, ARRAY_SIZE(units));
	if (ns < NS_PER_MIN)
		ns = NS_PER_MIN;
	if (ns < NS_PER_HOUR)
		return fmt_two_parts(buf, ns / NS_PER_S, 60, 'm', 's');
	if (ns < 24 * NS_PER_HOUR)
		return fmt_two_parts(buf, ns / NS_PER_MIN, 60, 'h', 'm');
	return fmt_two_parts(buf, ns / NS_PER_HOUR, 24, 'd', 'h');
}

/* Longest name first where one begins another. */
static const struct {
	const char *name;
	u64 ns;
} duration_units[] = {
	{ "ns", 1 },
	{ "us", NS_PER_US },
	{ "\u00b5s", NS_PER_US }, /* micro sign, as Go prints it */
	{ "\u03bcs", NS_PER_US }, /* Greek mu */
	{ "ms", NS_PER_MS },
	{ "s", NS_PER_S },
	{ "m", NS_PER_MIN },
	{ "h", NS_PER_HOUR },
};

/* Moves *pos past a unit's name; 0 if none stands there. */
static u64 take_unit(const char **pos)
{
	for (size_t i = 0; i < ARRAY_SIZE(duration_units); i++) {
		size_t len = strlen(duration_units[i].name);

		if (strncmp(*pos, duration_units[i].name, len) == 0) {
			*pos += len;
			return duration_units[i].ns;
		}
	}
	return 0;
}

static const char *skip_digits(const char *p)
{
	while (*p >= '0' && *p <= '9')
		p++;
	return p;
}

/* ns of "<whole>.<fraction>" units; -ERANGE when a u64 can't hold it. */
static int to_ns(const char *whole, const char *fraction, u64 unit_ns, u64 *ret)
{
	u64 n = 0;

	for (; *whole >= '0' && *whole <= '9'; whole++)
		if (__builtin_mul_overflow(n, 10ULL, &n) ||
		    __builtin_add_overflow(n, (u64)(*whole - '0'), &n))
			return -ERANGE;
	if (__builtin_mul_overflow(n, unit_ns, &n))
		return -ERANGE;
	for (u64 place = unit_ns / 10; *fraction >= '0' && *fraction <= '9' && place > 0;
	     fraction++, place /= 10)
		if (__builtin_add_overflow(n, place * (u64)(*fraction - '0'), &n))
			return -ERANGE;
	*ret = n;
	return 0;
}

int parse_duration_ns(const char *text, u64 *ret_ns)
{
	const char *p = text;
	u64 total = 0;

	do {
		const char *whole = p, *point = skip_digits(p), *fraction = "";
		u64 unit_ns, part = 0;
		int err;

		p = point;
		if (*p == '.') {
			fraction = p + 1;
			p = skip_digits(fraction);
		}
		if (point == whole && p <= point + 1) /* no digit on either side */
			return -EINVAL;
		unit_ns = take_unit(&p);
		if (!unit_ns && (whole != text || *p != '\0'))
			return -EINVAL;
		err = to_ns(whole, fraction, unit_ns ? unit_ns : NS_PER_S, &part);
		if (err)
			return err;
		if (__builtin_add_overflow(total, part, &total))
			return -ERANGE;
	} while (*p != '\0');

	*ret_ns = total;
	return 0;
}
