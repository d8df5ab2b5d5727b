/* SPDX-License-Identifier: BSD-2-Clause */
/* Candidates: in the order of their times, one of a PID, and no more than there is room for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/finder.h"

static int due(struct finder *f, u64 now_ns)
{
	int why, pid = finder_due(f, now_ns, &why);

	assert_true(!pid || !why);
	return pid;
}

static void due_in_the_order_of_their_times(void **state)
{
	CLEANUP(finder_freep) struct finder *f = finder_new();

	(void)state;
	assert_non_null(f);
	finder_add(f, 1, 300);
	finder_add(f, 2, 100);
	finder_add(f, 3, 200);
	finder_add(f, 4, 200);
	assert_int_equal(due(f, 99), 0);
	assert_int_equal(due(f, 100), 2);
	assert_int_equal(due(f, 199), 0);
	assert_int_equal(due(f, 1000), 3);
	assert_int_equal(due(f, 1000), 4);
	assert_int_equal(due(f, 1000), 1);
	assert_int_equal(due(f, 1000), 0);
}

/* Each program that a process executes begins its time anew; one that is gone has none. */
static void one_of_a_pid(void **state)
{
	CLEANUP(finder_freep) struct finder *f = finder_new();

	(void)state;
	finder_add(f, 7, 100);
	finder_add(f, 7, 500);
	finder_add(f, 8, 200);
	finder_drop(f, 8);
	finder_drop(f, 9);
	assert_int_equal(due(f, 499), 0);
	assert_int_equal(due(f, 500), 7);
	assert_int_equal(due(f, 500), 0);
}

/* Whoever tells why tells it once: it comes back until the process is another. */
static void postponed_for_a_reason(void **state)
{
	CLEANUP(finder_freep) struct finder *f = finder_new();
	int why;

	(void)state;
	finder_add(f, 7, 100);
	assert_int_equal(due(f, 100), 7);
	finder_postpone(f, 7, 300, -28);
	finder_add(f, 8, 200);
	assert_int_equal(due(f, 250), 8);
	finder_add(f, 7, 260);
	assert_int_equal(finder_due(f, 260, &why), 7);
	assert_int_equal(why, -28);
	assert_int_equal(due(f, ~0ULL), 0);
	finder_postpone(f, 7, 300, -28);
	finder_drop(f, 7);
	finder_add(f, 7, 400);
	assert_int_equal(due(f, 400), 7);
}

static void bounded_and_counted(void **state)
{
	CLEANUP(finder_freep) struct finder *f = finder_new();

	(void)state;
	for (int pid = 1; pid <= FINDER_MAX + 10; pid++)
		finder_add(f, pid, (u64)pid);
	assert_int_equal(finder_refused(f), 10);
	for (int pid = 1; pid <= FINDER_MAX; pid++)
		assert_int_equal(due(f, ~0ULL), pid);
	assert_int_equal(due(f, ~0ULL), 0);
	finder_add(f, 1, 1);
	assert_int_equal(finder_refused(f), 10);
	assert_int_equal(due(f, 1), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(due_in_the_order_of_their_times),
		cmocka_unit_test(one_of_a_pid),
		cmocka_unit_test(postponed_for_a_reason),
		cmocka_unit_test(bounded_and_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
