/* SPDX-License-Identifier: BSD-2-Clause */
/* Random goroutines, grouped, against counting them one by one; and what is printed of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/macros.h"
#include "base/text.h"
#include "base/units.h"
#include "model/goroutine_groups.h"
#include "output/goroutines.h"

enum { MAX_ROWS = 400, ROUNDS = 300 };

static bool in_group(const struct goroutine_kind *x, const struct goroutine_kind *y,
		     enum goroutine_by by)
{
	switch (by) {
	case BY_SITE:
		return x->site == y->site && x->start == y->start;
	case BY_WAIT:
		return x->state == y->state && x->wait == y->wait;
	case BY_STATE:
		break;
	}
	return x->state == y->state;
}

static size_t fill(struct goroutine_seen *rows, unsigned int *seed, u64 now_ns)
{
	size_t n = (size_t)(rand_r(seed) % (MAX_ROWS + 1));

	for (size_t i = 0; i < n; i++) {
		u64 likely_ns = (u64)rand_r(seed) % now_ns;

		rows[i] = (struct goroutine_seen) {
			.kind = { (u32)(rand_r(seed) % 5), (u32)(rand_r(seed) % 3),
				  (u8)(1 + rand_r(seed) % 4), (u8)(rand_r(seed) % 3) },
			.birth = { likely_ns / 2, likely_ns + 1, likely_ns, rand_r(seed) % 2 },
		};
	}
	return n;
}

/* Counts the group's members among the rows, and checks all that is said of them. */
static void check_group(const struct goroutine_group *g, const struct goroutine_seen *rows,
			size_t n, enum goroutine_by by, u64 now_ns)
{
	u64 count = 0, kinds = 0, younger = 0, as_young = 0, min_ns = ~0ULL, max_ns = 0;
	bool site = true, start = true, state = true, wait = true;

	for (size_t i = 0; i < n; i++) {
		const struct goroutine_kind *kind = &rows[i].kind;
		u64 age_ns = now_ns - rows[i].birth.likely_ns;

		if (!in_group(kind, &g->kind, by))
			continue;
		count++;
		kinds += memcmp(kind, &g->kind, sizeof(*kind)) == 0;
		site = site && kind->site == g->kind.site;
		start = start && kind->start == g->kind.start;
		state = state && kind->state == g->kind.state;
		wait = wait && kind->wait == g->kind.wait;
		min_ns = MIN(min_ns, age_ns);
		max_ns = MAX(max_ns, age_ns);
		younger += age_ns < g->p50.likely_ns;
		as_young += age_ns <= g->p50.likely_ns;
	}
	assert_int_equal(g->count, count);
	assert_int_equal(g->kind_count, kinds);
	assert_int_equal(g->same_site, site);
	assert_int_equal(g->same_start, start);
	assert_int_equal(g->same_state, state);
	assert_int_equal(g->same_wait, wait);
	assert_int_equal(g->age_min_ns, min_ns);
	assert_int_equal(g->oldest.likely_ns, max_ns);
	assert_true(younger <= (count - 1) / 2 && as_young > (count - 1) / 2);
	assert_true(g->p50.least_ns <= g->p50.likely_ns && g->p50.likely_ns <= g->p50.most_ns);
}

static void groups_are_what_counting_finds(void **state)
{
	static struct goroutine_seen rows[MAX_ROWS];
	const u64 now_ns = NS_PER_S;

	(void)state;
	for (unsigned int round = 1; round <= ROUNDS; round++) {
		enum goroutine_by by = (enum goroutine_by)(round % 3);
		CLEANUP(freep) struct goroutine_group *groups = NULL;
		unsigned int seed = round;
		size_t n = fill(rows, &seed, now_ns), count, sum = 0;

		assert_int_equal(goroutine_groups(rows, n, by, now_ns, &groups, &count), 0);
		for (size_t i = 0; i < count; i++) {
			check_group(&groups[i], rows, n, by, now_ns);
			assert_true(i == 0 || groups[i - 1].count >= groups[i].count);
			sum += groups[i].count;
		}
		assert_int_equal(sum, n);
	}
}

/* A target may call its functions as it likes. */
static const char *hostile(void *arg, u32 number)
{
	(void)arg;
	return number ? "main.\x1b[2Jevil \xe2\x80\xae\n\"" : "main.good main.go:1";
}

static const char *wait_text(void *arg, u8 wait)
{
	(void)arg;
	return wait ? "chan \x07receive" : NULL;
}

static const struct goroutine_group sample[] = {
	{ .count = 3,
	  .kind = { 1, 1, GO_STATE_WAITING, 1 },
	  .kind_count = 2,
	  .same_start = true,
	  .same_state = true,
	  .same_wait = true,
	  .p50 = { 5 * NS_PER_S, 4 * NS_PER_S, 6 * NS_PER_S, true },
	  .oldest = { 9 * NS_PER_S, 8 * NS_PER_S, 90 * NS_PER_S, false } },
	{ .count = 1,
	  .kind = { 0, 0, GO_STATE_RUNNING, 0 },
	  .kind_count = 1,
	  .same_site = true,
	  .same_start = true,
	  .same_state = true,
	  .same_wait = true,
	  .p50 = { NS_PER_S, 0, 7 * NS_PER_S, false },
	  .oldest = { NS_PER_S, 0, 7 * NS_PER_S, false } },
};

static struct goroutine_report report(const struct go_gc_memory *gc)
{
	return (struct goroutine_report) {
		.pid = 7,
		.exe = "/bin/\x1b[31mx",
		.go = "go1.22",
		.groups = sample,
		.group_count = ARRAY_SIZE(sample),
		.live = 4,
		.system = 2,
		.skipped = 1,
		.gc = gc,
		.texts = { NULL, hostile, hostile, wait_text },
	};
}

static void text_shows_how_ages_are_known(void **state)
{
	const struct go_gc_memory gc = { .why = { "heap: no offset" } };
	const struct goroutine_report r = report(&gc);
	CLEANUP(freep) char *text = NULL;
	struct text_output t = { 0 };
	size_t size;

	(void)state;
	for (unsigned int width = 0; width <= 120; width += 40) {
		free(TAKE_PTR(text));
		t.out = open_memstream(&text, &size);
		assert_non_null(t.out);
		assert_int_equal(goroutines_text(&t, &r, 0, width), 0);
		fclose(t.out);
		assert_null(strchr(text, '\x1b'));
		assert_null(strchr(text, '\x07'));
		assert_non_null(strstr(text, "~5.0 s"));
		assert_non_null(strstr(text, ">8.0 s"));
		assert_non_null(strstr(text, "<7.0 s"));
		assert_non_null(strstr(text, "heap: no offset"));
		assert_non_null(strstr(text, "main.go:1"));
	}
	t.out = fopen("/dev/full", "we");
	assert_non_null(t.out);
	setvbuf(t.out, NULL, _IONBF, 0);
	assert_true(goroutines_text(&t, &r, 0, 0) < 0);
	fclose(t.out);
}

/* Columns of the widest line of the table. */
static size_t table_columns(const struct goroutine_report *r, unsigned int width)
{
	CLEANUP(freep) char *text = NULL;
	struct text_output t = { 0 };
	size_t size, most = 0;
	char *rest, *line;

	t.out = open_memstream(&text, &size);
	assert_non_null(t.out);
	assert_int_equal(goroutines_text(&t, r, 0, width), 0);
	fclose(t.out);
	rest = strstr(text, "COUNT");
	assert_non_null(rest);
	while ((line = strsep(&rest, "\n")) && *line)
		most = MAX(most, text_columns(line));
	return most;
}

/* What is known of the collector and what is not are one sentence, whichever it is. */
static void the_collectors_line_has_one_beginning(void **state)
{
	static const struct {
		struct go_gc_memory gc;
		const char *want;
	} cases[] = {
		{ { .has_cycles = true, .cycles = 1, .why = { "x" } },
		  "\nGC: 1 cycle; not known: x\n" },
		{ { .has_heap_live = true, .has_heap_goal = true, .why = { "x" } },
		  "\nGC: heap 0 B live, goal 0 B; not known: x\n" },
		{ { .has_pauses = true, .pause_count = 1, .pause_ns = { 7 }, .why = { "x" } },
		  "\nGC: last 1 pause: p50 7 ns, max 7 ns, last 7 ns; not known: x\n" },
		{ { .why = { "x" } }, "\nGC: not known: x\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct goroutine_report r = report(&cases[i].gc);
		CLEANUP(freep) char *text = NULL;
		struct text_output t = { 0 };
		size_t size;

		t.out = open_memstream(&text, &size);
		assert_int_equal(goroutines_text(&t, &r, 0, 0), 0);
		fclose(t.out);
		assert_non_null(strstr(text, cases[i].want));
	}
}

static const char *long_text(void *arg, u32 number)
{
	return number ? arg : "main.short main.go:1";
}

/* One column too wide is too wide as well. */
static void a_row_fits_the_terminal(void **state)
{
	static char name[400];
	const struct go_gc_memory gc = { 0 };
	struct goroutine_report r = report(&gc);

	(void)state;
	r.texts = (struct goroutine_texts) { name, long_text, long_text, wait_text };
	for (size_t length = 30; length < sizeof(name); length += 123) {
		size_t whole;

		memset(name, 'x', length);
		whole = table_columns(&r, 0);
		for (unsigned int less = 0; less < 8; less++)
			assert_int_equal(table_columns(&r, (unsigned int)whole - less),
					 whole - less);
	}
}

/* What a line of the terminal and a parser must never see of it. */
static void assert_clean(const char *json)
{
	for (; *json; json++)
		assert_true((*json >= ' ' && *json < 0x7f) || *json == '\n');
}

static const char *evil(void *arg, u32 number)
{
	(void)number;
	return arg;
}

static const char *evil_wait(void *arg, u8 wait)
{
	(void)wait;
	return arg;
}

static void assert_text_of(json_t *line, const char *key, const char *want)
{
	assert_string_equal(json_string_value(json_object_get(line, key)), want);
}

/* Control bytes, C1, a direction mark, no UTF-8: a parser gets valid text, and all else as it was.
 */
static void json_escapes_what_the_target_calls_things(void **state)
{
	static const char raw[] = "a\nb\x1b[2J\"]\\\xc2\x9b\xe2\x80\xae\xff",
			  got[] = "a\nb\x1b[2J\"]\\\xc2\x9b\xe2\x80\xae\xef\xbf\xbd";
	static const char *const keys[] = { "site", "start", "wait" };
	const struct goroutine_line one = { .id = 1, .kind = { 1, 1, GO_STATE_WAITING, 1 } };
	struct go_gc_memory gc = { 0 };
	struct goroutine_report r = report(&gc);
	CLEANUP(freep) char *text = NULL;
	size_t size, lines = 0;
	FILE *out = open_memstream(&text, &size);
	char *rest, *line;

	(void)state;
	snprintf(gc.why.text, sizeof(gc.why.text), "%s", raw);
	r.texts = (struct goroutine_texts) { (void *)raw, evil, evil, evil_wait };
	assert_int_equal(goroutine_json(out, 7, &one, NS_PER_S, &r.texts), 0);
	assert_int_equal(goroutines_json(out, &r), 0);
	fclose(out);
	assert_clean(text);
	for (rest = text; (line = strsep(&rest, "\n")) && *line; lines++) {
		json_t *obj = json_loads(line, 0, NULL), *most;

		assert_non_null(obj);
		most = json_object_get(obj, "most");
		for (size_t i = 0; lines == 0 && i < ARRAY_SIZE(keys); i++)
			assert_text_of(obj, keys[i], got);
		for (size_t i = 0; most && i < ARRAY_SIZE(keys); i++)
			assert_text_of(most, keys[i], got);
		if (json_object_get(obj, "gc"))
			assert_text_of(json_object_get(obj, "gc"), "missing", got);
		json_decref(obj);
	}
	assert_int_equal(lines, 1 + ARRAY_SIZE(sample) + 1);
}

static void json_is_null_where_members_differ(void **state)
{
	const struct go_gc_memory gc = { .has_cycles = true,
					 .cycles = 9,
					 .has_pauses = true,
					 .pause_count = 3,
					 .pause_ns = { 30, 10, 20 } };
	const struct goroutine_report r = report(&gc);
	CLEANUP(freep) char *text = NULL;
	json_t *line, *pauses;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	char *rest;

	(void)state;
	assert_int_equal(goroutines_json(out, &r), 0);
	fclose(out);
	rest = text;
	line = json_loads(strsep(&rest, "\n"), 0, NULL);
	assert_true(json_is_null(json_object_get(line, "site")));
	assert_string_equal(json_string_value(json_object_get(line, "age_accuracy")), "sampled");
	assert_true(json_real_value(json_object_get(line, "age_error_s")) == 1.0);
	json_decref(line);
	(void)strsep(&rest, "\n");
	line = json_loads(strsep(&rest, "\n"), 0, NULL);
	assert_string_equal(json_string_value(json_object_get(line, "type")), "goroutine_total");
	pauses = json_object_get(json_object_get(line, "gc"), "pause_ns");
	assert_int_equal(json_integer_value(json_object_get(pauses, "p50")), 20);
	assert_int_equal(json_integer_value(json_object_get(pauses, "max")), 30);
	assert_int_equal(json_integer_value(json_object_get(pauses, "last")), 20);
	assert_true(json_is_null(json_object_get(json_object_get(line, "gc"), "heap_live_bytes")));
	json_decref(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_are_what_counting_finds),
		cmocka_unit_test(text_shows_how_ages_are_known),
		cmocka_unit_test(the_collectors_line_has_one_beginning),
		cmocka_unit_test(a_row_fits_the_terminal),
		cmocka_unit_test(json_escapes_what_the_target_calls_things),
		cmocka_unit_test(json_is_null_where_members_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
