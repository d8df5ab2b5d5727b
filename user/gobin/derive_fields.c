/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/derive.h"

#include <errno.h>
#include <string.h>

#include "gobin/derive_flow.h"

enum {
	NONE = -1,
	AMBIGUOUS = -2,
	SCHED_PC = 64, /* g.sched.pc: g is {stack, guards, panic, defer, m, sched{sp, pc …}} */
	MAX_OFFSET = 4096, /* g has 500 bytes, m 2,000, p 14,000 */
	MAX_P_OFFSET = 1 << 16,
	GOIDS_A_TIME = 16, /* runtime._GoidCacheBatch: what a P takes of sched.goidgen at once */
};

/* One thing looked for: its place, found once. */
struct find {
	s64 at; /* NONE, AMBIGUOUS or the offset */
};

static void found(struct find *f, s64 at)
{
	if (f->at == NONE)
		f->at = at;
	else if (f->at != at)
		f->at = AMBIGUOUS;
}

static bool is_root(const struct flow_value *v, enum flow_root root)
{
	return v->root == root && v->depth == 0 && v->add == 0 && v->shift == 0;
}

static void set_field(struct go_layout *ret, enum go_field field, const struct find *f, u32 size,
		      const char *how)
{
	s64 max = field == GO_P_GOIDCACHE ? MAX_P_OFFSET : MAX_OFFSET;

	if (f->at >= 0 && f->at < max)
		ret->field[field] = (struct go_offset) {
			.offset = (u32)f->at, .size = size, .how = how, .derived = true
		};
	else
		err_set(&ret->field_why[field], -ENOENT,
			f->at == AMBIGUOUS ? "%s: the code that tells it names two places"
					   : "%s: the code that tells it is not there",
			go_field_name(field));
}

static void set_why(struct go_layout *ret, const enum go_field *fields, size_t n,
		    const struct err *why)
{
	for (size_t i = 0; i < n; i++)
		ret->field_why[fields[i]] = *why;
}

/* runtime.casgstatus: the one lock cmpxchg of 4 bytes is on gp.atomicstatus. */
static void see_status(void *arg, const struct flow_step *step)
{
	const struct insn_operands *ops = step->ops;

	if (ops->op == OP_CMPXCHG && ops->lock && ops->dst.kind == OPERAND_MEM &&
	    ops->dst.base == BASE_REG && ops->dst.bytes == 4)
		found(arg, ops->dst.value + flow_base(step->flow, &ops->dst).add);
}

static void derive_status(const struct gobin *bin, struct go_layout *ret)
{
	static const enum go_field fields[] = { GO_G_STATUS };
	struct find status = { NONE };
	struct err why;

	if (flow_walk(bin, "runtime.casgstatus", see_status, &status, &why))
		set_why(ret, fields, ARRAY_SIZE(fields), &why);
	else
		set_field(ret, GO_G_STATUS, &status, 4, "derived from runtime.casgstatus");
}

/*
 * runtime.systemstack (asm_amd64.s): loads g_m(AX), compares the g with m_gsignal(BX) and with
 * m_curg(BX), in this order. g and m in it are told by the values.
 */
struct stack_switch {
	struct find g_m, m_curg;
	unsigned int compared;
};

static void see_switch(void *arg, const struct flow_step *step)
{
	struct stack_switch *find = arg;
	const struct insn_operands *ops = step->ops;
	struct flow_value base = flow_base(step->flow, &ops->src);

	if (ops->src.kind != OPERAND_MEM || ops->src.bytes != 8 || base.root != FLOW_G)
		return;
	if (ops->op == OP_MOV && base.depth == 0)
		found(&find->g_m, ops->src.value);
	else if (ops->op == OP_CMP && base.depth == 1 && ++find->compared == 2)
		found(&find->m_curg, ops->src.value);
}

static void derive_m(const struct gobin *bin, struct go_layout *ret)
{
	static const enum go_field fields[] = { GO_G_M, GO_M_CURG };
	static const char how[] = "derived from runtime.systemstack";
	struct stack_switch find = { { NONE }, { NONE }, 0 };
	struct err why;

	if (flow_walk(bin, "runtime.systemstack", see_switch, &find, &why)) {
		set_why(ret, fields, ARRAY_SIZE(fields), &why);
		return;
	}
	set_field(ret, GO_G_M, &find.g_m, 8, how);
	set_field(ret, GO_M_CURG, &find.m_curg, 8, how);
}

/* runtime.gopark: gp := mp.curg; gp.waitreason = reason, its third argument, one byte. */
struct park {
	const struct go_layout *layout;
	u64 reason_arg;
	struct find waitreason;
};

static void see_park(void *arg, const struct flow_step *step)
{
	struct park *find = arg;
	const struct insn_operands *ops = step->ops;
	struct flow_value base, value;

	if (ops->op != OP_MOV || ops->dst.kind != OPERAND_MEM || ops->dst.bytes != 1)
		return;
	base = flow_base(step->flow, &ops->dst);
	value = flow_read(step->flow, &ops->src);
	if (is_root(&value, FLOW_ARG) && value.id == find->reason_arg && base.root == FLOW_G &&
	    base.depth == 2 && base.path[0] == (s32)find->layout->field[GO_G_M].offset &&
	    base.path[1] == (s32)find->layout->field[GO_M_CURG].offset)
		found(&find->waitreason, ops->dst.value + base.add);
}

static void derive_waitreason(const struct gobin *bin, struct go_layout *ret)
{
	static const enum go_field fields[] = { GO_G_WAITREASON };
	struct park find = { ret, gobin_info(bin)->register_abi ? 2 : 24, { NONE } };
	struct err why;

	if (flow_walk(bin, "runtime.gopark", see_park, &find, &why))
		set_why(ret, fields, ARRAY_SIZE(fields), &why);
	else
		set_field(ret, GO_G_WAITREASON, &find.waitreason, 1, "derived from runtime.gopark");
}

/*
 * runtime.newproc1(fn, …, callergp, callerpc, …):
 *
 *	newg.gopc = callerpc
 *	newg.parentGoid = callergp.goid		from 1.21
 *	newg.startpc = fn.fn			and newg.sched.pc, in gostartcallfn
 *	atomic.Xadd(&sched.ngsys, +1)
 *	pp.goidcache = atomic.Xadd64(&sched.goidgen, 16) …
 *	newg.goid = pp.goidcache
 *	pp.goidcache++
 *
 * newg is what a call returned: that tells its fields from those of m and p.
 */
struct creation {
	u64 fn_arg, callerpc_arg, callergp_arg;
	struct find gopc, startpc, parent, goid, goidcache;
	struct find goidgen, ngsys; /* addresses */
	struct copy {
		s32 field; /* of something else, that was stored to newg … */
		s64 at;	   /* … here */
	} copy[8], from_callergp[8];
	size_t copies, from_callergps;
};

static void note_copy(struct copy *list, size_t *n, s32 field, s64 at)
{
	if (*n < 8)
		list[(*n)++] = (struct copy) { field, at };
}

static void see_store_to_g(struct creation *c, const struct insn_operands *ops,
			   const struct flow_value *value, s64 at)
{
	if (ops->dst.bytes != 8)
		return;
	if (is_root(value, FLOW_ARG) && value->id == c->callerpc_arg)
		found(&c->gopc, at);
	if (value->root == FLOW_ARG && value->id == c->fn_arg && value->depth == 1 &&
	    value->path[0] == 0 && value->add == 0 && at != SCHED_PC)
		found(&c->startpc, at);
	if (value->depth == 0 || value->add || value->shift)
		return;
	if (value->root != FLOW_ARG)
		note_copy(c->copy, &c->copies, value->path[value->depth - 1], at);
	else if (value->id == c->callergp_arg && value->depth == 1)
		note_copy(c->from_callergp, &c->from_callergps, value->path[0], at);
}

/* pp.goidcache++ is done after its value went to newg.goid. */
static void see_increment(struct creation *c, s64 at)
{
	for (size_t i = 0; i < c->copies; i++) {
		if (c->copy[i].field != at)
			continue;
		found(&c->goidcache, at);
		found(&c->goid, c->copy[i].at);
	}
}

static void see_xadd(struct creation *c, const struct flow_step *step)
{
	struct flow_value addr = flow_address(step->flow, &step->ops->dst);
	struct flow_value n = flow_read(step->flow, &step->ops->src);

	if (!step->ops->lock || addr.root != FLOW_ADDR || n.root != FLOW_CONST)
		return;
	if (step->ops->dst.bytes == 8 && n.id == GOIDS_A_TIME)
		found(&c->goidgen, (s64)addr.id);
	else if (step->ops->dst.bytes == 4 && n.id == 1)
		found(&c->ngsys, (s64)addr.id);
}

static void see_creation(void *arg, const struct flow_step *step)
{
	struct creation *c = arg;
	const struct insn_operands *ops = step->ops;
	struct flow_value base = flow_base(step->flow, &ops->dst), value;

	if (ops->dst.kind != OPERAND_MEM)
		return;
	value = flow_read(step->flow, &ops->src);
	if (ops->op == OP_XADD)
		see_xadd(c, step);
	else if (ops->op == OP_MOV && is_root(&base, FLOW_RESULT))
		see_store_to_g(c, ops, &value, ops->dst.value);
	else if (ops->op == OP_INC && ops->dst.bytes == 8 && ops->dst.base == BASE_REG)
		see_increment(c, ops->dst.value);
}

/* Where newproc1 has its arguments: go-runtime facts B; 1.17 still passed the arguments' size. */
static void creation_args(const struct gobin_info *info, struct creation *c)
{
	if (!info->register_abi) { /* fn, argp, narg, callergp, callerpc, from RSP at entry */
		c->fn_arg = 8;
		c->callergp_arg = 32;
		c->callerpc_arg = 40;
		return;
	}
	c->callergp_arg = info->version.minor == 17 ? 3 : 1;
	c->callerpc_arg = c->callergp_arg + 1;
}

/*
 * sched's base is where goidgen is, its first field in every version that there is a table of: who
 * asks for a field of sched adds the offset again, so nothing rests on that.
 */
static void set_sched(const struct gobin *bin, struct go_layout *ret, const struct creation *c,
		      const char *how)
{
	u64 base = (u64)c->goidgen.at, start, end;
	struct find goidgen = c->goidgen, ngsys = c->ngsys;

	if (goidgen.at < 0 || gobin_data_range(bin, &start, &end) || base < start || base >= end) {
		set_field(ret, GO_SCHED_GOIDGEN, &(struct find) { NONE }, 8, how);
		set_field(ret, GO_SCHED_NGSYS, &(struct find) { NONE }, 4, how);
		return;
	}
	ret->global[GO_SCHED] = (struct go_global_place) { base, "operand in runtime.newproc1" };
	goidgen.at = 0;
	if (ngsys.at >= 0)
		ngsys.at = (s64)((u64)ngsys.at - base);
	set_field(ret, GO_SCHED_GOIDGEN, &goidgen, 8, how);
	set_field(ret, GO_SCHED_NGSYS, &ngsys, 4, how);
}

static void derive_creation(const struct gobin *bin, struct go_layout *ret)
{
	static const enum go_field fields[] = { GO_G_GOPC,     GO_G_STARTPC,   GO_G_PARENT_GOID,
						GO_G_GOID,     GO_P_GOIDCACHE, GO_SCHED_GOIDGEN,
						GO_SCHED_NGSYS };
	static const char how[] = "derived from runtime.newproc1";
	struct creation c = {
		.gopc = { NONE },
		.startpc = { NONE },
		.parent = { NONE },
		.goid = { NONE },
		.goidcache = { NONE },
		.goidgen = { NONE },
		.ngsys = { NONE },
	};
	struct err why;

	creation_args(gobin_info(bin), &c);
	if (flow_walk(bin, "runtime.newproc1", see_creation, &c, &why)) {
		set_why(ret, fields, ARRAY_SIZE(fields), &why);
		return;
	}
	for (size_t i = 0; i < c.from_callergps; i++) /* newg.parentGoid = callergp.goid */
		if (c.from_callergp[i].field == c.goid.at)
			found(&c.parent, c.from_callergp[i].at);
	set_field(ret, GO_G_GOPC, &c.gopc, 8, how);
	set_field(ret, GO_G_STARTPC, &c.startpc, 8, how);
	set_field(ret, GO_G_GOID, &c.goid, 8, how);
	if (gobin_info(bin)->version.minor >= 21) /* older ones have no such field */
		set_field(ret, GO_G_PARENT_GOID, &c.parent, 8, how);
	set_field(ret, GO_P_GOIDCACHE, &c.goidcache, 8, how);
	set_sched(bin, ret, &c, how);
}

/* What no code tells so that it could be told from something else. */
static void derive_nothing(struct go_layout *ret)
{
	static const enum go_field fields[] = { GO_G_WAITSINCE, GO_P_GFREE_N };

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		err_set(&ret->field_why[fields[i]], -ENOENT,
			"%s: no table holds %s, and no code tells it for sure",
			go_field_name(fields[i]), ret->go);
}

void derive_fields(const struct gobin *bin, struct go_layout *ret)
{
	derive_status(bin, ret);
	derive_m(bin, ret);
	derive_waitreason(bin, ret);
	derive_creation(bin, ret);
	derive_nothing(ret);
}
