/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's tables read for many targets at once, on functions of this very
 * program: nobody gets another's rows, nothing is lost when the table of maps is
 * emptied, and a slot's next target starts from zero.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/harvest.h"
#include "daemon/tally.h"
#include "kern/features.h"
#include "probe/calibrate.h"
#include "proc/process.h"

static struct tally_scratch scratch;

enum { SLOTS = 3, TYPE = 9, GO_PC = 0x77 };

/* Stand for functions of the Go runtime, in the slot that their number says. */
#define PROBED(name)                                                                               \
	__attribute__((naked, noinline)) static void name(void)                                    \
	{                                                                                          \
		__asm__ volatile("push %rbp\n\tpop %rbp\n\tret");                                  \
	}
PROBED(write_0)
PROBED(write_1)
PROBED(create_0)
PROBED(create_1)
PROBED(stop)
PROBED(start)

/* fn(a, b, c) by Go's register ABI. Not inlined: one call site for all. */
__attribute__((noinline)) static void call(void (*fn)(void), u64 a, u64 b, u64 c)
{
	__asm__ volatile("call *%3" : "+a"(a), "+b"(b), "+c"(c) : "r"(fn) : "memory", "cc");
}

static void write_map(void (*fn)(void), u64 map, size_t times)
{
	for (size_t i = 0; i < times; i++)
		call(fn, TYPE, map, 0);
}

static void create(void (*fn)(void), size_t times)
{
	u64 funcval = 0x55; /* on the stack: a program can't fault a page in */

	for (size_t i = 0; i < times; i++)
		call(fn, (u64)(uintptr_t)&funcval, 0, GO_PC);
}

/* A target: its slot's rows of the last round, and its tally. */
struct seat {
	u32 slot;
	size_t rounds, map_rows, emptied;
	u64 calls, created;
	struct tally *tally;
	struct event_sample sample;
};

struct fixture {
	struct kern *kern;
	struct harvest *harvest;
	struct seat seat[SLOTS];
	struct kern_probes *probes[8];
	size_t probe_count;
};

static void on_begin(void *arg)
{
	struct seat *seat = arg;

	seat->rounds++;
	seat->map_rows = seat->calls = seat->created = 0;
}

static void on_map_site(void *arg, const struct wire_map_site *site, u64 count)
{
	struct seat *seat = arg;

	assert_int_equal(WIRE_SITE_SLOT(site->site), seat->slot);
	seat->map_rows++;
	seat->calls += count;
	tally_count(seat->tally, site, count);
}

static void on_emptied(void *arg)
{
	struct seat *seat = arg;

	seat->emptied++;
	tally_emptied(seat->tally);
}

static void on_go_site(void *arg, const struct wire_go_site *site,
		       const struct wire_go_count *count)
{
	struct seat *seat = arg;

	assert_int_equal(site->slot, seat->slot);
	assert_int_equal(site->gopc, GO_PC);
	assert_int_equal(site->startpc, 0x55);
	seat->created += count->created;
}

static void join(struct fixture *f, u32 slot)
{
	struct seat *seat = &f->seat[slot];
	const struct harvest_taker taker = { seat, on_begin, on_map_site, on_emptied, on_go_site };
	struct err err = { 0 };

	tally_free(seat->tally);
	*seat = (struct seat) { .slot = slot, .tally = tally_new(&scratch, WIRE_MAX_MAPS / 2) };
	assert_non_null(seat->tally);
	if (harvest_join(f->harvest, slot, &taker, &err))
		fail_msg("%s", err.text);
}

static void describe(struct fixture *f, u32 slot, pid_t pid)
{
	const struct wire_target target = { .tgid = (u32)pid, .creator_pc_arg = 2 };
	struct err err = { 0 };

	if (kern_set_target(f->kern, slot, &target, &err))
		fail_msg("%s", err.text);
}

static void attach(struct fixture *f, u32 slot, enum probe_group group, void (*fn)(void),
		   enum wire_fn as, pid_t pid)
{
	const struct kern_site site = { .file_offset = self_file_offset(fn),
					.cookie = WIRE_COOKIE(slot, as, 0, 0) };
	struct err err = { 0 };

	assert_true(f->probe_count < ARRAY_SIZE(f->probes));
	if (kern_attach(f->kern, group, pid, PROC_SELF_EXE, &site, 1, &f->probes[f->probe_count++],
			&err))
		fail_msg("%s", err.text);
}

static void detach_all(struct fixture *f)
{
	kern_detach_many(f->probes, f->probe_count);
	f->probe_count = 0;
}

static void read_round(struct fixture *f)
{
	struct err err = { 0 };

	if (harvest_read(f->harvest, &err))
		fail_msg("%s", err.text);
}

static const struct event_sample *take(struct seat *seat)
{
	const double calls[WIRE_FN_COUNT] = { 0 };
	const bool sampled[WIRE_FN_COUNT] = { 0 };
	struct err err = { 0 };

	if (tally_take(seat->tally, calls, sampled, &seat->sample, &err))
		fail_msg("%s", err.text);
	return &seat->sample;
}

static void look_for_slot(void *arg, const struct wire_map_site *site, u64 count)
{
	u32 *slot = arg;

	if (count && WIRE_SITE_SLOT(site->site) == *slot)
		*slot = WIRE_MAX_TARGETS;
}

static bool has_rows(struct kern *kern, u32 slot)
{
	struct err err = { 0 };

	if (kern_each_map_site(kern, false, look_for_slot, &slot, &err))
		fail_msg("%s", err.text);
	return slot == WIRE_MAX_TARGETS;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct kern_features features;
	struct err err = { 0 };

	assert_non_null(f);
	*state = f;
	kern_features_probe(&features);
	if (features.bpf_err || !features.btf || !features.attach_cookie ||
	    (!features.uprobe_multi && features.perf_uprobe_err))
		return 0;
	const struct kern_options options = {
		.targets = SLOTS,
		.ring_bytes = 1 << 16,
		.uprobe_multi = features.uprobe_multi,
		.groups = { [PROBE_MAP_WRITE] = true, [PROBE_GOROUTINE] = true, [PROBE_GC] = true },
	};
	if (kern_open(&f->kern, &options, &err)) {
		print_error("%s\n", err.text);
		return -1;
	}
	f->harvest = harvest_new(f->kern);
	return f->harvest ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	detach_all(f);
	for (size_t i = 0; i < SLOTS; i++)
		tally_free(f->seat[i].tally);
	harvest_free(f->harvest);
	kern_close(f->kern);
	free(f);
	return 0;
}

static struct fixture *usable(void **state)
{
	struct fixture *f = *state;

	if (!f->kern) {
		print_message("needs BTF, CAP_BPF and uprobes\n");
		skip();
	}
	return f;
}

/* Slots 0 and 1 are this process, each with functions of its own. */
static void watch_two(struct fixture *f)
{
	for (u32 slot = 0; slot < 2; slot++) {
		join(f, slot);
		describe(f, slot, getpid());
	}
	attach(f, 0, PROBE_MAP_WRITE, write_0, WIRE_FN_MAPASSIGN, getpid());
	attach(f, 1, PROBE_MAP_WRITE, write_1, WIRE_FN_MAPASSIGN, getpid());
	attach(f, 0, PROBE_GOROUTINE, create_0, WIRE_FN_GO_CREATE, getpid());
	attach(f, 1, PROBE_GOROUTINE, create_1, WIRE_FN_GO_CREATE, getpid());
}

/* The same maps, sites and types: only the slot tells them apart. */
static void each_gets_its_own_rows(void **state)
{
	struct fixture *f = usable(state);

	watch_two(f);
	write_map(write_0, 1, 3);
	write_map(write_0, 2, 4);
	write_map(write_1, 1, 5);
	create(create_0, 6);
	create(create_1, 8);
	read_round(f);
	assert_true(f->seat[0].map_rows == 2 && f->seat[0].calls == 7 && f->seat[0].created == 6);
	assert_true(f->seat[1].map_rows == 1 && f->seat[1].calls == 5 && f->seat[1].created == 8);
	write_map(write_1, 1, 1);
	read_round(f);
	assert_true(f->seat[0].rounds == 2 && f->seat[0].calls == 7 && f->seat[0].created == 6);
	assert_true(f->seat[1].rounds == 2 && f->seat[1].calls == 6 && f->seat[1].created == 8);
}

/* One makes more maps than there is room for, round after round. */
static void emptying_loses_nobodys_counts(void **state)
{
	struct fixture *f = usable(state);
	const struct event_sample *sample;
	u64 map = 1000;

	watch_two(f);
	for (u64 round = 1; round <= 12; round++) {
		for (int i = 0; i < 700; i++)
			write_map(write_0, map++, 1);
		write_map(write_1, 1, 10);
		read_round(f);
		sample = take(&f->seat[0]);
		assert_int_equal(sample->map_site_count, 1);
		assert_int_equal(sample->map_sites[0].count, 700 * round);
		sample = take(&f->seat[1]);
		assert_int_equal(sample->map_site_count, 1);
		assert_int_equal(sample->map_sites[0].count, 10 * round);
		assert_int_equal(sample->map_count, 1);
		assert_int_equal(sample->maps[0].writes, 10 * round);
	}
	assert_true(f->seat[0].emptied >= 4);
	assert_int_equal(f->seat[0].emptied, f->seat[1].emptied);
}

/* A target whose sample was not taken in between loses nothing either. */
static void emptied_twice_before_a_sample(void **state)
{
	struct fixture *f = usable(state);

	watch_two(f);
	for (u64 round = 0; round < 6; round++) {
		for (u64 i = 0; i < 600; i++)
			write_map(write_0, 1000 * round + i + 2, 1);
		write_map(write_1, 1, 10 + round);
		read_round(f);
		(void)take(&f->seat[0]);
	}
	assert_true(f->seat[1].emptied >= 2);
	assert_int_equal(take(&f->seat[1])->map_sites[0].count, 6 * 10 + 15);
}

/* Rows that nobody takes are out of the kernel after the next round. */
static void a_slot_that_was_left_is_dropped(void **state)
{
	struct fixture *f = usable(state);

	watch_two(f);
	for (u64 map = 1; map <= 1100; map++) /* some have no room by map */
		write_map(write_0, map, 1);
	create(create_0, 1);
	write_map(write_1, 2000, 5);
	harvest_leave(f->harvest, 0);
	read_round(f);
	assert_int_equal(f->seat[0].rounds, 0);
	assert_int_equal(f->seat[1].calls, 5);
	for (u64 map = 1; map <= 400; map++)
		write_map(write_1, 3000 + map, 1);
	read_round(f);
	assert_int_equal(f->seat[1].calls, 405);
	assert_int_equal(f->seat[1].map_rows, 401); /* map 2000 has had no room, the others have */
	assert_int_equal(f->seat[1].emptied, 0);
}

/* Rows of our own hits stay where they are: dropped, they would be back at the next round. */
static void ignored_rows_stay(void **state)
{
	struct fixture *f = usable(state);

	watch_two(f);
	harvest_leave(f->harvest, 0);
	harvest_ignore(f->harvest, 0);
	write_map(write_0, 1, 7);
	read_round(f);
	assert_int_equal(f->seat[0].rounds, 0);
	assert_int_equal(f->seat[1].calls, 0);
	assert_true(has_rows(f->kern, 0));
}

/* What the child does when it is told to. */
static void be_target(int go)
{
	char c;

	while (read(go, &c, 1) == 1 && c) {
		write_map(write_0, 1, 100);
		create(create_0, 50);
		call(c == 'x' ? stop : start, 0, 0, 0);
		_exit(0);
	}
	_exit(1);
}

/* Runs a target in slot 0: attached, then told, then gone. */
static void run_target(struct fixture *f, char how)
{
	int go[2], status;
	pid_t child;

	assert_int_equal(pipe(go), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(go[1]); /* or it would wait for itself when the test has failed */
		be_target(go[0]);
	}
	join(f, 0);
	describe(f, 0, child);
	attach(f, 0, PROBE_MAP_WRITE, write_0, WIRE_FN_MAPASSIGN, child);
	attach(f, 0, PROBE_GOROUTINE, create_0, WIRE_FN_GO_CREATE, child);
	attach(f, 0, PROBE_GC, stop, WIRE_FN_STOP_WORLD, child);
	attach(f, 0, PROBE_GC, start, WIRE_FN_START_WORLD, child);
	read_round(f);
	assert_true(f->seat[0].map_rows == 0 && f->seat[0].created == 0);
	assert_int_equal(write(go[1], &how, 1), 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	detach_all(f);
	close(go[0]);
	close(go[1]);
}

static void keep_stop(void *arg, const void *record, size_t size)
{
	const struct wire_stop *stop_record = record;

	assert_true(size >= sizeof(*stop_record) && stop_record->hdr.kind == WIRE_STOP);
	*(struct wire_stop *)arg = *stop_record;
}

/* The first is gone within a stop of the world, and a lean window that it was in never closed. */
static void the_next_target_of_a_slot_starts_from_zero(void **state)
{
	const struct wire_gate lean = { .cap = 1, .window = 7, .lean = 1 };
	struct fixture *f = usable(state);
	struct wire_stop stop_record = { .requested_ns = 1 };
	struct wire_counters c;
	struct err err = { 0 };

	run_target(f, 'x');
	for (int g = 0; g < PROBE_GROUP_COUNT; g++)
		kern_set_gate(f->kern, 0, (enum probe_group)g, &lean);
	harvest_leave(f->harvest, 0);
	run_target(f, 'y');
	read_round(f);
	assert_int_equal(f->seat[0].calls, 100);
	assert_int_equal(f->seat[0].created, 50);
	assert_int_equal(kern_read_counters(f->kern, 0, &c, &err), 0);
	assert_int_equal(c.hits[WIRE_FN_MAPASSIGN], 100);
	assert_int_equal(c.hits[WIRE_FN_GO_CREATE], 50);
	assert_int_equal(c.hits[WIRE_FN_STOP_WORLD], 0);
	assert_int_equal(kern_ring_consume(f->kern, keep_stop, &stop_record, &err), 0);
	assert_int_equal(stop_record.requested_ns, 0); /* not the first one's */
}

/* Clearing one slot leaves its neighbour as it is. */
static void joining_touches_no_other_slot(void **state)
{
	struct fixture *f = usable(state);
	struct wire_counters c;
	struct err err = { 0 };

	watch_two(f);
	write_map(write_1, 1, 9);
	create(create_1, 2);
	join(f, 2);
	write_map(write_1, 1, 1);
	read_round(f);
	assert_true(f->seat[1].calls == 10 && f->seat[1].created == 2);
	assert_true(f->seat[2].calls == 0 && f->seat[2].created == 0);
	assert_int_equal(kern_read_counters(f->kern, 1, &c, &err), 0);
	assert_int_equal(c.hits[WIRE_FN_MAPASSIGN], 10);
}

static void slots_are_checked(void **state)
{
	const struct harvest_taker taker = { .arg = NULL };
	struct fixture *f = usable(state);
	struct err err = { 0 };

	join(f, 0);
	assert_int_equal(harvest_join(f->harvest, 0, &taker, &err), -EBUSY);
	assert_int_equal(harvest_join(f->harvest, WIRE_MAX_TARGETS, &taker, &err), -EINVAL);
	assert_true(harvest_join(f->harvest, SLOTS, &taker, &err) < 0); /* the kernel has fewer */
	harvest_leave(f->harvest, 0);
	join(f, 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_gets_its_own_rows),
		TEST(emptying_loses_nobodys_counts),
		TEST(emptied_twice_before_a_sample),
		TEST(a_slot_that_was_left_is_dropped),
		TEST(ignored_rows_stay),
		TEST(the_next_target_of_a_slot_starts_from_zero),
		TEST(joining_touches_no_other_slot),
		TEST(slots_are_checked),
	};

	return cmocka_run_group_tests_name("harvest", tests, NULL, NULL);
}
