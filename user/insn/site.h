/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where in a Go function a breakpoint may stand, and what it costs there.
 *
 * The kernel emulates some instructions in the trap itself (push, nop, jcc,
 * jmp, call: ~0.5 us) and single-steps all others out of line (~16 us in a
 * virtual machine), see arch/x86/kernel/uprobes.c. The first instruction of a
 * Go function is never of the cheap kind, and it runs twice when the stack
 * grows, so a better place is chosen from the function's own bytes.
 */
#ifndef INSN_SITE_H
#define INSN_SITE_H

#include <limits.h>
#include <stdbool.h>

#include "base/cursor.h"
#include "base/err.h"

enum site_class {
	SITE_EMULATED,
	SITE_OPTIMISED, /* a 5-byte nop on kernels >= 6.18 */
	SITE_SINGLE_STEP
};

enum { SITE_INSN_MAX = 15 }; /* longest x86 instruction */

struct site {
	u32 offset; /* from the function's entry */
	enum site_class class;
	bool flags_test;  /* stands on the stack check's jbe: hits with CF or ZF set don't count */
	u16 sp_shift;	  /* bytes that RSP stands below the return address */
	s32 g_tls_offset; /* from the FS base: where the stack check loads g; 0: it does not */
	u8 insn_size;
	u8 insn[SITE_INSN_MAX]; /* the instruction's bytes, to compare with the process */
	const char *reason;	/* why this one; static text */
};

#define SITE_STACK_ABI UINT_MAX

/*
 * Chooses the cheapest correct site of a function, in this order:
 *   1. `push %rbp` right after the stack check, or as first instruction of a
 *      function without one;
 *   2. the jbe of the stack check, with flags_test;
 *   3. another emulated instruction that every call passes exactly once, before any of the
 *      first int_args argument registers and R14 (g) is written; not with SITE_STACK_ABI;
 *   4. the first instruction, single-stepped; only for functions without a stack check, since
 *      at a checked function's entry a call would count twice.
 *
 * code: the function's bytes, from its entry to its end.
 * int_args: argument registers (RAX RBX RCX RDI RSI R8…) that the probe reads; SITE_STACK_ABI
 * for a function whose arguments are on the stack (all of Go <= 1.16).
 * Returns 0; -EILSEQ (bytes of the function are no instruction, so that no jump to the site
 * can be ruled out), -ENODATA (empty function), -ENOTSUP (no correct site). Nothing is to be
 * armed then, and *ret is untouched.
 */
int site_choose(struct bytes code, unsigned int int_args, struct site *ret, struct err *err);

/* "emulated", "optimised", "single-step". */
const char *site_class_name(enum site_class class);

#endif
