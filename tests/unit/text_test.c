/* SPDX-License-Identifier: BSD-2-Clause */
/* Hostile names on their way to terminals, logs and JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/macros.h"
#include "base/text.h"
#include <gosonde/types.h>

static const struct {
	const char *raw, *line, *logfmt, *sd, *utf8;
} rows[] = {
	{ "main.(*Cache).Put", "main.(*Cache).Put", "main.(*Cache).Put", "main.(*Cache).Put",
	  "main.(*Cache).Put" },
	/* a generic's name is all brackets: only SD reserves the closing one */
	{ "map[string]int", "map[string]int", "map[string]int", "map[string\\]int",
	  "map[string]int" },
	{ "a\nb", "a\\x0ab", "a\\\\x0ab", "a\\\\x0ab", "a\nb" }, /* a forged second log line */
	{ "\x1b[2J", "\\x1b[2J", "\\\\x1b[2J", "\\\\x1b[2J", "\x1b[2J" }, /* clears a terminal */
	{ "\x7f", "\\x7f", "\\\\x7f", "\\\\x7f", "\x7f" },
	{ "\xc2\x9b"
	  "2J",
	  "\\u{9b}2J", "\\\\u{9b}2J", "\\\\u{9b}2J",
	  "\xc2\x9b"
	  "2J" }, /* CSI as C1 */
	{ "say \"hi\" c:\\x", "say \"hi\" c:\\x", "say \\\"hi\\\" c:\\\\x",
	  "say \\\"hi\\\" c:\\\\x", "say \"hi\" c:\\x" },
	{ "\u202egpj.exe", "\\u{202e}gpj.exe", "\\\\u{202e}gpj.exe", "\\\\u{202e}gpj.exe",
	  "\u202egpj.exe" }, /* right-to-left override */
	{ "a\u2028b", "a\\u{2028}b", "a\\\\u{2028}b", "a\\\\u{2028}b", "a\u2028b" },
	{ "h\u00e9llo \u4e16 \U0001f600", "h\u00e9llo \u4e16 \U0001f600",
	  "h\u00e9llo \u4e16 \U0001f600", "h\u00e9llo \u4e16 \U0001f600",
	  "h\u00e9llo \u4e16 \U0001f600" },
	/* Go's own separators are no control characters */
	{ "main.f\u00b7\u2026", "main.f\u00b7\u2026", "main.f\u00b7\u2026", "main.f\u00b7\u2026",
	  "main.f\u00b7\u2026" },
	{ "\xff", "\\xff", "\\\\xff", "\\\\xff", "\uFFFD" },
	{ "\xc0\xaf", "\\xc0\\xaf", "\\\\xc0\\\\xaf", "\\\\xc0\\\\xaf",
	  "\uFFFD\uFFFD" }, /* overlong / */
	{ "\xed\xa0\x80", "\\xed\\xa0\\x80", "\\\\xed\\\\xa0\\\\x80", "\\\\xed\\\\xa0\\\\x80",
	  "\uFFFD\uFFFD\uFFFD" }, /* surrogate */
	{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\\\\xf4\\\\x90\\\\x80\\\\x80",
	  "\\\\xf4\\\\x90\\\\x80\\\\x80", "\uFFFD\uFFFD\uFFFD\uFFFD" }, /* past U+10FFFF */
	{ "\xe4\xb8", "\\xe4\\xb8", "\\\\xe4\\\\xb8", "\\\\xe4\\\\xb8",
	  "\uFFFD\uFFFD" }, /* cut short */
	{ "", "", "", "", "" },
};

static void rows_come_out_as_written(void **state)
{
	char buf[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_string_equal(text_escape(buf, sizeof(buf), rows[i].raw), rows[i].line);
		assert_string_equal(text_quote(buf, sizeof(buf), rows[i].raw, TEXT_LOGFMT),
				    rows[i].logfmt);
		assert_string_equal(text_quote(buf, sizeof(buf), rows[i].raw, TEXT_SD), rows[i].sd);
		assert_string_equal(text_utf8(buf, sizeof(buf), rows[i].raw), rows[i].utf8);
	}
}

static void a_cut_text_says_so_and_keeps_escapes_whole(void **state)
{
	static const struct {
		size_t size;
		const char *raw, *want;
	} cuts[] = {
		{ 8, "1234567", "1234567" }, /* fits exactly */
		{ 8, "12345678", "1234..." },
		{ 8, "123\x1b[31m", "123..." }, /* not within \x1b */
		{ 8, "1\u4e16\u4e16", "1\u4e16\u4e16" },
		{ 8, "12\u4e16\u4e16", "12..." },
		{ 4, "12345", "..." },
		{ 3, "12345", "" }, /* no room for the mark: nothing rather than a false text */
		{ 1, "1", "" },
	};
	char buf[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++)
		assert_string_equal(text_escape(buf, cuts[i].size, cuts[i].raw), cuts[i].want);
}

/* Independent of the code under test: what may stand in a log line. */
static void assert_harmless(const char *text)
{
	for (const u8 *p = (const u8 *)text; *p; p++) {
		assert_true(*p >= 0x20 && *p != 0x7f);
		assert_false(p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f);
		assert_false(p[0] == 0xe2 && p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae);
	}
}

static void random_bytes_come_out_harmless(void **state)
{
	unsigned int seed = 20260101;
	char raw[64], buf[TEXT_ESCAPED_SIZE(sizeof(raw))], again[sizeof(buf)];

	(void)state;
	print_message("# seed %u\n", seed);
	for (int round = 0; round < 20000; round++) {
		size_t n = (size_t)rand_r(&seed) % sizeof(raw);
		size_t size = 1 + (size_t)rand_r(&seed) % sizeof(buf);

		for (size_t i = 0; i < n; i++)
			raw[i] = (char)(1 + rand_r(&seed) % 255);
		raw[n] = '\0';

		assert_harmless(text_escape(buf, size, raw));
		assert_true(strlen(buf) < size);
		/* escaping escaped text changes nothing: all of it is harmless and valid */
		assert_string_equal(text_escape(again, sizeof(again), buf), buf);

		text_quote(buf, sizeof(buf), raw, TEXT_SD);
		assert_null(strstr(buf, "...")); /* TEXT_ESCAPED_SIZE holds it whole */
		assert_harmless(buf);

		text_utf8(buf, sizeof(buf), raw);
		assert_string_equal(text_utf8(again, sizeof(again), buf), buf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_come_out_as_written),
		cmocka_unit_test(a_cut_text_says_so_and_keeps_escapes_whole),
		cmocka_unit_test(random_bytes_come_out_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
