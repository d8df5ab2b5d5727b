/* SPDX-License-Identifier: BSD-2-Clause */
#include "insn/insn.h"

#include <errno.h>
#include <stdint.h>

#include <Zydis/Zydis.h>

#include "base/macros.h"

/* What Zydis says of one instruction. */
struct decoded {
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
};

struct insn_walk insn_walk_at(struct bytes code, u64 addr)
{
	return (struct insn_walk) { .code = code, .addr = addr };
}

static bool is_relative(const struct decoded *d)
{
	return d->insn.operand_count_visible > 0 && d->op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
	       d->op[0].imm.is_relative;
}

static bool is_push_reg(const struct decoded *d)
{
	return d->insn.mnemonic == ZYDIS_MNEMONIC_PUSH && d->insn.operand_width == 64 &&
	       d->op[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
	       ZydisRegisterGetClass(d->op[0].reg.value) == ZYDIS_REGCLASS_GPR64;
}

static enum insn_kind kind_of(const struct decoded *d)
{
	switch (d->insn.meta.category) {
	case ZYDIS_CATEGORY_COND_BR:
		return is_relative(d) ? INSN_JCC : INSN_OTHER;
	case ZYDIS_CATEGORY_UNCOND_BR:
		return is_relative(d) ? INSN_JMP : INSN_JMP_INDIRECT;
	case ZYDIS_CATEGORY_CALL:
		return is_relative(d) ? INSN_CALL : INSN_CALL_INDIRECT;
	case ZYDIS_CATEGORY_RET:
		return INSN_RET;
	case ZYDIS_CATEGORY_PUSH:
		return is_push_reg(d) ? INSN_PUSH_REG : INSN_OTHER;
	case ZYDIS_CATEGORY_NOP:
		return d->insn.length == 1 ? INSN_NOP : INSN_OTHER;
	default:
		break;
	}
	switch (d->insn.mnemonic) {
	case ZYDIS_MNEMONIC_INT3:
	case ZYDIS_MNEMONIC_HLT:
	case ZYDIS_MNEMONIC_UD0:
	case ZYDIS_MNEMONIC_UD1:
	case ZYDIS_MNEMONIC_UD2:
		return INSN_TRAP;
	default:
		return INSN_OTHER;
	}
}

/*
 * Whether the kernel emulates the instruction in the trap: arch/x86/kernel/uprobes.c,
 * branch_setup_xol_ops() and push_setup_xol_ops() (since 5.0).
 *
 * By bytes, as the kernel decides, and without any prefix but push's REX.B: before
 * 6.2 (cefa72129e45, backported) it refuses to arm a 66 90 at all; which of the longer
 * nops it emulates changed in 6.17 and again after.
 */
static bool is_emulated(const u8 *code, u8 size)
{
	u8 op = code[0];

	switch (size) {
	case 1:
		return op == 0x90 || (op >= 0x50 && op <= 0x57);
	case 2:
		if (op == 0x41)
			return code[1] >= 0x50 && code[1] <= 0x57;
		return op == 0xeb || (op >= 0x70 && op <= 0x7f);
	case 5:
		return op == 0xe8 || op == 0xe9;
	case 6:
		return op == 0x0f && code[1] >= 0x80 && code[1] <= 0x8f;
	default:
		return false;
	}
}

static u16 registers_written(const struct decoded *d)
{
	u16 writes = 0;

	for (size_t i = 0; i < d->insn.operand_count; i++) {
		ZydisRegister reg = d->op[i].reg.value;
		ZyanI8 id;

		if (d->op[i].type != ZYDIS_OPERAND_TYPE_REGISTER ||
		    !(d->op[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			continue;
		reg = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);
		if (ZydisRegisterGetClass(reg) != ZYDIS_REGCLASS_GPR64)
			continue;
		id = ZydisRegisterGetId(reg);
		if (id >= 0 && id < 16)
			writes |= (u16)(1u << id);
	}
	return writes;
}

static bool is_rsp(const ZydisDecodedOperand *op)
{
	return op->type == ZYDIS_OPERAND_TYPE_REGISTER && op->reg.value == ZYDIS_REGISTER_RSP;
}

static bool fits_s32(s64 v)
{
	return v == (s32)v;
}

/* sub, add and lea of a constant; push; everything else that writes RSP is unknown. */
static bool stack_change(const struct decoded *d, enum insn_kind kind, s32 *ret_bytes)
{
	s64 change;

	switch (d->insn.mnemonic) {
	case ZYDIS_MNEMONIC_SUB:
	case ZYDIS_MNEMONIC_ADD:
		if (!is_rsp(&d->op[0]) || d->op[1].type != ZYDIS_OPERAND_TYPE_IMMEDIATE)
			return false;
		change = d->op[1].imm.value.s;
		if (d->insn.mnemonic == ZYDIS_MNEMONIC_SUB)
			change = -change;
		break;
	case ZYDIS_MNEMONIC_LEA:
		if (!is_rsp(&d->op[0]) || d->op[1].mem.base != ZYDIS_REGISTER_RSP ||
		    d->op[1].mem.index != ZYDIS_REGISTER_NONE)
			return false;
		change = d->op[1].mem.disp.value;
		break;
	default:
		if (kind != INSN_PUSH_REG)
			return false;
		change = -8;
		break;
	}
	if (!fits_s32(change))
		return false;
	*ret_bytes = (s32)change;
	return true;
}

static u64 rip_operand(const struct decoded *d, u64 addr)
{
	for (size_t i = 0; i < d->insn.operand_count_visible; i++) {
		if (d->op[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    d->op[i].mem.base == ZYDIS_REGISTER_RIP)
			return addr + d->insn.length + (u64)d->op[i].mem.disp.value;
	}
	return 0;
}

static struct insn insn_from(const struct decoded *d, const struct insn_walk *walk)
{
	u64 addr = walk->addr + walk->pos;
	const u8 *code = walk->code.data + walk->pos;
	struct insn insn = {
		.offset = (u32)walk->pos,
		.size = d->insn.length,
		.kind = kind_of(d),
		.emulated = is_emulated(code, d->insn.length),
		.writes = registers_written(d),
		.rip_operand = rip_operand(d, addr),
		.bytes = code,
	};

	switch (insn.kind) {
	case INSN_CALL:
	case INSN_CALL_INDIRECT:
		insn.sp_known = true;
		break;
	default:
		insn.sp_known = !(insn.writes & 1u << REG_RSP) ||
				stack_change(d, insn.kind, &insn.sp_delta_bytes);
		break;
	}
	if (insn.kind == INSN_JCC || insn.kind == INSN_JMP || insn.kind == INSN_CALL)
		insn.target = addr + insn.size + (u64)d->op[0].imm.value.s;
	return insn;
}

int insn_next(struct insn_walk *walk, struct insn *ret)
{
	ZydisDecoder decoder;
	struct decoded d;
	size_t left = walk->code.size - walk->pos;

	if (walk->pos >= walk->code.size)
		return 0;
	if (walk->pos > UINT32_MAX)
		return -EILSEQ;
	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, walk->code.data + walk->pos, left,
						 &d.insn, d.op)))
		return -EILSEQ;
	*ret = insn_from(&d, walk);
	walk->pos += ret->size;
	return 1;
}
