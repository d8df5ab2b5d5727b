/* SPDX-License-Identifier: BSD-2-Clause */
/* Decoding of single instructions: what site choice and operand mining rely on. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/macros.h"
#include "insn/insn.h"

enum { ADDR = 0x401000, SP_UNKNOWN = INT32_MAX };

#define R(reg) (1u << REG_##reg)

static const struct row {
	const char *what;
	const char *code;
	u8 size;
	enum insn_kind kind;
	bool emulated;
	u16 writes;
	s32 sp_delta_bytes;
	u64 target, rip_operand;
} rows[] = {
	{ "push rbp", "\x55", 1, INSN_PUSH_REG, true, R(RSP), -8, 0, 0 },
	{ "push r12", "\x41\x54", 2, INSN_PUSH_REG, true, R(RSP), -8, 0, 0 },
	/* push_setup_xol_ops() takes no prefix but 41 */
	{ "push rbp with a needless REX", "\x48\x55", 2, INSN_PUSH_REG, false, R(RSP), -8, 0, 0 },
	{ "push bp", "\x66\x55", 2, INSN_OTHER, false, R(RSP), SP_UNKNOWN, 0, 0 },
	{ "push [rax]", "\xff\x30", 2, INSN_OTHER, false, R(RSP), SP_UNKNOWN, 0, 0 },
	{ "nop", "\x90", 1, INSN_NOP, true, 0, 0, 0, 0 },
	/* kernels before 6.2 refuse to arm it */
	{ "two-byte nop", "\x66\x90", 2, INSN_OTHER, false, 0, 0, 0, 0 },
	/* the kernel once took it for a nop, but it exchanges */
	{ "xchg r8, rax", "\x49\x90", 2, INSN_OTHER, false, R(R8) | R(RAX), 0, 0, 0 },
	{ "pause", "\xf3\x90", 2, INSN_OTHER, false, 0, 0, 0, 0 },
	{ "five-byte nop", "\x0f\x1f\x44\x00\x00", 5, INSN_OTHER, false, 0, 0, 0, 0 },
	{ "jbe short", "\x76\x10", 2, INSN_JCC, true, 0, 0, ADDR + 0x12, 0 },
	{ "jbe short, back", "\x76\xfe", 2, INSN_JCC, true, 0, 0, ADDR, 0 },
	{ "jbe near", "\x0f\x86\x00\x01\x00\x00", 6, INSN_JCC, true, 0, 0, ADDR + 0x106, 0 },
	/* its second byte alone looks like that of a jcc */
	{ "mov [rbp + 16], eax", "\x89\x85\x10\x00\x00\x00", 6, INSN_OTHER, false, 0, 0, 0, 0 },
	/* loop and jrcxz jump, but no kernel emulates them */
	{ "jrcxz", "\xe3\x10", 2, INSN_JCC, false, 0, 0, ADDR + 0x12, 0 },
	{ "loop", "\xe2\xfe", 2, INSN_JCC, false, R(RCX), 0, ADDR, 0 },
	{ "jmp short", "\xeb\xeb", 2, INSN_JMP, true, 0, 0, ADDR + 2 - 21, 0 },
	{ "jmp near", "\xe9\x00\x00\x00\x00", 5, INSN_JMP, true, 0, 0, ADDR + 5, 0 },
	{ "jmp rdx", "\xff\xe2", 2, INSN_JMP_INDIRECT, false, 0, 0, 0, 0 },
	{ "call", "\xe8\xfb\xff\xff\xff", 5, INSN_CALL, true, R(RSP), 0, ADDR, 0 },
	{ "call rcx", "\xff\xd1", 2, INSN_CALL_INDIRECT, false, R(RSP), 0, 0, 0 },
	{ "ret", "\xc3", 1, INSN_RET, false, R(RSP), SP_UNKNOWN, 0, 0 },
	{ "rep ret", "\xf3\xc3", 2, INSN_RET, false, R(RSP), SP_UNKNOWN, 0, 0 },
	{ "int3", "\xcc", 1, INSN_TRAP, false, 0, 0, 0, 0 },
	{ "ud2", "\x0f\x0b", 2, INSN_TRAP, false, 0, 0, 0, 0 },
	{ "sub rsp, 24", "\x48\x83\xec\x18", 4, INSN_OTHER, false, R(RSP), -24, 0, 0 },
	{ "sub rsp, -128", "\x48\x83\xec\x80", 4, INSN_OTHER, false, R(RSP), 128, 0, 0 },
	{ "add rsp, 0x1000", "\x48\x81\xc4\x00\x10\x00\x00", 7, INSN_OTHER, false, R(RSP), 4096, 0,
	  0 },
	{ "lea rsp, [rsp - 8]", "\x48\x8d\x64\x24\xf8", 5, INSN_OTHER, false, R(RSP), -8, 0, 0 },
	{ "lea rsp, [rbp - 8]", "\x48\x8d\x65\xf8", 4, INSN_OTHER, false, R(RSP), SP_UNKNOWN, 0,
	  0 },
	{ "mov rsp, rbp", "\x48\x89\xec", 3, INSN_OTHER, false, R(RSP), SP_UNKNOWN, 0, 0 },
	{ "and rsp, -16", "\x48\x83\xe4\xf0", 4, INSN_OTHER, false, R(RSP), SP_UNKNOWN, 0, 0 },
	/* a part of a register is the register */
	{ "mov al, 1", "\xb0\x01", 2, INSN_OTHER, false, R(RAX), 0, 0, 0 },
	{ "mov ah, 1", "\xb4\x01", 2, INSN_OTHER, false, R(RAX), 0, 0, 0 },
	{ "xor r14d, r14d", "\x45\x31\xf6", 3, INSN_OTHER, false, R(R14), 0, 0, 0 },
	{ "cmp rax, rbx", "\x48\x39\xd8", 3, INSN_OTHER, false, 0, 0, 0, 0 },
	{ "cmove rcx, rax", "\x48\x0f\x44\xc8", 4, INSN_OTHER, false, R(RCX), 0, 0, 0 },
	/* written without being named */
	{ "mul rbx", "\x48\xf7\xe3", 3, INSN_OTHER, false, R(RAX) | R(RDX), 0, 0, 0 },
	{ "syscall", "\x0f\x05", 2, INSN_OTHER, false, R(RCX) | R(R11), 0, 0, 0 },
	{ "rep movsb", "\xf3\xa4", 2, INSN_OTHER, false, R(RCX) | R(RSI) | R(RDI), 0, 0, 0 },
	{ "sete [rip + 8]", "\x0f\x94\x05\x08\x00\x00\x00", 7, INSN_OTHER, false, 0, 0, 0,
	  ADDR + 15 },
	{ "lea rax, [rip - 16]", "\x48\x8d\x05\xf0\xff\xff\xff", 7, INSN_OTHER, false, R(RAX), 0, 0,
	  ADDR + 7 - 16 },
	/* an immediate behind the displacement counts into the end of the instruction */
	{ "cmp dword [rip + 1], 0", "\x83\x3d\x01\x00\x00\x00\x00", 7, INSN_OTHER, false, 0, 0, 0,
	  ADDR + 8 },
	{ "inc dword [rip + 4]", "\xff\x05\x04\x00\x00\x00", 6, INSN_OTHER, false, 0, 0, 0,
	  ADDR + 10 },
};

static void each_row_decodes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		struct insn_walk walk =
			insn_walk_at((struct bytes) { (const u8 *)row->code, row->size }, ADDR);
		bool sp_known = row->sp_delta_bytes != SP_UNKNOWN;
		struct insn insn;

		print_message("# %s\n", row->what);
		assert_int_equal(insn_next(&walk, &insn), 1);
		assert_int_equal(insn.size, row->size);
		assert_int_equal(insn.kind, row->kind);
		assert_int_equal(insn.emulated, row->emulated);
		assert_int_equal(insn.writes, row->writes);
		assert_int_equal(insn.sp_known, sp_known);
		if (sp_known)
			assert_int_equal(insn.sp_delta_bytes, row->sp_delta_bytes);
		assert_int_equal(insn.target, row->target);
		assert_int_equal(insn.rip_operand, row->rip_operand);
		assert_ptr_equal(insn.bytes, row->code);
		assert_int_equal(insn_next(&walk, &insn), 0);
	}
}

/* In memory of the exact size, so that the sanitizer sees a read past the end. */
static void a_cut_instruction_is_none(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t size = rows[i].size - 1u;
		u8 *cut = malloc(size + !size);
		struct insn_walk walk = insn_walk_at((struct bytes) { cut, size }, ADDR);
		struct insn insn;

		assert_non_null(cut);
		memcpy(cut, rows[i].code, size);
		assert_int_equal(insn_next(&walk, &insn), size ? -EILSEQ : 0);
		free(cut);
	}
}

static void a_walk_counts_offsets(void **state)
{
	static const u8 code[] = { 0x55, 0x48, 0x89, 0xe5, 0x90, 0xc3, 0x06 };
	static const u32 offsets[] = { 0, 1, 4, 5 };
	struct insn_walk walk = insn_walk_at((struct bytes) { code, sizeof(code) }, ADDR);
	struct insn insn;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		assert_int_equal(insn_next(&walk, &insn), 1);
		assert_int_equal(insn.offset, offsets[i]);
	}
	/* 06 is push es, which long mode lacks; the walk stays there */
	assert_int_equal(insn_next(&walk, &insn), -EILSEQ);
	assert_int_equal(walk.pos, 6);
	assert_int_equal(insn_next(&walk, &insn), -EILSEQ);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_decodes),
		cmocka_unit_test(a_cut_instruction_is_none),
		cmocka_unit_test(a_walk_counts_offsets),
	};

	return cmocka_run_group_tests_name("insn", tests, NULL, NULL);
}
