/* SPDX-License-Identifier: BSD-2-Clause */
#include "insn/site.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/macros.h"
#include "insn/insn.h"

enum {
	/* Go spills and reloads at most 9 integer and 15 float registers around morestack. */
	MORESTACK_INSNS_MAX = 64,
	CHECK_SETUP_INSNS_MAX = 7,
	NO_OFFSET = -1,
};

/* The first bytes of an instruction. */
struct opcode {
	u8 size;
	u8 bytes[9];
};

/*
 * The stack check of cmd/internal/obj/x86/obj6.go, stacksplit(), Go 1.15 to 1.27. g is R14 in
 * ABIInternal; ABI0 (all of Go <= 1.16, and assembly) loads it from thread-local storage.
 * Frames above 128 bytes compare a copy of SP minus the frame's size (in R12, to 1.16 in RAX).
 * Of frames above 4 KiB, where that subtraction may wrap, Go >= 1.17 checks that it did not;
 * Go <= 1.16 looks for stackguard0's one huge value, then compares how far SP stands above it.
 */
static const struct opcode check_setup[] = {
	{ 4, { 0x64, 0x48, 0x8b, 0x09 } }, /* mov rcx, fs:[rcx] */
	{ 4, { 0x64, 0x4d, 0x8b, 0x36 } }, /* mov r14, fs:[r14] */
	{ 4, { 0x4c, 0x8d, 0x64, 0x24 } }, /* lea r12, [rsp - N], N in one byte */
	{ 4, { 0x4c, 0x8d, 0xa4, 0x24 } }, /* and in four */
	{ 4, { 0x48, 0x8d, 0x44, 0x24 } }, /* lea rax, [rsp - N] */
	{ 4, { 0x48, 0x8d, 0x84, 0x24 } },
	{ 3, { 0x49, 0x89, 0xe4 } },			     /* mov r12, rsp */
	{ 3, { 0x49, 0x81, 0xec } },			     /* sub r12, N */
	{ 4, { 0x48, 0x8b, 0x71, 0x10 } },		     /* mov rsi, [rcx + stackguard0] */
	{ 4, { 0x48, 0x8b, 0x71, 0x18 } },		     /* or stackguard1 */
	{ 7, { 0x48, 0x81, 0xfe, 0xde, 0xfa, 0xff, 0xff } }, /* cmp rsi, stackPreempt */
	{ 3, { 0x48, 0x29, 0xf0 } },			     /* sub rax, rsi */
};

/*
 * Where g is in thread-local storage, as the last four bytes: -8 if the Go linker chose, another
 * place if C code of the program has thread-local variables too.
 */
static const struct opcode check_tls[] = {
	{ 5, { 0x64, 0x48, 0x8b, 0x0c, 0x25 } }, /* mov rcx, fs:N */
	{ 5, { 0x64, 0x4c, 0x8b, 0x34, 0x25 } }, /* mov r14, fs:N */
	{ 3, { 0x48, 0xc7, 0xc1 } },		 /* PIE: mov rcx, N, and mov rcx, fs:[rcx] */
	{ 3, { 0x49, 0xc7, 0xc6 } },		 /* PIE: mov r14, N, and mov r14, fs:[r14] */
};

/* On to morestack before the jbe: jb if the subtraction wrapped, je if preemption is wanted. */
static const struct opcode check_early[] = {
	{ 1, { 0x72 } },
	{ 2, { 0x0f, 0x82 } },
	{ 1, { 0x74 } },
	{ 2, { 0x0f, 0x84 } },
};

/* Before the offset of stackguard0 in g, or of stackguard1 in functions marked go:systemstack. */
static const struct opcode check_compare[] = {
	{ 3, { 0x49, 0x3b, 0x66 } }, /* cmp rsp, [r14 + …] */
	{ 3, { 0x4d, 0x3b, 0x66 } }, /* cmp r12, [r14 + …] */
	{ 3, { 0x48, 0x3b, 0x61 } }, /* cmp rsp, [rcx + …] */
	{ 3, { 0x4c, 0x3b, 0x61 } }, /* cmp r12, [rcx + …] */
	{ 3, { 0x48, 0x3b, 0x41 } }, /* cmp rax, [rcx + …] */
};

enum { G_STACKGUARD0 = 0x10, G_STACKGUARD1 = 0x18 }; /* runtime2.go, every version */

static const struct opcode check_compare_distance[] = { { 2, { 0x48, 0x3d } } }; /* cmp rax, N */

static const struct opcode check_jbe[] = { { 1, { 0x76 } }, { 2, { 0x0f, 0x86 } } };

static const struct opcode push_rbp[] = { { 1, { 0x55 } } };

static bool is_one_of(const struct insn *insn, const struct opcode *table, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (insn->size >= table[i].size &&
		    memcmp(insn->bytes, table[i].bytes, table[i].size) == 0)
			return true;
	}
	return false;
}

#define IS_ONE_OF(insn, table) is_one_of(insn, table, ARRAY_SIZE(table))

/* early: stackPreempt was looked for, without which no distance is compared. */
static bool compares_stackguard(const struct insn *insn, bool early)
{
	if (early && IS_ONE_OF(insn, check_compare_distance))
		return true;
	return insn->size == 4 && IS_ONE_OF(insn, check_compare) &&
	       (insn->bytes[3] == G_STACKGUARD0 || insn->bytes[3] == G_STACKGUARD1);
}

struct stack_check {
	struct insn jbe;
	s64 back_offset;  /* of the jump from morestack's return to the entry */
	s32 g_tls_offset; /* see struct site */
};

static int undecodable(const struct insn_walk *walk, struct err *err)
{
	return err_set(err, -EILSEQ, "no instruction at +%#zx", walk->pos);
}

/*
 * Offset of the jump back to the entry, if there is nothing else at `from` than spills, the
 * call of morestack, reloads and that jump; else NO_OFFSET.
 */
static s64 morestack_back_offset(struct bytes code, u64 from)
{
	struct insn_walk walk = insn_walk_at(code, 0);
	struct insn insn;
	int calls = 0;

	walk.pos = from;
	for (int i = 0; i < MORESTACK_INSNS_MAX && insn_next(&walk, &insn) == 1; i++) {
		switch (insn.kind) {
		case INSN_CALL:
			calls++;
			break;
		case INSN_JMP:
			return calls == 1 && insn.target == 0 ? (s64)insn.offset : NO_OFFSET;
		case INSN_OTHER:
		case INSN_NOP:
			break;
		default:
			return NO_OFFSET;
		}
	}
	return NO_OFFSET;
}

/* Returns 1 and the stack check at the function's entry, 0 if there is none, or -EILSEQ. */
static int find_stack_check(struct bytes code, struct stack_check *ret, struct err *err)
{
	struct insn_walk walk = insn_walk_at(code, 0);
	struct insn insn = { 0 };
	u64 early_target = 0;
	s32 g_tls_offset = 0;
	s64 back;
	int r;

	for (int i = 0; i <= CHECK_SETUP_INSNS_MAX; i++) {
		r = insn_next(&walk, &insn);
		if (r <= 0)
			return r ? undecodable(&walk, err) : 0;
		if (IS_ONE_OF(&insn, check_early))
			early_target = insn.target;
		else if (IS_ONE_OF(&insn, check_tls))
			memcpy(&g_tls_offset, insn.bytes + insn.size - 4, 4);
		else if (!IS_ONE_OF(&insn, check_setup))
			break;
	}
	if (!compares_stackguard(&insn, early_target != 0))
		return 0;
	r = insn_next(&walk, &insn);
	if (r <= 0)
		return r ? undecodable(&walk, err) : 0;
	/* Another condition than jbe: the flags test in BPF would not be its inverse. */
	if (!IS_ONE_OF(&insn, check_jbe) || (early_target && early_target != insn.target))
		return 0;
	back = morestack_back_offset(code, insn.target);
	if (back == NO_OFFSET)
		return 0;
	*ret = (struct stack_check) {
		.jbe = insn,
		.back_offset = back,
		.g_tls_offset = g_tls_offset,
	};
	return 1;
}

/*
 * Makes sure that a call passes the site once: no jump but morestack's leads to the site or
 * before it. A jump table's targets are not in the code; Go's lead into the body of the
 * function, never into its prologue.
 */
static int verify_once(struct bytes code, const struct site *site, s64 back_offset, bool in_body,
		       struct err *err)
{
	struct insn_walk walk = insn_walk_at(code, 0);
	struct insn insn;
	int r;

	while ((r = insn_next(&walk, &insn)) == 1) {
		if (insn.kind == INSN_JMP_INDIRECT && in_body)
			return err_set(err, -ENOTSUP, "the jump at +%#x may lead to +%#x",
				       insn.offset, site->offset);
		if (insn.kind != INSN_JCC && insn.kind != INSN_JMP)
			continue;
		if (insn.target > site->offset || (s64)insn.offset == back_offset)
			continue;
		return err_set(
			err, -ENOTSUP,
			"the jump at +%#x leads back to +%#llx: not every hit at +%#x is a call",
			insn.offset, insn.target, site->offset);
	}
	return r ? undecodable(&walk, err) : 0;
}

static struct site site_at(const struct insn *insn, enum site_class class, const char *reason)
{
	struct site site = {
		.offset = insn->offset,
		.class = class,
		.insn_size = insn->size,
		.reason = reason,
	};

	memcpy(site.insn, insn->bytes, insn->size);
	return site;
}

static int choose_after_check(struct bytes code, const struct stack_check *check, struct site *ret,
			      struct err *err)
{
	struct insn_walk walk = insn_walk_at(code, 0);
	struct insn insn;
	struct site site = { 0 };
	int r;

	walk.pos = check->jbe.offset + check->jbe.size;
	r = insn_next(&walk, &insn);
	if (r < 0)
		return undecodable(&walk, err);
	if (r == 1 && IS_ONE_OF(&insn, push_rbp)) {
		site = site_at(&insn, SITE_EMULATED, "push %rbp after the stack check");
	} else {
		site = site_at(&check->jbe, SITE_EMULATED, "jbe of the stack check");
		site.flags_test = true;
	}
	site.g_tls_offset = check->g_tls_offset;
	r = verify_once(code, &site, check->back_offset, false, err);
	if (r)
		return r;
	*ret = site;
	return 0;
}

/* Bits of insn.writes that must be clear up to the site: g and the arguments in ABIInternal. */
static u16 live_registers(unsigned int int_args)
{
	static const enum insn_reg args[] = { REG_RAX, REG_RBX, REG_RCX, REG_RDI, REG_RSI,
					      REG_R8,  REG_R9,	REG_R10, REG_R11 };
	u16 live = 1u << REG_R14;

	for (size_t i = 0; i < MIN(int_args, ARRAY_SIZE(args)); i++)
		live |= (u16)(1u << args[i]);
	return live;
}

static bool falls_through(const struct insn *insn)
{
	return insn->kind == INSN_OTHER || insn->kind == INSN_NOP || insn->kind == INSN_PUSH_REG;
}

/* Returns 1 and the first emulated instruction before which nothing that is read was lost. */
static int find_emulated(struct bytes code, unsigned int int_args, struct site *ret,
			 struct err *err)
{
	struct insn_walk walk = insn_walk_at(code, 0);
	u16 live = live_registers(int_args);
	s64 sp_shift = 0;
	struct insn insn;
	int r;

	while ((r = insn_next(&walk, &insn)) == 1) {
		if (insn.emulated) {
			*ret = site_at(&insn, SITE_EMULATED,
				       insn.offset ? "first emulated instruction; no stack check"
						   : "first instruction; no stack check");
			ret->sp_shift = (u16)sp_shift;
			return 1;
		}
		if (!falls_through(&insn) || insn.writes & live || !insn.sp_known)
			return 0;
		sp_shift -= insn.sp_delta_bytes;
		if (sp_shift < 0 || sp_shift > UINT16_MAX)
			return 0;
	}
	return r ? undecodable(&walk, err) : 0;
}

/* Which store overwrites an argument on the stack is not followed: nothing may come before. */
static bool loses_arguments(const struct site *site, unsigned int int_args)
{
	return int_args == SITE_STACK_ABI && site->offset > 0;
}

static int choose_unchecked(struct bytes code, unsigned int int_args, struct site *ret,
			    struct err *err)
{
	struct insn_walk walk = insn_walk_at(code, 0);
	struct insn first;
	struct site site = { 0 };
	int r;

	r = find_emulated(code, int_args, &site, err);
	if (r < 0)
		return r;
	if (r == 1 && !loses_arguments(&site, int_args)) {
		r = verify_once(code, &site, NO_OFFSET, site.offset > 0, err);
		if (r == 0)
			*ret = site;
		if (r != -ENOTSUP || site.offset == 0)
			return r;
	}
	if (insn_next(&walk, &first) != 1)
		return undecodable(&walk, err);
	site = site_at(&first, SITE_SINGLE_STEP,
		       "first instruction: no emulated one keeps the arguments");
	r = verify_once(code, &site, NO_OFFSET, false, err);
	if (r)
		return r;
	*ret = site;
	return 0;
}

int site_choose(struct bytes code, unsigned int int_args, struct site *ret, struct err *err)
{
	struct stack_check check = { 0 };
	int r;

	if (code.size == 0)
		return err_set(err, -ENODATA, "the function has no bytes");
	r = find_stack_check(code, &check, err);
	if (r < 0)
		return r;
	return r == 1 ? choose_after_check(code, &check, ret, err)
		      : choose_unchecked(code, int_args, ret, err);
}

const char *site_class_name(enum site_class class)
{
	switch (class) {
	case SITE_EMULATED:
		return "emulated";
	case SITE_OPTIMISED:
		return "optimised";
	case SITE_SINGLE_STEP:
		return "single-step";
	}
	return "unknown";
}
