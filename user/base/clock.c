/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#include "base/units.h"

/* Far more than measuring is off by, and less than a step of the clock that anybody notices. */
#define FOLLOW_NS ((s64)NS_PER_MS)

void timebase_follow(struct timebase *timebase, s64 mono_to_wall_ns)
{
	s64 moved_ns = mono_to_wall_ns - timebase->mono_to_wall_ns;

	if (moved_ns >= FOLLOW_NS || moved_ns <= -FOLLOW_NS)
		timebase->mono_to_wall_ns = mono_to_wall_ns;
}

u64 timebase_wall_ns(const struct timebase *timebase, u64 mono_ns)
{
	s64 offset = timebase->mono_to_wall_ns;

	if (offset < 0 && 0 - (u64)offset > mono_ns)
		return 0;
	return mono_ns + (u64)offset;
}

/* A u64 of ns ends in 2554, so tm_year and the widths below can't overflow. */
static void utc(u64 wall_ns, struct tm *ret)
{
	time_t s = (time_t)(wall_ns / NS_PER_S);

	gmtime_r(&s, ret);
}

static void local(u64 wall_ns, struct tm *ret)
{
	time_t s = (time_t)(wall_ns / NS_PER_S);

	localtime_r(&s, ret);
}

static char *fmt_rfc3339(char buf[static CLOCK_BUF], u64 wall_ns, int digits, u64 fraction)
{
	char seconds[CLOCK_BUF / 2];
	struct tm tm;

	utc(wall_ns, &tm);
	strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf, CLOCK_BUF, "%s.%0*lluZ", seconds, digits, fraction);
	return buf;
}

char *fmt_time_rfc3339(char buf[static CLOCK_BUF], u64 wall_ns)
{
	return fmt_rfc3339(buf, wall_ns, 9, wall_ns % NS_PER_S);
}

char *fmt_time_rfc3339_us(char buf[static CLOCK_BUF], u64 wall_ns)
{
	return fmt_rfc3339(buf, wall_ns, 6, wall_ns % NS_PER_S / NS_PER_US);
}

char *fmt_time_local(char buf[static CLOCK_BUF], u64 wall_ns)
{
	struct tm tm;

	local(wall_ns, &tm);
	strftime(buf, CLOCK_BUF, "%H:%M:%S", &tm);
	return buf;
}

char *fmt_zone(char buf[static CLOCK_BUF], u64 wall_ns)
{
	struct tm tm;

	local(wall_ns, &tm);
	strftime(buf, CLOCK_BUF, "%Z", &tm);
	return buf;
}

char *fmt_time_zoned(char buf[static CLOCK_BUF], u64 wall_ns)
{
	struct tm tm;

	local(wall_ns, &tm);
	strftime(buf, CLOCK_BUF, "%H:%M:%S %Z", &tm);
	return buf;
}

char *fmt_time_rfc3164(char buf[static CLOCK_BUF], u64 wall_ns)
{
	/* Not strftime's %b: receivers parse English names, whatever the locale. */
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct tm tm;

	local(wall_ns, &tm);
	snprintf(buf, CLOCK_BUF, "%s %2u %02u:%02u:%02u", months[(unsigned int)tm.tm_mon % 12],
		 (unsigned int)tm.tm_mday, (unsigned int)tm.tm_hour, (unsigned int)tm.tm_min,
		 (unsigned int)tm.tm_sec);
	return buf;
}
