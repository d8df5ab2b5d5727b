/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Untrusted text on its way out. Names and messages come from the target,
 * which may be hostile: no control byte, direction mark or broken UTF-8 of it
 * reaches a terminal, a log or a parser.
 *
 * Every function writes at most size bytes with the NUL (size >= 1), never
 * cuts within a character or an escape, and ends a text that it had to cut
 * with "..." where size has room for that. raw and buf must not overlap.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stddef.h>

/* An escape is at most this many times as long as what it stands for ("\xNN", quoted "\\xNN"). */
enum { TEXT_ESCAPE_GROWTH = 5 };

/* A buffer that holds whatever escaping or quoting an array of n bytes gives. */
#define TEXT_ESCAPED_SIZE(n) (TEXT_ESCAPE_GROWTH * (n) + 1)

/*
 * For terminals and log lines. Control bytes, DEL and bytes that are no valid
 * UTF-8 become \xNN; C1 controls, bidirectional controls, line separators and
 * invisible format characters become \u{NNNN}. Anything else stays.
 * Returns buf.
 */
char *text_escape(char *buf, size_t size, const char *raw);

/* What stands between the double quotes of key="value". */
enum text_quoting {
	TEXT_LOGFMT, /* backslash before " and \ */
	TEXT_SD,     /* RFC 5424 PARAM-VALUE: before ] too */
};

/* text_escape(), then a backslash before what the quoting reserves. Without the quotes. Returns
 * buf. */
char *text_quote(char *buf, size_t size, const char *raw, enum text_quoting quoting);

/* Columns that an escaped text takes on a terminal, near enough: its code points. */
size_t text_columns(const char *escaped);

/* Valid UTF-8: every byte that is not becomes U+FFFD. For JSON, whose writer escapes the rest. */
char *text_utf8(char *buf, size_t size, const char *raw);

#endif
