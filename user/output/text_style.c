/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/text_style.h"

#include <math.h>
#include <string.h>

#include "base/units.h"

const char *text_colour(const struct text_output *t, enum text_colour colour)
{
	static const char *const codes[] = {
		[TEXT_PLAIN] = "\x1b[0m",     [TEXT_BOLD] = "\x1b[1m",
		[TEXT_DIM] = "\x1b[2m",	      [TEXT_RED] = "\x1b[1;31m",
		[TEXT_YELLOW] = "\x1b[1;33m", [TEXT_GREEN] = "\x1b[1;32m",
	};

	return t->colour ? codes[colour] : "";
}

char *text_value(char buf[static TEXT_VALUE_BYTES], double value, const char *unit)
{
	char number[UNITS_BUF];

	if (!unit)
		unit = "";
	if (unit_is_ns(unit) && value >= 0 && value < 1e18)
		snprintf(buf, TEXT_VALUE_BYTES, "%s%.8s", fmt_duration_ns(number, (u64)value),
			 unit + 2);
	else if (strcmp(unit, "bytes") == 0)
		snprintf(buf, TEXT_VALUE_BYTES, "%s", fmt_bytes(number, value));
	else if (strcmp(unit, "pct") == 0 || strcmp(unit, "%") == 0)
		snprintf(buf, TEXT_VALUE_BYTES, "%.1f %%", value);
	else
		snprintf(buf, TEXT_VALUE_BYTES, "%s%s%.24s", fmt_count(number, value),
			 *unit ? " " : "", unit);
	return buf;
}
