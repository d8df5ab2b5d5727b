/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "govern/stretch.h"

static const double calibrated_ns = 150;

static void add(struct stretch *s, u64 runs, u64 run_ns)
{
	stretch_add(s, runs, runs * run_ns, calibrated_ns);
}

/* Too much rather than too little, until the program tells. */
static void unseen_is_more_than_calibrated(void **state)
{
	struct stretch s = { 0 };

	(void)state;
	assert_float_equal(stretch_of(&s), 2, 1e-9);
	add(&s, 0, 0);
	assert_float_equal(stretch_of(&s), 2, 1e-9);
	add(&s, 10, 150);
	assert_true(stretch_of(&s) > 1.3 && stretch_of(&s) < 1.7);
}

static void many_runs_outweigh_what_was_taken(void **state)
{
	struct stretch s = { 0 };

	(void)state;
	add(&s, 1000, 150);
	assert_float_equal(stretch_of(&s), 1, 0.02);
}

/* Also of a target that is hit so seldom that a window times a run or none. */
static void few_runs_outweigh_it_later(void **state)
{
	struct stretch s = { 0 };

	(void)state;
	for (int i = 0; i < 100; i++)
		add(&s, i % 2, 150);
	assert_float_equal(stretch_of(&s), 1, 0.02);
}

static void goes_with_the_target(void **state)
{
	struct stretch s = { 0 };

	(void)state;
	for (int i = 0; i < 50; i++)
		add(&s, 100, 150);
	assert_float_equal(stretch_of(&s), 1, 0.02);
	for (int i = 0; i < 50; i++)
		add(&s, 100, 450);
	assert_float_equal(stretch_of(&s), 3, 0.03);
}

static void hardly_more_is_the_same(void **state)
{
	struct stretch s = { 0 };

	(void)state;
	add(&s, 100000, 157);
	assert_float_equal(stretch_of(&s), 1, 1e-9);
	s = (struct stretch) { 0 };
	add(&s, 100000, 143);
	assert_float_equal(stretch_of(&s), 1, 1e-9);
	s = (struct stretch) { 0 };
	add(&s, 100000, 180);
	assert_float_equal(stretch_of(&s), 1.2, 0.01);
}

/* Runs are compared with the calibration of their time. */
static void goes_not_with_the_machine(void **state)
{
	struct stretch s = { 0 };

	(void)state;
	for (int i = 0; i < 50; i++)
		stretch_add(&s, 100, 100 * 150, 150);
	for (int i = 0; i < 5; i++)
		stretch_add(&s, 100, 100 * 200, 200);
	assert_float_equal(stretch_of(&s), 1, 0.02);
}

static void without_a_calibration_nothing_is_learned(void **state)
{
	struct stretch s = { 0 };

	(void)state;
	stretch_add(&s, 100, 100 * 450, 0);
	assert_float_equal(stretch_of(&s), 2, 1e-9);
}

static void what_was_calibrated_is_sure(void **state)
{
	(void)state;
	assert_float_equal(stretch_error(1), 0, 1e-9);
	assert_float_equal(stretch_error(2), 0.1, 1e-9);
	assert_true(stretch_error(4) < 0.2 && stretch_error(4) > stretch_error(2));
	assert_true(stretch_error(0.5) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unseen_is_more_than_calibrated),
		cmocka_unit_test(many_runs_outweigh_what_was_taken),
		cmocka_unit_test(few_runs_outweigh_it_later),
		cmocka_unit_test(goes_with_the_target),
		cmocka_unit_test(hardly_more_is_the_same),
		cmocka_unit_test(goes_not_with_the_machine),
		cmocka_unit_test(without_a_calibration_nothing_is_learned),
		cmocka_unit_test(what_was_calibrated_is_sure),
	};

	return cmocka_run_group_tests_name("stretch", tests, NULL, NULL);
}
