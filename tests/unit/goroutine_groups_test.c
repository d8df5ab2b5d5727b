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
		cmocka_unit_test(json_is_null_where_members_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
