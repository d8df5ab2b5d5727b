/* SPDX-License-Identifier: BSD-2-Clause */
/* Small parts that the terminal renderers share. Private to output/. */
#ifndef OUTPUT_TEXT_STYLE_H
#define OUTPUT_TEXT_STYLE_H

#include "base/text.h"
#include "output/text.h"

enum {
	TEXT_NAME_BYTES = 512, /* of a name on its way out; longer ones are cut with "..." */
	TEXT_VALUE_BYTES = 64,
};

enum text_colour { TEXT_PLAIN, TEXT_BOLD, TEXT_DIM, TEXT_RED, TEXT_YELLOW, TEXT_GREEN };

/* The escape sequence, or "" when colour is off. TEXT_PLAIN resets. */
const char *text_colour(const struct text_output *t, enum text_colour colour);

/* A number with the unit that the alert or the evidence's key names: "12.3 ms", "1.2 M entries/s".
 */
char *text_value(char buf[static TEXT_VALUE_BYTES], double value, const char *unit);

#endif
