/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/derive_flow.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"

enum {
	REGS = 16,
	SLOTS = 128,
	PENDING = 96,
	MAX_JUMPS =
		4096, /* each may compare all slots of two states; real functions have hundreds */
	MAX_FUNC_BYTES = 1 << 17, /* gcMarkTermination, the longest, has 4 KiB */
};

struct slot {
	s64 at; /* from RSP at entry */
	u8 bytes;
	struct flow_value value;
};

struct state {
	struct flow_value reg[REGS];
	struct slot slot[SLOTS];
	size_t slots;
	s64 sp; /* RSP now, from RSP at entry */
	bool sp_known;
};

/* The state that jumps take to their target. */
struct pending {
	u64 target;
	struct state state;
};

struct flow {
	struct state now;
	bool reached; /* whether control falls into the next instruction */
	const struct gobin *bin;
	bool register_abi;
	u64 addr; /* of the instruction */
	u64 calls;
	struct pending pending[PENDING];
	size_t pendings;
	size_t jumps;  /* so far */
	bool overflow; /* too many jumps, or states of theirs to keep: the function is given up */
};

static const u8 abi_regs[] = { REG_RAX, REG_RBX, REG_RCX, REG_RDI, REG_RSI,
			       REG_R8,	REG_R9,	 REG_R10, REG_R11 };

static bool flow_same(const struct flow_value *a, const struct flow_value *b)
{
	return a->root == b->root && a->id == b->id && a->depth == b->depth &&
	       a->shift == b->shift && a->add == b->add && a->bytes == b->bytes &&
	       memcmp(a->path, b->path, sizeof(a->path)) == 0;
}

static void forget_slots(struct state *s, s64 at, u8 bytes)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->slots; i++)
		if (s->slot[i].at + s->slot[i].bytes <= at || s->slot[i].at >= at + bytes)
			s->slot[kept++] = s->slot[i];
	s->slots = kept;
}

static void put_slot(struct state *s, s64 at, u8 bytes, const struct flow_value *value)
{
	forget_slots(s, at, bytes);
	if (value->root && s->slots < SLOTS)
		s->slot[s->slots++] = (struct slot) { at, bytes, *value };
}

static const struct slot *find_slot(const struct state *s, s64 at)
{
	for (size_t i = 0; i < s->slots; i++)
		if (s->slot[i].at == at)
			return &s->slot[i];
	return NULL;
}

/*
 * A slot that nothing was stored to: in the stack ABI (Go <= 1.16) an argument, or what the last
 * call returned.
 */
static struct flow_value fresh_slot(const struct flow *flow, s64 at, u8 bytes)
{
	struct flow_value value = { .bytes = bytes };

	if (flow->register_abi)
		return value;
	value.root = at > 0 ? FLOW_ARG : FLOW_RESULT;
	value.id = at > 0 ? (u64)at : flow->calls << 16 | ((u64)at & 0xffff);
	return value;
}

static struct flow_value read_slot(const struct flow *flow, const struct operand *mem)
{
	s64 at = flow->now.sp + mem->value;
	const struct slot *slot = find_slot(&flow->now, at);

	if (!flow->now.sp_known)
		return (struct flow_value) { 0 };
	if (!slot)
		return fresh_slot(flow, at, mem->bytes);
	return slot->bytes == mem->bytes ? slot->value : (struct flow_value) { 0 };
}

static bool is_stack(const struct operand *mem)
{
	return mem->base == BASE_REG && mem->reg == REG_RSP;
}

struct flow_value flow_base(const struct flow *flow, const struct operand *mem)
{
	if (mem->kind != OPERAND_MEM || mem->base != BASE_REG || mem->reg >= REGS || is_stack(mem))
		return (struct flow_value) { 0 };
	return flow->now.reg[mem->reg];
}

struct flow_value flow_address(const struct flow *flow, const struct operand *mem)
{
	struct flow_value base = flow_base(flow, mem);

	if (mem->kind == OPERAND_MEM && mem->base == BASE_RIP)
		return (struct flow_value) { .root = FLOW_ADDR, .id = (u64)mem->value };
	if (base.root != FLOW_ADDR || base.shift)
		return (struct flow_value) { 0 };
	base.id += (u64)(mem->value + base.add);
	base.add = 0;
	return base;
}

/*
 * runtime.tlsg: at fs:-8, or in a PIE at an offset from fs that was loaded into a register; Go
 * keeps nothing else there.
 */
static bool is_tls_g(const struct operand *mem)
{
	return mem->base == BASE_FS && mem->bytes == 8 &&
	       mem->value == (mem->reg == REG_NONE ? -8 : 0);
}

static struct flow_value load(const struct flow *flow, const struct operand *mem)
{
	struct flow_value base = flow_base(flow, mem), addr = flow_address(flow, mem);
	s64 disp = mem->value + base.add;

	if (addr.root)
		return (struct flow_value) { .root = FLOW_WORD,
					     .id = addr.id,
					     .bytes = mem->bytes };
	if (is_tls_g(mem))
		return (struct flow_value) { .root = FLOW_G };
	if (is_stack(mem))
		return read_slot(flow, mem);
	if (!base.root || base.root == FLOW_CONST || base.shift || base.depth == FLOW_DEPTH ||
	    disp != (s32)disp)
		return (struct flow_value) { 0 };
	base.path[base.depth++] = (s32)disp;
	base.add = 0;
	base.bytes = mem->bytes;
	return base;
}

struct flow_value flow_read(const struct flow *flow, const struct operand *operand)
{
	struct flow_value value = { 0 };

	switch (operand->kind) {
	case OPERAND_REG:
		if (operand->reg >= REGS)
			return value;
		return flow->now.reg[operand->reg];
	case OPERAND_MEM:
		return load(flow, operand);
	case OPERAND_IMM:
		return (struct flow_value) { .root = FLOW_CONST, .id = (u64)operand->value };
	default:
		return value;
	}
}

struct flow_value flow_call_arg(const struct flow *flow)
{
	const struct operand first = {
		.kind = OPERAND_MEM, .bytes = 8, .base = BASE_REG, .reg = REG_RSP
	};

	return flow->register_abi ? flow->now.reg[REG_RAX] : read_slot(flow, &first);
}

static struct flow_value lea(const struct flow *flow, const struct operand *mem)
{
	struct flow_value value = flow_address(flow, mem);

	if (value.root)
		return value;
	value = flow_base(flow, mem);
	if (value.shift)
		return (struct flow_value) { 0 };
	value.add += mem->value;
	return value;
}

/* What the destination holds afterwards. */
static struct flow_value result(const struct flow *flow, const struct insn_operands *ops)
{
	struct flow_value old = flow_read(flow, &ops->dst);
	bool constant = ops->src.kind == OPERAND_IMM;

	switch (ops->op) {
	case OP_MOV:
		return flow_read(flow, &ops->src);
	case OP_LEA:
		return lea(flow, &ops->src);
	case OP_ADD:
	case OP_SUB:
		if (!old.root || old.shift || !constant)
			break;
		old.add += ops->op == OP_ADD ? ops->src.value : -ops->src.value;
		return old;
	case OP_INC:
		if (!old.root || old.shift)
			break;
		old.add++;
		return old;
	case OP_SHR:
		if (!old.root || old.shift || old.add || !constant || ops->src.value >= 64)
			break;
		old.shift = (u8)ops->src.value;
		return old;
	default:
		break;
	}
	return (struct flow_value) { 0 };
}

static bool writes_dst(const struct insn_operands *ops)
{
	return ops->op != OP_CMP && ops->dst.kind == OPERAND_MEM;
}

static void take_effect(struct flow *flow, const struct insn *insn, const struct insn_operands *ops)
{
	struct state *s = &flow->now;
	struct flow_value value = result(flow, ops);

	for (unsigned int r = 0; r < REGS; r++)
		if ((insn->writes & 1u << r) && r != REG_RSP)
			s->reg[r] = (struct flow_value) { 0 };
	/* A write of 4 bytes clears the upper half, one of 1 or 2 bytes keeps what was there. */
	if (ops->dst.kind == OPERAND_REG && ops->dst.reg < REGS && ops->dst.reg != REG_RSP &&
	    insn->writes & 1u << ops->dst.reg && ops->dst.bytes >= 4)
		s->reg[ops->dst.reg] = value;
	if (writes_dst(ops) && is_stack(&ops->dst) && s->sp_known)
		put_slot(s, s->sp + ops->dst.value, MAX(ops->dst.bytes, 1), &value);
	s->sp_known &= insn->sp_known;
	s->sp += insn->sp_delta_bytes;
}

static const char *callee(const struct flow *flow, const struct insn *insn)
{
	struct gobin_func func;

	if (insn->kind != INSN_CALL || gobin_func_by_pc(flow->bin, insn->target, &func) ||
	    func.addr != insn->target)
		return "";
	return func.name;
}

bool flow_calls(const struct flow_step *step, const char *function)
{
	return strcmp(callee(step->flow, step->insn), function) == 0;
}

/* Write barriers change no register but R11, what they return (asm_amd64.s: gcWriteBarrier). */
static bool is_write_barrier(const struct flow *flow, const struct insn *insn)
{
	static const char name[] = "runtime.gcWriteBarrier";

	return strncmp(callee(flow, insn), name, sizeof(name) - 1) == 0;
}

/* Go's functions save no register but RSP and, from 1.17 on, R14 for their callers. */
static void after_call(struct flow *flow, const struct insn *insn)
{
	struct flow_value g = flow->now.reg[REG_R14];

	if (is_write_barrier(flow, insn)) {
		flow->now.reg[REG_R11] = (struct flow_value) { 0 };
		return;
	}
	memset(flow->now.reg, 0, sizeof(flow->now.reg));
	flow->calls++;
	if (flow->register_abi) {
		flow->now.reg[REG_R14] = g;
		flow->now.reg[REG_RAX] =
			(struct flow_value) { .root = FLOW_RESULT, .id = flow->calls << 16 };
	}
}

/*
 * What holds on both ways. Of two calls' results one or the other (newproc1: a g from gfget or from
 * malg); the same two make the same value wherever they are held.
 */
static struct flow_value both(const struct flow_value *a, const struct flow_value *b)
{
	struct flow_value value = *a;

	if (flow_same(a, b))
		return value;
	value.id = b->id;
	if (a->root != FLOW_RESULT || !flow_same(&value, b))
		return (struct flow_value) { 0 };
	value.id = a->id * 0x9e3779b97f4a7c15ull ^ b->id;
	return value;
}

static void meet(struct state *a, const struct state *b)
{
	size_t kept = 0;

	for (unsigned int r = 0; r < REGS; r++)
		a->reg[r] = both(&a->reg[r], &b->reg[r]);
	for (size_t i = 0; i < a->slots; i++) {
		const struct slot *other = find_slot(b, a->slot[i].at);
		struct slot *slot = &a->slot[kept];

		if (!other || other->bytes != a->slot[i].bytes)
			continue;
		*slot = (struct slot) { other->at, other->bytes,
					both(&a->slot[i].value, &other->value) };
		kept += slot->value.root != FLOW_UNKNOWN;
	}
	a->slots = kept;
	a->sp_known &= b->sp_known && a->sp == b->sp;
}

/* What the jumps to an address bring there; NULL: there is none. */
static struct pending *find_pending(struct flow *flow, u64 target)
{
	for (size_t i = 0; i < flow->pendings; i++)
		if (flow->pending[i].target == target)
			return &flow->pending[i];
	return NULL;
}

/* Takes in the state of the jumps that lead here. */
static void arrive(struct flow *flow)
{
	struct pending *p = find_pending(flow, flow->addr);
	const struct pending *last;

	if (!p)
		return;
	if (flow->reached)
		meet(&flow->now, &p->state);
	else
		flow->now = p->state;
	flow->reached = true;
	last = &flow->pending[--flow->pendings];
	if (p != last)
		*p = *last;
}

static void jump(struct flow *flow, u64 target)
{
	struct pending *p;

	if (++flow->jumps > MAX_JUMPS) {
		flow->overflow = true;
		return;
	}
	p = find_pending(flow, target);
	if (p) {
		meet(&p->state, &flow->now);
		return;
	}
	if (target <= flow->addr) /* a loop: values that it changes are not followed by anyone */
		return;
	if (flow->pendings == PENDING)
		flow->overflow = true;
	else
		flow->pending[flow->pendings++] = (struct pending) { target, flow->now };
}

static void leave(struct flow *flow, const struct insn *insn, const struct insn_operands *ops)
{
	switch (insn->kind) {
	case INSN_JCC:
		jump(flow, insn->target);
		break;
	case INSN_JMP:
		jump(flow, insn->target);
		flow->reached = false;
		break;
	case INSN_CALL:
	case INSN_CALL_INDIRECT:
		after_call(flow, insn);
		break;
	case INSN_RET:
	case INSN_JMP_INDIRECT:
	case INSN_TRAP:
		flow->reached = false;
		break;
	default:
		take_effect(flow, insn, ops);
		break;
	}
}

static struct flow *flow_new(const struct gobin *bin)
{
	bool register_abi = gobin_info(bin)->register_abi;
	struct flow *flow = calloc(1, sizeof(*flow));

	if (!flow)
		return NULL;
	flow->reached = flow->now.sp_known = true;
	flow->bin = bin;
	flow->register_abi = register_abi;
	for (u8 i = 0; register_abi && i < ARRAY_SIZE(abi_regs); i++)
		flow->now.reg[abi_regs[i]] = (struct flow_value) { .root = FLOW_ARG, .id = i };
	if (register_abi)
		flow->now.reg[REG_R14] = (struct flow_value) { .root = FLOW_G };
	return flow;
}

static int walk(struct flow *flow, struct bytes code, u64 start, flow_visitor *visit, void *arg)
{
	struct insn_walk it = insn_walk_at(code, start);
	struct insn_operands ops;
	struct insn insn;
	int rc = 0;

	while (!flow->overflow && (rc = insn_next(&it, &insn)) == 1) {
		flow->addr = start + insn.offset;
		arrive(flow);
		if (!flow->reached)
			continue; /* padding, or only a loop's way back leads here */
		rc = insn_operands(&insn, flow->addr, &ops);
		if (rc)
			break;
		visit(arg, &(struct flow_step) { flow, &insn, &ops });
		leave(flow, &insn, &ops);
	}
	return flow->overflow ? -EBADMSG : rc;
}

int flow_walk(const struct gobin *bin, const char *function, flow_visitor *visit, void *arg,
	      struct err *err)
{
	CLEANUP(freep) struct flow *flow = NULL;
	struct gobin_func func;
	struct bytes code;

	if (gobin_func_by_name(bin, function, &func))
		return err_set(err, -ENOENT, "no function %s", function);
	code = gobin_bytes(bin, func.addr, MIN(func.size, (u64)MAX_FUNC_BYTES));
	if (!code.data)
		return err_set(err, -EBADMSG, "the file has not all code of %s", function);
	flow = flow_new(bin);
	if (!flow)
		return err_set(err, -ENOMEM, "out of memory");
	if (walk(flow, code, func.addr, visit, arg))
		return err_set(err, -EBADMSG, "the code of %s can't be followed", function);
	return 0;
}
