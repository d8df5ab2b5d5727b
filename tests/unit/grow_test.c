/* SPDX-License-Identifier: BSD-2-Clause */
/* Arrays that grow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/grow.h"
#include "base/macros.h"

static void what_was_there_stays(void **state)
{
	CLEANUP(freep) size_t *array = NULL;
	size_t room = 0, moves = 0, before;

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		before = room;
		assert_true(GROW(array, &room, i + 1));
		assert_true(room > i);
		moves += room != before;
		array[i] = i;
	}
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(array[i], i);
	assert_in_range(moves, 2, 10); /* it doubles */
}

static void nothing_is_still_an_array(void **state)
{
	CLEANUP(freep) int *array = NULL;
	size_t room = 0;

	(void)state;
	assert_true(GROW(array, &room, 0));
	assert_non_null(array);
}

/* Read by AddressSanitizer, which would end the program otherwise. */
const char *__asan_default_options(void); /* NOLINT(bugprone-reserved-identifier) */
const char *__asan_default_options(void)  /* NOLINT(bugprone-reserved-identifier) */
{
	return "allocator_may_return_null=1";
}

static void too_much_leaves_it_as_it_was(void **state)
{
	CLEANUP(freep) uint64_t *array = NULL;
	const uint64_t *before;
	size_t room = 0, room_before;

	(void)state;
	assert_true(GROW(array, &room, 3));
	array[2] = 7;
	before = array;
	room_before = room;
	assert_false(GROW(array, &room, SIZE_MAX / 4)); /* times 8 is no size at all */
	assert_ptr_equal(array, before);
	assert_int_equal(room, room_before);
	assert_int_equal(array[2], 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_there_stays),
		cmocka_unit_test(nothing_is_still_an_array),
		cmocka_unit_test(too_much_leaves_it_as_it_was),
	};

	return cmocka_run_group_tests_name("grow", tests, NULL, NULL);
}
