/* SPDX-License-Identifier: BSD-2-Clause */
/* What an x86-64 instruction does with its operands, as far as following data needs it. */
#ifndef INSN_OPERAND_H
#define INSN_OPERAND_H

#include "insn/insn.h"

enum insn_op {
	OP_OTHER,
	OP_MOV, /* also movzx, movsxd: the destination gets the source */
	OP_LEA,
	OP_ADD,
	OP_SUB,
	OP_INC,
	OP_SHR,
	OP_CMP,
	OP_XADD,
	OP_CMPXCHG,
	OP_MULSD,
};

enum operand_kind { OPERAND_NONE, OPERAND_REG, OPERAND_MEM, OPERAND_IMM };

enum operand_base {
	BASE_REG,  /* reg, without an index */
	BASE_RIP,  /* value is the address itself */
	BASE_FS,   /* thread-local: value is the offset from FS, and from reg if there is one */
	BASE_OTHER /* indexed or absolute: not followed */
};

struct operand {
	enum operand_kind kind;
	u8 bytes;		/* its width */
	u8 reg;			/* enum insn_reg: of a register, or the base of memory */
	enum operand_base base; /* of memory */
	s64 value;		/* an immediate, or the displacement */
};

struct insn_operands {
	enum insn_op op;
	bool lock;
	struct operand dst, src; /* the first and second visible operand */
};

/* Registers beyond the general ones (vectors, segments) have this number. */
enum { REG_NONE = 16 };

/* addr: where the instruction is. Returns 0 or -EILSEQ. */
int insn_operands(const struct insn *insn, u64 addr, struct insn_operands *ret);

#endif
