/* SPDX-License-Identifier: BSD-2-Clause */
/* What a made-up process says of its goroutines and collections: sound, racing, hostile. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "gobin/census.h"
#include "gobin/gc_memory.h"
#include "gobin/goid_counter.h"
#include "gobin/live_walk.h"

/* Where the made-up version has its things. */
enum {
	BASE = 0x10000,
	MEMORY_BYTES = 1 << 20,
	BIAS = 0x1000, /* the process is moved by so much */
	ALLGLEN = 0x10000,
	ALLGS = 0x10008,
	SCHED = 0x10010,
	ALLP = 0x10020,
	TABLE = 0x12000,
	G_BYTES = 256,
	G_FIRST = 0x20000,
	P_FIRST = 0x18000,
	P_BYTES = 64,
	MEMSTATS = 0x14000, /* begins with numgc */
	PAUSE_NS = 8,
	PAUSE_END = PAUSE_NS + 8 * GC_PAUSES_MAX,
};

struct fake {
	u8 bytes[MEMORY_BYTES]; /* of [BASE, BASE + MEMORY_BYTES) of the process */
	bool moving;		/* the table is elsewhere at each read */
	u64 cycle_at;		/* whoever reads here first sees a collection end behind it */
	int reads;		/* after so many the process is gone; 0: never */
	struct go_layout layout;
	struct go_process p;
};

/* numgc and the rings, as the runtime writes them; the n-th pause takes n ns and ends at 1000 n. */
static void end_cycle(struct fake *f)
{
	u8 *at = f->bytes + (MEMSTATS + BIAS - BASE);
	u32 n;
	u64 end;

	f->cycle_at = 0;
	memcpy(&n, at, sizeof(n));
	n++;
	end = 1000ULL * n;
	memcpy(at + PAUSE_NS + (n - 1) % GC_PAUSES_MAX * 8, &(u64) { n }, 8);
	memcpy(at + PAUSE_END + (n - 1) % GC_PAUSES_MAX * 8, &end, 8);
	memcpy(at, &n, sizeof(n));
}

static int read_memory(void *arg, u64 addr, void *buf, size_t len)
{
	struct fake *f = arg;

	if (f->reads == 1)
		return -ESRCH;
	f->reads -= f->reads > 0;
	if (f->moving && addr == ALLGS + BIAS)
		++*(u64 *)(void *)(f->bytes + ALLGS + BIAS - BASE);
	if (addr < BASE || addr - BASE > MEMORY_BYTES || MEMORY_BYTES - (addr - BASE) < len)
		return -EFAULT;
	memcpy(buf, f->bytes + (addr - BASE), len);
	if (f->cycle_at && addr == f->cycle_at)
		end_cycle(f);
	return 0;
}

static size_t read_pieces(void *arg, const struct memory_piece *pieces, size_t n)
{
	size_t i = 0;

	while (i < n && read_memory(arg, pieces[i].addr, pieces[i].buf, pieces[i].len) == 0)
		i++;
	return i;
}

static void put(struct fake *f, u64 addr, u64 value, size_t size)
{
	assert_true(addr >= BASE && addr - BASE + size <= MEMORY_BYTES);
	memcpy(f->bytes + (addr - BASE), &value, size);
}

static void know(struct fake *f, enum go_field field, u32 offset, u32 size)
{
	f->layout.field[field] = (struct go_offset) { offset, size, "test", false, NULL };
}

static int make_fake(void **state)
{
	struct fake *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	know(f, GO_G_STATUS, 144, 4);
	know(f, GO_G_GOID, 152, 8);
	know(f, GO_G_WAITSINCE, 168, 8);
	know(f, GO_G_WAITREASON, 176, 1);
	know(f, GO_G_GOPC, 200, 8);
	know(f, GO_G_STARTPC, 208, 8);
	know(f, GO_P_GOIDCACHE, 16, 8);
	know(f, GO_SCHED_GOIDGEN, 8, 8);
	f->layout.global[GO_ALLGLEN] = (struct go_global_place) { ALLGLEN, "test" };
	f->layout.global[GO_ALLGS] = (struct go_global_place) { ALLGS, "test" };
	f->layout.global[GO_SCHED] = (struct go_global_place) { SCHED, "test" };
	f->layout.global[GO_ALLP] = (struct go_global_place) { ALLP, "test" };
	put(f, ALLGS + BIAS, TABLE + BIAS, 8);
	f->p = (struct go_process) { .layout = &f->layout,
				     .bias = BIAS,
				     .mem = { read_memory, read_pieces, f } };
	*state = f;
	return 0;
}

static int free_fake(void **state)
{
	free(*state);
	return 0;
}

static void put_g(struct fake *f, u64 i, u64 entry, u32 status, u64 goid)
{
	u64 g = G_FIRST + BIAS + i * G_BYTES;

	put(f, TABLE + BIAS + entry * 8, g, 8);
	put(f, g + 144, status, 4);
	put(f, g + 152, goid, 8);
	put(f, g + 168, 1000 + goid, 8);
	put(f, g + 176, 7, 1);
	put(f, g + 200, 0x400000 + goid, 8);
	put(f, g + 208, 0x500000 + goid, 8);
}

static void each_status_counts_as_the_runtime_counts(void **state)
{
	static const struct {
		u32 status;
		const char *name; /* NULL: not alive */
		size_t skipped;
	} rows[] = {
		{ 0, NULL, 0 },		 { 1, "runnable", 0 },
		{ 2, "running", 0 },	 { 3, "syscall", 0 },
		{ 4, "waiting", 0 },	 { 0x1004, "waiting", 0 }, /* its stack is being scanned */
		{ 5, NULL, 1 },					   /* never used */
		{ 6, NULL, 0 },		 { 0x1006, NULL, 0 },
		{ 7, NULL, 1 },		 { 8, "copystack", 0 },
		{ 9, "preempted", 0 },	 { 10, "leaked", 0 },
		{ 11, NULL, 0 }, /* a C thread's, not in use */
		{ 12, NULL, 1 },	 { 0x2004, NULL, 1 },
		{ 0xffffffff, NULL, 1 }, { 0x104, NULL, 1 }, /* not cut to its lowest byte */
	};
	struct fake *f = *state;

	put(f, ALLGLEN + BIAS, 1, 8);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(go_census_done) struct go_census census = { 0 };
		struct err err = { "" };

		put_g(f, 0, 0, rows[i].status, 42);
		assert_int_equal(go_census_read(&f->p, CENSUS_MAX, &census, &err), 0);
		assert_int_equal(census.count, rows[i].name != NULL);
		assert_int_equal(census.skipped, rows[i].skipped);
		if (!rows[i].name)
			continue;
		assert_string_equal(go_state_name(census.goroutines[0].state), rows[i].name);
		assert_int_equal(census.goroutines[0].id, 42);
		assert_int_equal(census.goroutines[0].creator, 0x400000 + 42);
		assert_int_equal(census.goroutines[0].start, 0x500000 + 42);
		assert_int_equal(census.goroutines[0].waitsince_ns, 1042);
		assert_int_equal(census.goroutines[0].wait_reason, 7);
		assert_int_equal(census.goroutines[0].parent, 0); /* this version has none */
	}
}

/* More than a batch, in any order, with holes, by pieces and one by one: the same result. */
static void all_are_found_around_what_cannot_be_read(void **state)
{
	enum { N = 1500 };
	struct fake *f = *state;
	size_t bad = 0;

	for (u64 i = 0; i < N; i++) {
		put_g(f, i, N - 1 - i, 4, i + 1);
		if (i % 7 == 0) {
			put(f, TABLE + BIAS + (N - 1 - i) * 8, i % 2 ? 0 : ~0ULL, 8);
			bad++;
		}
	}
	put(f, ALLGLEN + BIAS, N, 8);
	for (int pieces = 0; pieces <= 1; pieces++) {
		CLEANUP(go_census_done) struct go_census census = { 0 };
		u64 last = 0;

		f->p.mem.read_pieces = pieces ? read_pieces : NULL;
		assert_int_equal(go_census_read(&f->p, CENSUS_MAX, &census, NULL), 0);
		assert_int_equal(census.count, N - bad);
		assert_int_equal(census.skipped, bad);
		for (size_t i = 0; i < census.count; i++) {
			assert_true(census.goroutines[i].id > last);
			last = census.goroutines[i].id;
		}
	}
}

static void one_goroutine_named_many_times_counts_once(void **state)
{
	CLEANUP(go_census_done) struct go_census census = { 0 };
	struct fake *f = *state;

	for (u64 i = 0; i < 2000; i++)
		put_g(f, 0, i, 4, 9);
	put(f, ALLGLEN + BIAS, 2000, 8);
	assert_int_equal(go_census_read(&f->p, CENSUS_MAX, &census, NULL), 0);
	assert_int_equal(census.count, 1);
	assert_int_equal(census.skipped, 1999);
}

static void a_table_that_lies_is_refused(void **state)
{
	static const struct {
		u64 max, length, table;
		int rc;
	} rows[] = {
		{ CENSUS_MAX, CENSUS_MAX + 1, TABLE + BIAS, -EFBIG },
		{ CENSUS_MAX, ~0ULL, TABLE + BIAS, -EFBIG },
		{ CENSUS_MAX, CENSUS_MAX, TABLE + BIAS, -EFAULT }, /* ends past the memory */
		{ 2, 3, TABLE + BIAS, -EFBIG },			   /* past what the caller takes */
		{ CENSUS_MAX, 1, 0, -EFAULT },
		{ CENSUS_MAX, 1, ~0ULL - 3, -EFAULT },
	};
	struct fake *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct go_census census = { .count = 77 };
		struct err err = { "" };

		put(f, ALLGLEN + BIAS, rows[i].length, 8);
		put(f, ALLGS + BIAS, rows[i].table, 8);
		assert_int_equal(go_census_read(&f->p, rows[i].max, &census, &err), rows[i].rc);
		assert_true(err.text[0]);
		assert_int_equal(census.count, 77); /* untouched on failure */
	}
	put(f, ALLGLEN + BIAS, 1, 8);
	put(f, ALLGS + BIAS, TABLE + BIAS, 8);
	f->moving = true;
	assert_int_equal(go_census_read(&f->p, CENSUS_MAX, &(struct go_census) { 0 }, NULL),
			 -EAGAIN);
}

static void what_is_not_known_of_the_binary_is_told(void **state)
{
	struct fake *f = *state;
	struct go_offset id = f->layout.field[GO_G_GOID];
	struct go_census census;
	struct err err = { "" };

	put(f, ALLGLEN + BIAS, 0, 8);
	f->layout.field[GO_G_GOID].how = NULL;
	assert_int_equal(go_census_read(&f->p, CENSUS_MAX, &census, &err), -ENOENT);
	assert_non_null(strstr(err.text, "goid"));
	f->layout.field[GO_G_GOID] = id;
	f->layout.field[GO_G_GOID].derived = true; /* and not checked */
	assert_int_equal(go_census_read(&f->p, CENSUS_MAX, &census, &err), -ENOENT);
	know(f, GO_G_GOID, 1 << 20, 8);
	assert_int_equal(go_census_read(&f->p, CENSUS_MAX, &census, &err), -EBADMSG);
	know(f, GO_G_GOID, 152, 4);
	assert_int_equal(go_census_read(&f->p, CENSUS_MAX, &census, &err), -EBADMSG);
}

/* It never tells of a part as if it were all. */
static void a_process_that_ends_meanwhile_is_no_census(void **state)
{
	enum { N = 600, READS = 8 }; /* length, table twice, two batches, length again; and spare */
	struct fake *f = *state;
	int whole = 0;

	for (u64 i = 0; i < N; i++)
		put_g(f, i, i, 4, i + 1);
	put(f, ALLGLEN + BIAS, N, 8);
	f->p.mem.read_pieces = NULL;
	for (int reads = 1; reads < N + READS; reads++) {
		CLEANUP(go_census_done) struct go_census census = { 0 };
		struct err err = { "" };
		int rc;

		f->reads = reads;
		rc = go_census_read(&f->p, CENSUS_MAX, &census, &err);
		if (rc) {
			assert_int_equal(rc, -ESRCH);
			assert_true(err.text[0]);
			continue;
		}
		assert_int_equal(census.count, N);
		whole++;
	}
	assert_true(whole > 0);
}

/* A call for each of millions of them would be the attacker's to order. */
static void a_table_of_what_cannot_be_read_is_given_up(void **state)
{
	enum { N = 5000 };
	struct fake *f = *state;
	struct go_census census;
	struct err err = { "" };

	for (u64 i = 0; i < N; i++)
		put(f, TABLE + BIAS + i * 8, 8, 8);
	put(f, ALLGLEN + BIAS, N, 8);
	assert_int_equal(go_census_read(&f->p, CENSUS_MAX, &census, &err), -EBADMSG);
	assert_true(err.text[0]);
}

static void a_cycle_that_ends_meanwhile_leaves_the_pauses_in_order(void **state)
{
	enum { CYCLES = 300 };
	static const u32 looked_at[] = { PAUSE_NS, PAUSE_END };
	struct fake *f = *state;

	know(f, GO_MEMSTATS_PAUSE_NS, PAUSE_NS, 8 * GC_PAUSES_MAX);
	know(f, GO_MEMSTATS_PAUSE_END, PAUSE_END, 8 * GC_PAUSES_MAX);
	f->layout.global[GO_MEMSTATS] = (struct go_global_place) { MEMSTATS, "test" };
	f->layout.gc[WIRE_GC_NUMGC] =
		(struct go_word) { .addr = MEMSTATS, .size = 4, .how = "test" };
	for (int i = 0; i < CYCLES; i++)
		end_cycle(f);
	for (u32 i = 0; i < ARRAY_SIZE(looked_at); i++) {
		struct go_gc_memory gc;

		f->cycle_at = MEMSTATS + BIAS + looked_at[i];
		go_gc_memory_read(&f->p, &gc);
		assert_true(gc.has_pauses);
		assert_int_equal(gc.cycles, CYCLES + 1 + i);
		assert_int_equal(gc.pause_count, GC_PAUSES_MAX);
		for (u32 n = 0; n < GC_PAUSES_MAX; n++) {
			u64 cycle = gc.cycles - GC_PAUSES_MAX + n + 1;

			assert_int_equal(gc.pause_ns[n], cycle);
			assert_int_equal(gc.pause_end_wall_ns[n], 1000 * cycle);
		}
	}
}

static void a_count_that_no_process_has_is_refused(void **state)
{
	static const u64 lies[] = { 1ULL << 63, ~0ULL, GO_GOROUTINES_MAX + 1ULL };
	struct fake *f = *state;
	const struct go_goroutine_words words = { .allglen = ALLGLEN + BIAS,
						  .allp = ALLP + BIAS,
						  .counts = { SCHED + BIAS },
						  .count_len = 1 };
	s64 count = -1;

	put(f, SCHED + BIAS, 2, 4);
	put(f, ALLGLEN + BIAS, 7, 8);
	assert_int_equal(go_goroutine_count(&f->p, &words, &count, NULL), 0);
	assert_int_equal(count, 5);
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		struct err err = { "" };

		put(f, ALLGLEN + BIAS, lies[i], 8);
		assert_int_equal(go_goroutine_count(&f->p, &words, &count, &err), -E2BIG);
		assert_true(err.text[0]);
		assert_int_equal(count, 5);
	}
}

static void a_walk_through_too_many_is_refused(void **state)
{
	const struct go_goroutine_words words = { .walk = true,
						  .allglen = ALLGLEN + BIAS,
						  .allgs = ALLGS + BIAS };
	struct fake *f = *state;
	struct err err = { "" };
	s64 count = -1;

	put(f, ALLGLEN + BIAS, LIVE_WALK_MAX, 8);
	assert_int_equal(go_goroutine_count(&f->p, &words, &count, &err), -EFAULT);
	put(f, ALLGLEN + BIAS, LIVE_WALK_MAX + 1, 8);
	assert_int_equal(go_goroutine_count(&f->p, &words, &count, &err), -E2BIG);
	assert_non_null(strstr(err.text, "one by one"));
}

/* Any bytes at all: an answer or an error, each id once, in order. */
static void garbage_is_survived(void **state)
{
	struct fake *f = *state;
	unsigned int seed = 1;

	for (int round = 0; round < 200; round++) {
		CLEANUP(go_census_done) struct go_census census = { 0 };
		CLEANUP(goid_counter_done) struct goid_counter counter = { 0 };

		for (size_t i = 0; i < MEMORY_BYTES; i += 2)
			f->bytes[i] = (u8)(rand_r(&seed) & (round % 3 ? 0xff : 0x07));
		if (round % 2) {
			put(f, ALLGLEN + BIAS, 3000, 8);
			put(f, ALLGS + BIAS, TABLE + BIAS, 8);
			for (u64 i = 0; i < 3000; i++)
				put(f, TABLE + BIAS + i * 8,
				    BASE + (u64)rand_r(&seed) % (2 * MEMORY_BYTES), 8);
		}
		(void)goid_counter_read(&f->p, &counter, NULL);
		if (go_census_read(&f->p, CENSUS_MAX, &census, NULL))
			continue;
		for (size_t i = 1; i < census.count; i++)
			assert_true(census.goroutines[i - 1].id < census.goroutines[i].id);
	}
}

static void put_p(struct fake *f, u64 i, u64 first, u64 end)
{
	u64 proc = P_FIRST + BIAS + i * P_BYTES;

	put(f, P_FIRST + BIAS - 0x800 + i * 8, proc, 8);
	put(f, proc + 16, first, 8);
	put(f, proc + 24, end, 8);
}

static void the_counter_knows_what_each_p_keeps(void **state)
{
	CLEANUP(goid_counter_done) struct goid_counter counter = { 0 };
	struct fake *f = *state;

	put(f, SCHED + BIAS + 8, 64, 8);
	put(f, ALLP + BIAS, P_FIRST + BIAS - 0x800, 8);
	put(f, ALLP + BIAS + 8, 2, 8); /* GOMAXPROCS was 4 once */
	put(f, ALLP + BIAS + 16, 4, 8);
	put_p(f, 0, 60, 65);
	put_p(f, 1, 33, 33); /* has none */
	put_p(f, 2, 20, 33);
	put_p(f, 3, 65, 81); /* took its batch after the counter was read */
	assert_int_equal(goid_counter_read(&f->p, &counter, NULL), 0);
	assert_int_equal(counter.newest, 64);
	assert_int_equal(counter.spare_count, 2);
	for (u64 id = 1; id < 100; id++)
		assert_int_equal(goid_counter_given(&counter, id),
				 id < 20 || (id >= 33 && id < 60));
}

static void a_counter_that_lies_is_refused(void **state)
{
	static const struct {
		u64 capacity, first, end;
		int rc;
	} rows[] = {
		{ 1, 5, 4, -EBADMSG },	 /* ends before it begins */
		{ 1, 1, 100, -EBADMSG }, /* more than a batch */
		{ 5000, 1, 1, -EBADMSG }, { ~0ULL, 1, 1, -EBADMSG },
		{ 2, 1, 10, -EBADMSG }, /* both have them */
	};
	struct fake *f = *state;

	put(f, SCHED + BIAS + 8, 64, 8);
	put(f, ALLP + BIAS, P_FIRST + BIAS - 0x800, 8);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct goid_counter counter = { .newest = 77 };
		struct err err = { "" };

		put(f, ALLP + BIAS + 16, rows[i].capacity, 8);
		put_p(f, 0, rows[i].first, rows[i].end);
		put_p(f, 1, rows[i].first, rows[i].end);
		assert_int_equal(goid_counter_read(&f->p, &counter, &err), rows[i].rc);
		assert_true(err.text[0]);
		assert_int_equal(counter.newest, 77);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_fake, free_fake)
	const struct CMUnitTest tests[] = {
		TEST(each_status_counts_as_the_runtime_counts),
		TEST(all_are_found_around_what_cannot_be_read),
		TEST(one_goroutine_named_many_times_counts_once),
		TEST(a_table_that_lies_is_refused),
		TEST(what_is_not_known_of_the_binary_is_told),
		TEST(a_process_that_ends_meanwhile_is_no_census),
		TEST(a_table_of_what_cannot_be_read_is_given_up),
		TEST(a_cycle_that_ends_meanwhile_leaves_the_pauses_in_order),
		TEST(a_count_that_no_process_has_is_refused),
		TEST(a_walk_through_too_many_is_refused),
		TEST(garbage_is_survived),
		TEST(the_counter_knows_what_each_p_keeps),
		TEST(a_counter_that_lies_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
