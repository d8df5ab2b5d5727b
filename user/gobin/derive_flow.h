/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Follows values through the code of one function: what a register or a stack
 * slot holds, as an expression over the arguments, the current g, results of
 * calls and variables. One pass forward; where two ways meet, only what both
 * agree on is kept. What cannot be said is FLOW_UNKNOWN, never a guess.
 */
#ifndef GOBIN_DERIVE_FLOW_H
#define GOBIN_DERIVE_FLOW_H

#include "gobin/gobin.h"
#include "insn/operand.h"

enum flow_root {
	FLOW_UNKNOWN = 0,
	FLOW_ARG,    /* id: number of the register argument; stack ABI: offset from RSP at entry */
	FLOW_G,	     /* the current g */
	FLOW_RESULT, /* id: of which call */
	FLOW_WORD,   /* what the variable at address id held */
	FLOW_ADDR,   /* the address id itself */
	FLOW_CONST,  /* the number id */
};

enum { FLOW_DEPTH = 3 };

/* ((root → path[0]) → path[1]) … + add, then >> shift. */
struct flow_value {
	enum flow_root root;
	u64 id;
	u8 depth;	      /* loads that path holds */
	u8 shift, bytes;      /* width of the last load; 0: of none */
	s32 path[FLOW_DEPTH]; /* displacement of each load */
	s64 add;
};

struct flow;

/* What a visitor is shown: one instruction, before it takes effect. */
struct flow_step {
	const struct flow *flow;
	const struct insn *insn;
	const struct insn_operands *ops;
};

/* The value of an operand, or what memory holds there. */
struct flow_value flow_read(const struct flow *flow, const struct operand *operand);

/* What an operand's base register holds; FLOW_UNKNOWN if it is none. */
struct flow_value flow_base(const struct flow *flow, const struct operand *mem);

/* The address that a memory operand names, as FLOW_ADDR; FLOW_UNKNOWN if it is no variable's. */
struct flow_value flow_address(const struct flow *flow, const struct operand *mem);

/* The first integer argument that a call about to be made passes. */
struct flow_value flow_call_arg(const struct flow *flow);

/* Whether the instruction calls the function of that name. */
bool flow_calls(const struct flow_step *step, const char *function);

typedef void flow_visitor(void *arg, const struct flow_step *step);

/*
 * Walks the function of that name. Returns 0, -ENOENT (no such function),
 * -EBADMSG (its bytes are not in the file or not code) or -ENOMEM.
 */
int flow_walk(const struct gobin *bin, const char *function, flow_visitor *visit, void *arg,
	      struct err *err);

#endif
