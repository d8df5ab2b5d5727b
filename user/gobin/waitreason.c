/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/waitreason.h"

#include <errno.h>
#include <string.h>

/* A Go string as it lies in memory. */
struct go_string {
	u64 ptr, len;
};

enum {
	PIECE_WORDS = 8192,
	OVERLAP_WORDS = 6, /* the first three strings may lie across the end of a piece */
	FIRST = 1,	   /* index of the first one that has a text */
	MAX_LIKELY = 64, /* places with the right lengths that are read; a program has one or two */
};

/* More variables than any program has: a range that lies. */
static const u64 max_data_bytes = 1ULL << 30;

static const char *const known[] = { "GC assist marking", "IO wait" };

static int read_text(const struct go_process *p, const struct go_string *string,
		     char buf[static WAIT_REASON_BYTES])
{
	size_t len = (size_t)string->len;
	int rc;

	if (string->len == 0 || string->len >= WAIT_REASON_BYTES)
		return -ENOENT;
	rc = p->mem.read(p->mem.arg, string->ptr, buf, len);
	if (rc || memchr(buf, '\0', len))
		return -ENOENT;
	buf[len] = '\0';
	return 0;
}

static bool has_lengths(const u64 *words)
{
	return words[1] == 0 && words[3] == strlen(known[0]) && words[5] == strlen(known[1]);
}

static bool has_texts(const struct go_process *p, const u64 *words)
{
	char text[WAIT_REASON_BYTES];

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		const u64 *string = &words[2 * (FIRST + i)];

		if (read_text(p, &(struct go_string) { string[0], string[1] }, text) ||
		    strcmp(text, known[i]) != 0)
			return false;
	}
	return true;
}

/* The index of the word where the array starts, or n. likely: places that may still be read. */
static size_t find_in(const struct go_process *p, const u64 *words, size_t n, int *likely)
{
	for (size_t i = 0; i + OVERLAP_WORDS <= n && *likely; i++) {
		if (!has_lengths(&words[i]))
			continue;
		--*likely;
		if (has_texts(p, &words[i]))
			return i;
	}
	return n;
}

/* Run-time address of the array; of the variables those come first that have a value in the file,
 * as this one has. */
static int find_array(const struct go_process *p, u64 *words, u64 *ret, struct err *err)
{
	u64 start, end, at;
	int likely = MAX_LIKELY;

	if (gobin_data_range(p->bin, &start, &end) || start % sizeof(*words) || end < start ||
	    end - start > max_data_bytes)
		return err_set(err, -ENOENT, "the variables of the program are not to be found");
	for (at = start; likely && at + OVERLAP_WORDS * sizeof(*words) <= end;
	     at += (PIECE_WORDS - OVERLAP_WORDS + 1) * sizeof(*words)) {
		size_t n = (size_t)MIN((u64)PIECE_WORDS, (end - at) / sizeof(*words)), found;
		int rc = p->mem.read(p->mem.arg, at + p->bias, words, n * sizeof(*words));

		if (rc)
			return err_set(err, rc, "can't read the target at %#llx", at + p->bias);
		found = find_in(p, words, n, &likely);
		if (found < n) {
			*ret = at + p->bias + found * sizeof(*words);
			return 0;
		}
	}
	return err_set(err, -ENOENT, "runtime.waitReasonStrings is not among the variables");
}

static void read_array(const struct go_process *p, u64 addr, struct go_wait_reasons *ret)
{
	struct go_string string;

	for (ret->count = FIRST; ret->count < WAIT_REASONS_MAX; ret->count++) {
		if (p->mem.read(p->mem.arg, addr + ret->count * sizeof(string), &string,
				sizeof(string)) ||
		    read_text(p, &string, ret->text[ret->count]))
			return;
	}
}

int go_wait_reasons_read(const struct go_process *p, struct go_wait_reasons *ret, struct err *err)
{
	CLEANUP(freep) u64 *words = calloc(PIECE_WORDS, sizeof(*words));
	struct go_wait_reasons reasons = { 0 };
	u64 addr = 0;
	int rc;

	if (!words)
		return err_set(err, -ENOMEM, "wait reasons");
	rc = find_array(p, words, &addr, err);
	if (rc)
		return rc;
	read_array(p, addr, &reasons);
	*ret = reasons;
	return 0;
}

const char *go_wait_reason(const struct go_wait_reasons *reasons, u32 number)
{
	return number > 0 && number < reasons->count ? reasons->text[number] : NULL;
}
