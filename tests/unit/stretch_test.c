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
	stretch_add(s, runs, runs * run_ns);
}

/* Too much rather than too little, until the program tells. */
static void unseen_is_more_than_calibrated(void **state)
{
	struct stretch s = { 0 };

	(void)state;
	assert_float_equal(stretch_of(&s, calibrated_ns), 2, 1e-9);
	add(&s, 0, 0);
	assert_float_equal(stretch_of(&s, calibrated_ns), 2, 1e-9);
	add(&s, 10, 150);
	assert_true(stretch_of(&s, calibrated_ns) > 1.3 && stretch_of(&s, calibrated_ns) < 1.7);
}

static void many_runs_outweigh_what_was_taken(void **state)
{
	struct stretch s = { 0 };

	(void)state;
	add(&s, 1000, 150);
	assert_float_equal(stretch_of(&s, calibrated_ns), 1, 0.02);
}

/* Also of a target that is hit so seldom that a window times a run or none. */
static void few_runs_outweigh_it_later(void **state)
{
	struct stretch s = { 0 };

	(void)state;
	for (int i = 0; i < 100; i++)
		add(&s, i % 2, 150);
	assert_float_equal(stretch_of(&s, calibrated_ns), 1, 0.02);
}

static void goes_with_the_target(void **state)
{
	struct stretch s = { 0 };

	(void)state;
	for (int i = 0; i < 50; i++)
		add(&s, 100, 150);
	assert_float_equal(stretch_of(&s, calibrated_ns), 1, 0.02);
	for (int i = 0; i < 50; i++)
		add(&s, 100, 450);
	assert_float_equal(stretch_of(&s, calibrated_ns), 3, 0.03);
}

/* A target's runs are compared with the calibration of now: whether that fell into a slow moment
 * makes no difference to what the target's hits are taken to cost. */
static void goes_not_with_the_calibration(void **state)
{
	struct stretch s = { 0 };

	(void)state;
	for (int i = 0; i < 50; i++)
		add(&s, 100, 150);
	assert_float_equal(200 * stretch_of(&s, 200), 150 * stretch_of(&s, 150), 1);
}

/* A slow moment of the target shows in the windows after it, also after long quick ones. */
static void goes_with_the_moment(void **state)
{
	struct stretch s = { 0 };

	(void)state;
	for (int i = 0; i < 50; i++)
		add(&s, 400, 150);
	for (int i = 0; i < 4; i++)
		add(&s, 400, 180);
	assert_float_equal(stretch_of(&s, calibrated_ns), 1.2, 0.03);
}

static void without_a_calibration_nothing_is_known(void **state)
{
	struct stretch s = { 0 };

	(void)state;
	add(&s, 100, 450);
	assert_float_equal(stretch_of(&s, 0), 2, 1e-9);
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
		cmocka_unit_test(goes_not_with_the_calibration),
		cmocka_unit_test(goes_with_the_moment),
		cmocka_unit_test(without_a_calibration_nothing_is_known),
		cmocka_unit_test(what_was_calibrated_is_sure),
	};

	return cmocka_run_group_tests_name("stretch", tests, NULL, NULL);
}
