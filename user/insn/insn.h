/* SPDX-License-Identifier: BSD-2-Clause */
/* One decoded x86-64 instruction, as much of it as site choice and operand mining need. */
#ifndef INSN_INSN_H
#define INSN_INSN_H

#include <stdbool.h>

#include "base/cursor.h"

enum insn_kind {
	INSN_OTHER,
	INSN_PUSH_REG, /* push of a 64-bit register */
	INSN_NOP,      /* the form that every kernel emulates: 90 without a prefix */
	INSN_JCC,      /* conditional, relative; also loop and jrcxz, which are not emulated */
	INSN_JMP,      /* direct, relative */
	INSN_CALL,     /* direct, relative */
	INSN_RET,
	INSN_JMP_INDIRECT, /* a jump table or a tail call: to anywhere */
	INSN_CALL_INDIRECT,
	INSN_TRAP, /* int3, ud2, hlt: what follows is not reached */
};

/* Numbers of general registers, as the instruction encoding has them; bits of insn.writes. */
enum insn_reg {
	REG_RAX = 0,
	REG_RCX = 1,
	REG_RDX = 2,
	REG_RBX = 3,
	REG_RSP = 4,
	REG_RBP = 5,
	REG_RSI = 6,
	REG_RDI = 7,
	REG_R8 = 8,
	REG_R9 = 9,
	REG_R10 = 10,
	REG_R11 = 11,
	REG_R14 = 14, /* the current g, from Go 1.17 on */
};

struct insn {
	u32 offset; /* in the bytes that the walk began with */
	u8 size;
	enum insn_kind kind;
	bool emulated;	    /* by the kernel's uprobes, see site.h */
	u16 writes;	    /* bit i: may write general register i or a part of it */
	bool sp_known;	    /* whether sp_delta_bytes says all that happens to RSP */
	s32 sp_delta_bytes; /* added to RSP; a call counts as 0: it returns */
	u64 target;	    /* INSN_JCC/JMP/CALL: address it goes to; else 0 */
	u64 rip_operand;    /* address of its RIP-relative memory operand; 0: none */
	const u8 *bytes;
};

/* Walks instructions from the first byte. */
struct insn_walk {
	struct bytes code;
	u64 addr; /* of code.data[0] */
	size_t pos;
};

struct insn_walk insn_walk_at(struct bytes code, u64 addr);

/* Returns 1 and the next instruction; 0 at the end; -EILSEQ if the bytes are none. */
int insn_next(struct insn_walk *walk, struct insn *ret);

#endif
