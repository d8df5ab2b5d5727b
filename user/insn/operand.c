/* SPDX-License-Identifier: BSD-2-Clause */
#include "insn/operand.h"

#include <errno.h>

#include <Zydis/Zydis.h>

#include "base/macros.h"

static enum insn_op op_of(ZydisMnemonic mnemonic)
{
	static const struct {
		ZydisMnemonic mnemonic;
		enum insn_op op;
	} ops[] = {
		{ ZYDIS_MNEMONIC_MOV, OP_MOV },	    { ZYDIS_MNEMONIC_MOVZX, OP_MOV },
		{ ZYDIS_MNEMONIC_MOVSXD, OP_MOV },  { ZYDIS_MNEMONIC_LEA, OP_LEA },
		{ ZYDIS_MNEMONIC_ADD, OP_ADD },	    { ZYDIS_MNEMONIC_SUB, OP_SUB },
		{ ZYDIS_MNEMONIC_INC, OP_INC },	    { ZYDIS_MNEMONIC_SHR, OP_SHR },
		{ ZYDIS_MNEMONIC_CMP, OP_CMP },	    { ZYDIS_MNEMONIC_XADD, OP_XADD },
		{ ZYDIS_MNEMONIC_MULSD, OP_MULSD }, { ZYDIS_MNEMONIC_CMPXCHG, OP_CMPXCHG },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
		if (ops[i].mnemonic == mnemonic)
			return ops[i].op;
	return OP_OTHER;
}

static u8 reg_number(ZydisRegister reg)
{
	ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);

	if (ZydisRegisterGetClass(whole) != ZYDIS_REGCLASS_GPR64)
		return REG_NONE;
	return (u8)ZydisRegisterGetId(whole);
}

static struct operand memory_operand(const ZydisDecodedOperand *op, u64 next)
{
	struct operand ret = {
		.kind = OPERAND_MEM,
		.bytes = (u8)(op->size / 8),
		.reg = REG_NONE,
		.base = BASE_OTHER,
		.value = op->mem.disp.value,
	};

	if (op->mem.index != ZYDIS_REGISTER_NONE)
		return ret;
	if (op->mem.segment == ZYDIS_REGISTER_FS) {
		ret.base = BASE_FS;
		ret.reg = reg_number(op->mem.base);
	} else if (op->mem.base == ZYDIS_REGISTER_RIP) {
		ret.base = BASE_RIP;
		ret.value = (s64)(next + (u64)op->mem.disp.value);
	} else if (op->mem.base != ZYDIS_REGISTER_NONE) {
		ret.base = BASE_REG;
		ret.reg = reg_number(op->mem.base);
	}
	return ret;
}

static struct operand operand_from(const ZydisDecodedOperand *op, u64 next)
{
	switch (op->type) {
	case ZYDIS_OPERAND_TYPE_REGISTER:
		return (struct operand) { .kind = OPERAND_REG,
					  .bytes = (u8)(op->size / 8),
					  .reg = reg_number(op->reg.value) };
	case ZYDIS_OPERAND_TYPE_MEMORY:
		return memory_operand(op, next);
	case ZYDIS_OPERAND_TYPE_IMMEDIATE:
		return (struct operand) { .kind = OPERAND_IMM,
					  .bytes = (u8)(op->size / 8),
					  .value = op->imm.value.s };
	default:
		return (struct operand) { .kind = OPERAND_NONE };
	}
}

int insn_operands(const struct insn *insn, u64 addr, struct insn_operands *ret)
{
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction decoded;
	ZydisDecoder decoder;
	u64 next = addr + insn->size;

	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, insn->bytes, insn->size, &decoded, op)))
		return -EILSEQ;
	*ret = (struct insn_operands) {
		.op = op_of(decoded.mnemonic),
		.lock = decoded.attributes & ZYDIS_ATTRIB_HAS_LOCK,
	};
	if (decoded.operand_count_visible > 0)
		ret->dst = operand_from(&op[0], next);
	if (decoded.operand_count_visible > 1)
		ret->src = operand_from(&op[1], next);
	return 0;
}
