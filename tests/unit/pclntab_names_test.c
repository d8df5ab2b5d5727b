/* SPDX-License-Identifier: BSD-2-Clause */
/* The index of functions by name over a made-up table, of which every word is the attacker's. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "gobin/pclntab_names.h"

enum { FUNCTIONS = 40000, NAME_BYTES = 1 << 16 };

struct made_up {
	u32 functab[2 * FUNCTIONS + 1]; /* every function begins where the others do */
	u32 func[16];			/* the one runtime._func: its name is at offset 0 */
	char name[NAME_BYTES];
};

static int init(struct made_up *m, struct pclntab_names *ret, struct err *err)
{
	const struct elf_image nothing = { 0 };
	const struct pclntab tab = {
		.layout = pclntab_layout(&(struct goversion) { .major = 1, .minor = 24 }),
		.count = FUNCTIONS,
		.functab = { (const u8 *)m->functab, sizeof(m->functab) },
		.funcs = { (const u8 *)m->func, sizeof(m->func) },
		.names = { (const u8 *)m->name, sizeof(m->name) },
	};

	return pclntab_names_init(ret, &nothing, &tab, err);
}

static void functions_may_share_a_name(void **state)
{
	CLEANUP(freep) struct made_up *m = calloc(1, sizeof(*m));
	CLEANUP(pclntab_names_done) struct pclntab_names names = { 0 };

	(void)state;
	assert_non_null(m);
	strcpy(m->name, "runtime.same");
	assert_int_equal(init(m, &names, NULL), 0);
	assert_int_equal(names.count, FUNCTIONS);
}

/* 2.6 GB to look at in a file of 400 KB. */
static void long_names_are_not_read_again_and_again(void **state)
{
	CLEANUP(freep) struct made_up *m = calloc(1, sizeof(*m));
	struct pclntab_names names;
	struct err err = { "" };

	(void)state;
	assert_non_null(m);
	memset(m->name, 'a', sizeof(m->name) - 1);
	memcpy(m->name, "runtime.", strlen("runtime."));
	assert_int_equal(init(m, &names, &err), -EBADMSG);
	assert_true(err.text[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_may_share_a_name),
		cmocka_unit_test(long_names_are_not_read_again_and_again),
	};

	return cmocka_run_group_tests_name("pclntab_names", tests, NULL, NULL);
}
