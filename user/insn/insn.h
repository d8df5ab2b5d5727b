/* SPDX-License-Identifier: BSD-2-Clause */
/* One decoded x86-64 instruction, as much of it as site choice and operand mining need. */
#ifndef INSN_INSN_H
#define INSN_INSN_H

#include <stdbool.h>

#include "base/cursor.h"

enum insn_kind {
	INSN_OTHER,
	INSN_PUSH_REG, /* push of a 64-bit register */
	INSN_NOP, /* any form that the kernel emulates */
	INSN_JCC,
	INSN_JMP, /* direct, relative */
	INSN_CALL, /* direct, relative */
	INSN_RET,
};

struct insn {
	u32 offset; /* in the bytes that the walk began with */
	u8 size;
	enum insn_kind kind;
	bool emulated; /* by the kernel's uprobes, see site.h */
	u64 target; /* INSN_JCC/JMP/CALL: address it goes to; else 0 */
	u64 rip_operand; /* address of its RIP-relative memory operand; 0: none */
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
