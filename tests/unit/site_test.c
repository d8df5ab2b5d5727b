/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a breakpoint goes. The rows are functions as Go compiles them, cut to what matters. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/macros.h"
#include "insn/site.h"

#define CODE(text) text, sizeof(text) - 1

/* Pieces: a call whose target nobody looks at, and what Go's compiler writes around it. */
#define CALL	  "\xe8\x00\x00\x00\x00"
#define CHECK	  "\x49\x3b\x66\x10"			     /* cmp rsp, [r14 + 16] */
#define CHECK_R12 "\x4d\x3b\x66\x10"			     /* cmp r12, [r14 + 16] */
#define CHECK_TLS "\x48\x3b\x61\x10"			     /* cmp rsp, [rcx + 16] */
#define PUSH_BODY "\x55\x48\x89\xe5\x31\xc0\x5d\xc3"	     /* push rbp; mov rbp, rsp; … ret */
#define SUB_BODY  "\x48\x83\xec\x18\x48\x83\xc4\x18\xc3\x90" /* sub rsp, 24; … ret */
#define BACK(by)  "\xeb" by
#define LOAD_G	  "\x64\x48\x8b\x0c\x25\xf8\xff\xff\xff" /* mov rcx, fs:-8 */
/* mov rsi, [rcx + 16]; cmp rsi, stackPreempt; je; lea rax, [rsp + 928]; sub rax, rsi; cmp rax, N */
#define HUGE_CHECK(je)                                                                             \
	"\x48\x8b\x71\x10\x48\x81\xfe\xde\xfa\xff\xff\x74" je                                      \
	"\x48\x8d\x84\x24\xa0\x03\x00\x00\x48\x29\xf0\x48\x3d\x28\x13\x00\x00"

static const struct row {
	const char *what;
	const char *code;
	size_t size;
	unsigned int int_args;
	int rc;
	u32 offset;
	enum site_class class;
	bool flags_test;
	u16 sp_shift;
	s32 g_tls_offset;
} rows[] = {
	/* With a stack check, Go >= 1.21: push %rbp behind it. */
	{ "small frame, short jbe", CODE(CHECK "\x76\x08" PUSH_BODY CALL BACK("\xeb")), 3, 0, 6,
	  SITE_EMULATED, false, 0, 0 },
	{ "small frame, near jbe",
	  CODE(CHECK "\x0f\x86\x08\x00\x00\x00" PUSH_BODY CALL BACK("\xe7")), 3, 0, 10,
	  SITE_EMULATED, false, 0, 0 },
	{ "frame above 128 bytes, lea with one byte",
	  CODE("\x4c\x8d\x64\x24\x80" CHECK_R12 "\x76\x08" PUSH_BODY CALL BACK("\xe6")), 3, 0, 11,
	  SITE_EMULATED, false, 0, 0 },
	{ "frame above 128 bytes, lea with four",
	  CODE("\x4c\x8d\xa4\x24\x00\xf0\xff\xff" CHECK_R12 "\x76\x08" PUSH_BODY CALL BACK("\xe3")),
	  3, 0, 14, SITE_EMULATED, false, 0, 0 },
	{ "huge frame, underflow checked too",
	  CODE("\x49\x89\xe4\x49\x81\xec\x00\x20\x00\x00\x72\x0e" CHECK_R12
	       "\x76\x08" PUSH_BODY CALL BACK("\xdf")),
	  3, 0, 18, SITE_EMULATED, false, 0, 0 },
	{ "go:systemstack compares stackguard1 (stopTheWorldWithSema, Go 1.25)",
	  CODE("\x49\x3b\x66\x18\x76\x08" PUSH_BODY CALL BACK("\xeb")), 3, 0, 6, SITE_EMULATED,
	  false, 0, 0 },
	{ "assembly with g in R14 from TLS (call16, Go 1.27)",
	  CODE("\x64\x4c\x8b\x34\x25\xf8\xff\xff\xff" CHECK "\x76\x08" PUSH_BODY CALL BACK("\xe2")),
	  0, 0, 15, SITE_EMULATED, false, 0, -8 },
	{ "the same in an externally linked PIE",
	  CODE("\x49\xc7\xc6\xf8\xff\xff\xff\x64\x4d\x8b\x36" CHECK
	       "\x76\x08" PUSH_BODY CALL BACK("\xe0")),
	  0, 0, 17, SITE_EMULATED, false, 0, -8 },
	{ "arguments spilled around morestack",
	  CODE(CHECK "\x76\x08" PUSH_BODY "\x48\x89\x44\x24\x08" CALL
		     "\x48\x8b\x44\x24\x08" BACK("\xe1")),
	  3, 0, 6, SITE_EMULATED, false, 0, 0 },

	/* With a stack check, Go <= 1.20: its jbe. */
	{ "1.19, small frame", CODE(CHECK "\x76\x0a" SUB_BODY CALL BACK("\xe9")), 3, 0, 4,
	  SITE_EMULATED, true, 0, 0 },
	{ "1.15, g from TLS",
	  CODE("\x64\x48\x8b\x0c\x25\xf8\xff\xff\xff" CHECK_TLS
	       "\x76\x0a" SUB_BODY CALL BACK("\xe0")),
	  SITE_STACK_ABI, 0, 13, SITE_EMULATED, true, 0, -8 },
	{ "1.15, PIE",
	  CODE("\x48\xc7\xc1\xf8\xff\xff\xff\x64\x48\x8b\x09" CHECK_TLS
	       "\x76\x0a" SUB_BODY CALL BACK("\xde")),
	  SITE_STACK_ABI, 0, 15, SITE_EMULATED, true, 0, -8 },
	{ "1.15, cgo whose C code has thread-local variables: g is further below",
	  CODE("\x64\x48\x8b\x0c\x25\xd8\xff\xff\xff" CHECK_TLS
	       "\x76\x0a" SUB_BODY CALL BACK("\xe0")),
	  SITE_STACK_ABI, 0, 13, SITE_EMULATED, true, 0, -40 },
	{ "1.15, frame above 128 bytes (gcMarkTermination)",
	  CODE(LOAD_G "\x48\x8d\x44\x24\xc8\x48\x3b\x41\x10"
		      "\x76\x0a" SUB_BODY CALL BACK("\xdb")),
	  SITE_STACK_ABI, 0, 18, SITE_EMULATED, true, 0, -8 },
	{ "1.15, frame above 4 KiB: preemption is looked for before the distance (readFile)",
	  CODE(LOAD_G HUGE_CHECK("\x1d") "\x76\x0a" SUB_BODY CALL BACK("\xc6")), SITE_STACK_ABI, 0,
	  39, SITE_EMULATED, true, 0, -8 },
	{ "the same, but preemption leads elsewhere: no stack check is believed",
	  CODE(LOAD_G HUGE_CHECK("\x1c") "\x76\x0a" SUB_BODY CALL BACK("\xc6")), SITE_STACK_ABI,
	  -ENOTSUP, 0, 0, false, 0, 0 },

	/* What only looks like one. */
	{ "a number compared as a distance would be, but preemption was not looked for: a loop",
	  CODE("\x48\x3d\x28\x13\x00\x00\x76\x08" PUSH_BODY CALL BACK("\xe9")), 2, -ENOTSUP, 0, 0,
	  false, 0, 0 },
	{ "another condition than jbe: the flags test would be wrong",
	  CODE(CHECK "\x72\x08" PUSH_BODY CALL BACK("\xeb")), 0, -ENOTSUP, 0, 0, false, 0, 0 },
	{ "jbe that leads to no morestack: a branch like any", CODE(CHECK "\x76\x01\xc3\xc3"), 2, 0,
	  4, SITE_EMULATED, false, 0, 0 },
	{ "jbe past the end of the function: the same", CODE(CHECK "\x76\x7f\xc3"), 2, 0, 4,
	  SITE_EMULATED, false, 0, 0 },
	{ "jbe that leads back to the entry with no call: a loop",
	  CODE(CHECK "\x76\x01\xc3" BACK("\xf7")), 2, -ENOTSUP, 0, 0, false, 0, 0 },
	{ "jbe that leads to a call and on into the function: a branch like any",
	  CODE(CHECK "\x76\x02\x90\xc3" CALL BACK("\xf7")), 2, 0, 4, SITE_EMULATED, false, 0, 0 },
	{ "underflow goes elsewhere than the check",
	  CODE("\x49\x89\xe4\x49\x81\xec\x00\x20\x00\x00\x72\x0d" CHECK_R12
	       "\x76\x08" PUSH_BODY CALL BACK("\xdf")),
	  0, -ENOTSUP, 0, 0, false, 0, 0 },
	{ "a loop to the site: it would count rounds",
	  CODE(CHECK "\x76\x07\x55\x48\xff\xc8\x75\xfa\xc3" CALL BACK("\xec")), 0, -ENOTSUP, 0, 0,
	  false, 0, 0 },
	{ "a second jump to the entry",
	  CODE(CHECK "\x76\x07\x55\x48\xff\xc8\x75\xf4\xc3" CALL BACK("\xec")), 0, -ENOTSUP, 0, 0,
	  false, 0, 0 },

	/* Without a stack check. */
	{ "push %rbp first (throw, Go >= 1.21)", CODE(PUSH_BODY), 2, 0, 0, SITE_EMULATED, false, 0,
	  0 },
	{ "recursion is a call", CODE("\x55\x48\x89\xe5\xe8\xf7\xff\xff\xff\x5d\xc3"), 0, 0, 0,
	  SITE_EMULATED, false, 0, 0 },
	{ "jcc before anything is lost (gcControllerState.commit)",
	  CODE("\x48\x85\xdb\x74\x01\xc3\x90\xc3"), 2, 0, 3, SITE_EMULATED, false, 0, 0 },
	{ "nop behind the frame's setup (casgstatus, Go 1.19)",
	  CODE("\x48\x83\xec\x40\x48\x89\x6c\x24\x38\x48\x8d\x6c\x24\x38\x90\x48\x83\xc4\x40\xc3"),
	  3, 0, 14, SITE_EMULATED, false, 64, 0 },
	{ "the same with arguments on the stack, which the stores before may overwrite",
	  CODE("\x48\x83\xec\x40\x48\x89\x6c\x24\x48\x90\x48\x83\xc4\x40\xc3"), SITE_STACK_ABI, 0,
	  0, SITE_SINGLE_STEP, false, 0, 0 },
	{ "arguments on the stack and an emulated first instruction", CODE(PUSH_BODY),
	  SITE_STACK_ABI, 0, 0, SITE_EMULATED, false, 0, 0 },
	{ "call behind the loss of RBX, which nobody reads",
	  CODE("\x48\x83\xec\x18\x48\x89\xc3" CALL "\x48\x83\xc4\x18\xc3"), 1, 0, 7, SITE_EMULATED,
	  false, 24, 0 },
	{ "the same, but RBX is an argument: single step",
	  CODE("\x48\x83\xec\x18\x48\x89\xc3" CALL "\x48\x83\xc4\x18\xc3"), 2, 0, 0,
	  SITE_SINGLE_STEP, false, 0, 0 },
	{ "g is lost", CODE("\x4d\x31\xf6\x90\xc3"), 0, 0, 0, SITE_SINGLE_STEP, false, 0, 0 },
	{ "a part of an argument is lost", CODE("\xb0\x01\x90\xc3"), 1, 0, 0, SITE_SINGLE_STEP,
	  false, 0, 0 },
	{ "nine arguments at most are in registers", CODE("\x4d\x31\xe4\x90\xc3"), 99, 0, 3,
	  SITE_EMULATED, false, 0, 0 },
	{ "RSP computed: the return address would be lost", CODE("\x48\x83\xe4\xf0\x90\xc3"), 0, 0,
	  0, SITE_SINGLE_STEP, false, 0, 0 },
	{ "RSP above the return address", CODE("\x48\x83\xc4\x08\x90\xc3"), 0, 0, 0,
	  SITE_SINGLE_STEP, false, 0, 0 },
	{ "frame too large for the cookie", CODE("\x48\x81\xec\x00\x00\x01\x00\x90\xc3"), 0, 0, 0,
	  SITE_SINGLE_STEP, false, 0, 0 },
	{ "a nop that old kernels refuse is passed over", CODE("\x66\x90\x90\xc3"), 0, 0, 2,
	  SITE_EMULATED, false, 0, 0 },
	{ "jrcxz may skip what follows", CODE("\xe3\x01\x90\x90\xc3"), 0, 0, 0, SITE_SINGLE_STEP,
	  false, 0, 0 },
	{ "nothing emulated", CODE("\xc3"), 0, 0, 0, SITE_SINGLE_STEP, false, 0, 0 },
	{ "loop to the first instruction (memoryLimitHeapGoal)",
	  CODE("\x48\x8b\x08\x90\x48\x39\xd9\x72\xf7\xc3"), 0, -ENOTSUP, 0, 0, false, 0, 0 },
	{ "loop over the nop but not over the entry",
	  CODE("\x48\x8b\x08\x48\xff\xc9\x90\x75\xfa\xc3"), 0, 0, 0, SITE_SINGLE_STEP, false, 0,
	  0 },
	{ "a jump table may lead back to the nop", CODE("\x48\x83\xec\x08\x90\xff\xe2"), 0, 0, 0,
	  SITE_SINGLE_STEP, false, 0, 0 },

	/* Bytes that are no code. */
	{ "empty", CODE(""), 0, -ENODATA, 0, 0, false, 0, 0 },
	{ "cut in the check", CODE("\x49\x3b\x66"), 0, -EILSEQ, 0, 0, false, 0, 0 },
	{ "cut behind the check", CODE(CHECK "\x76"), 0, -EILSEQ, 0, 0, false, 0, 0 },
	{ "data behind the site: a jump to it may hide there",
	  CODE(CHECK "\x76\x08" PUSH_BODY CALL BACK("\xeb") "\x06"), 0, -EILSEQ, 0, 0, false, 0,
	  0 },
	{ "data behind an unchecked site", CODE(PUSH_BODY "\x06"), 0, -EILSEQ, 0, 0, false, 0, 0 },
};

static void check_site(const struct row *row, const struct site *site)
{
	assert_int_equal(site->offset, row->offset);
	assert_int_equal(site->class, row->class);
	assert_int_equal(site->flags_test, row->flags_test);
	assert_int_equal(site->sp_shift, row->sp_shift);
	assert_int_equal(site->g_tls_offset, row->g_tls_offset);
	assert_in_range(site->insn_size, 1, SITE_INSN_MAX);
	assert_memory_equal(site->insn, row->code + site->offset, site->insn_size);
	assert_true(strlen(site->reason) > 0);
}

static void each_row_chooses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		struct bytes code = { (const u8 *)row->code, row->size };
		struct site poison, site;
		struct err err = { "" };

		print_message("# %s\n", row->what);
		memset(&poison, 0xa5, sizeof(poison));
		site = poison;
		assert_int_equal(site_choose(code, row->int_args, &site, &err), row->rc);
		if (row->rc == 0) {
			check_site(row, &site);
		} else {
			assert_memory_equal(&site, &poison, sizeof(site));
			assert_true(strlen(err.text) > 0);
		}
	}
}

/* Cut anywhere, changed anywhere: never a read outside (the sanitizer looks), and a site only
 * within the bytes. */
static void hostile_bytes_stay_inside(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (size_t at = 0; at < rows[i].size * 256; at++) {
			size_t size = at % 2 ? rows[i].size : at / 256 + 1;
			u8 *code = malloc(size);
			struct site site;

			assert_non_null(code);
			memcpy(code, rows[i].code, size);
			code[at / 256] = (u8)at;
			if (site_choose((struct bytes) { code, size }, 3, &site, NULL) == 0)
				assert_true(site.offset + site.insn_size <= size);
			free(code);
		}
	}
}

static void classes_have_names(void **state)
{
	(void)state;
	assert_string_equal(site_class_name(SITE_EMULATED), "emulated");
	assert_string_equal(site_class_name(SITE_OPTIMISED), "optimised");
	assert_string_equal(site_class_name(SITE_SINGLE_STEP), "single-step");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_chooses),
		cmocka_unit_test(hostile_bytes_stay_inside),
		cmocka_unit_test(classes_have_names),
	};

	return cmocka_run_group_tests_name("site", tests, NULL, NULL);
}
