/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses mined from code against the symbol table of the same program. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "gobin/globals.h"
#include "go_programs.h"

static int symbol(const struct gobin *bin, enum go_global which, u64 *addr, u64 *size)
{
	const char *name = go_global_name(which);

	if (which == GO_ALLGS && gobin_info(bin)->version.minor == 15)
		name = "runtime.allgs"; /* allgptr came with 1.16 */
	return gobin_symbol(bin, name, addr, size);
}

static void mined_is_what_the_symbol_says(void **state)
{
	const struct programs *f = *state;
	size_t compared = 0;

	programs_need(f);
	for (size_t i = 0; i < f->count; i++) {
		const struct gobin *bin = f->program[i].bin;

		for (int which = 0; which < GO_GLOBAL_COUNT; which++) {
			struct go_global_place place = { 0 };
			struct err err = { "" };
			u64 addr, size;

			if (gobin_info(bin)->stripped)
				continue;
			assert_int_equal(symbol(bin, (enum go_global)which, &addr, &size), 0);
			if (go_global_mine(bin, (enum go_global)which, &place, &err))
				fail_msg("%s %s: %s", f->program[i].path,
					 gobin_info(bin)->version_text, err.text);
			if (place.addr != addr)
				fail_msg("%s %s: %s mined at %#llx, its symbol says %#llx",
					 f->program[i].path, gobin_info(bin)->version_text,
					 go_global_name((enum go_global)which), place.addr, addr);
			compared++;
		}
	}
	print_message("# %zu addresses compared\n", compared);
	assert_true(compared >= GO_GLOBAL_COUNT);
}

/*
 * plain and stripped of a toolchain stand next to each other, and differ in symbols only; what
 * Go's linker makes with -s is laid out a little differently.
 */
static void stripped_gives_the_same(void **state)
{
	const struct programs *f = *state;
	size_t compared = 0;

	programs_need(f);
	for (size_t i = 1; i < f->count; i++) {
		const struct gobin *plain = f->program[i - 1].bin, *bin = f->program[i].bin;

		for (int which = 0; gobin_info(bin)->stripped && which < GO_GLOBAL_COUNT; which++) {
			struct go_global_place want = { 0 }, place = { 0 };
			struct err err = { "" };

			assert_int_equal(gobin_global(plain, (enum go_global)which, &want, &err),
					 0);
			assert_string_equal(want.how, "symbol");
			assert_int_equal(gobin_global(bin, (enum go_global)which, &place, &err), 0);
			assert_non_null(strstr(place.how, "operand in runtime."));
			assert_int_equal(place.addr, want.addr);
			compared++;
		}
	}
	assert_true(compared >= GO_GLOBAL_COUNT);
}

/*
 * A program whose code was changed never yields an address outside its data, and mostly none:
 * every byte of the function that tells is replaced in turn.
 */
static void changed_code_is_not_believed(void **state)
{
	const struct programs *f = *state;
	CLEANUP(freep) u8 *copy = NULL;
	CLEANUP(gobin_freep) struct gobin *bin = NULL;
	struct gobin_func func;
	u64 start, end, offset;
	struct bytes file;
	size_t refused = 0;

	programs_need(f);
	file = f->program[0].file;
	copy = malloc(file.size);
	assert_non_null(copy);
	memcpy(copy, file.data, file.size);
	assert_int_equal(gobin_open(&bin, (struct bytes) { copy, file.size }, NULL), 0);
	assert_int_equal(gobin_data_range(bin, &start, &end), 0);
	assert_int_equal(gobin_func_by_name(bin, "runtime.allgadd", &func), 0);
	assert_int_equal(gobin_file_offset(bin, func.addr, &offset), 0);
	for (u64 i = 0; i < func.size; i++) {
		struct go_global_place place = { 0 };
		u8 before = copy[offset + i];

		copy[offset + i] ^= 0xff;
		if (go_global_mine(bin, GO_ALLGLEN, &place, NULL) == 0)
			assert_true(place.addr >= start && place.addr < end);
		else
			refused++;
		copy[offset + i] = before;
	}
	/* the pattern alone has ten bytes, six of them opcodes */
	assert_true(refused >= 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mined_is_what_the_symbol_says),
		cmocka_unit_test(stripped_gives_the_same),
		cmocka_unit_test(changed_code_is_not_believed),
	};

	return cmocka_run_group_tests_name("globals", tests, programs_build, programs_remove);
}
