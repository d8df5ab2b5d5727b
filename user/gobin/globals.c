/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/globals.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "gobin/offsets.h"
#include "insn/insn.h"

/* The functions that are mined have a few KiB; more is a table that lies. */
enum { MAX_FUNC_BYTES = 1 << 20 };

/* The operand is the variable itself: no field's offset to subtract. */
#define NO_FIELD GO_FIELD_COUNT

/*
 * What the see_… functions, which get every instruction of the known function in order, have
 * gathered. Whole instructions and no byte search: no pattern can match in the middle of one.
 */
struct mining {
	u64 call_target;  /* GO_GC_CONTROLLER: where startCycle is */
	u64 sweep_term;	  /* GO_INIT_TIME: address of work.tSweepTerm */
	u64 allgptr;	  /* GO_ALLGLEN: what is stored in the same way */
	u64 last_operand; /* of the kind that the pattern begins with */
	u64 last_end;	  /* where that instruction ended */
	u64 found;	  /* 0: not yet */
	unsigned int matches;
};

static bool starts_with(const struct insn *insn, const char *opcode, size_t size)
{
	return insn->size >= size && memcmp(insn->bytes, opcode, size) == 0;
}

#define STARTS_WITH(insn, opcode) starts_with(insn, opcode, sizeof(opcode) - 1)

static void found(struct mining *m, u64 addr)
{
	m->found = addr;
	m->matches++;
}

static void remember(struct mining *m, const struct insn *insn)
{
	m->last_operand = insn->rip_operand;
	m->last_end = insn->offset + insn->size;
}

static bool follows_remembered(const struct mining *m, const struct insn *insn)
{
	return m->last_operand && insn->offset == m->last_end;
}

/* gcStart: work.userForced = trigger.kind == gcTriggerCycle, the one sete to a variable. */
static void see_work(struct mining *m, const struct insn *insn)
{
	if (STARTS_WITH(insn, "\x0f\x94\x05"))
		found(m, insn->rip_operand);
}

/* gcMarkTermination: memstats.numgc++ and, right behind it, numforcedgc++. */
static void see_memstats(struct mining *m, const struct insn *insn)
{
	if (!STARTS_WITH(insn, "\xff\x05"))
		return;
	if (insn->rip_operand == m->last_operand + 4)
		found(m, m->last_operand);
	else if (m->last_operand == insn->rip_operand + 4)
		found(m, insn->rip_operand);
	remember(m, insn);
}

static bool is_rip_lea(const struct insn *insn)
{
	return insn->rip_operand &&
	       (STARTS_WITH(insn, "\x48\x8d") || STARTS_WITH(insn, "\x4c\x8d"));
}

static bool is_lock_xadd(const struct insn *insn)
{
	return STARTS_WITH(insn, "\xf0\x0f\xc1") ||
	       (insn->size > 4 && insn->bytes[0] == 0xf0 && (insn->bytes[1] & 0xf0) == 0x40 &&
		insn->bytes[2] == 0x0f && insn->bytes[3] == 0xc1);
}

/* newproc1: the first atomic addition is sched.ngsys.Add(1), its address loaded before. */
static void see_sched(struct mining *m, const struct insn *insn)
{
	if (is_rip_lea(insn))
		remember(m, insn);
	else if (is_lock_xadd(insn) && m->matches == 0)
		found(m, m->last_operand);
}

/* gcStart: gcController.startCycle(…) has the receiver in RAX. */
static void see_gc_controller(struct mining *m, const struct insn *insn)
{
	if (STARTS_WITH(insn, "\x48\x8d\x05"))
		remember(m, insn);
	else if (insn->kind == INSN_CALL && insn->target == m->call_target)
		found(m, m->last_operand);
}

static bool is_allgptr_compare(const struct insn *insn)
{
	return insn->rip_operand &&
	       (STARTS_WITH(insn, "\x48\x39") || STARTS_WITH(insn, "\x4c\x39"));
}

static bool is_xchg(const struct insn *insn)
{
	return STARTS_WITH(insn, "\x48\x87") || STARTS_WITH(insn, "\x4c\x87");
}

/*
 * allgadd: atomic.Storeuintptr(&allglen, …) is lea rdx; xchg [rdx], rcx; the same on allgptr, which
 * was compared before, comes first. In 1.15 the store is a plain one: mov rax, [len of allgs]; mov
 * [allglen], rax.
 */
static void see_allglen(struct mining *m, const struct insn *insn)
{
	if (is_allgptr_compare(insn))
		m->allgptr = insn->rip_operand;
	else if (is_rip_lea(insn) || STARTS_WITH(insn, "\x48\x8b\x05"))
		remember(m, insn);
	else if (is_xchg(insn) && follows_remembered(m, insn) && m->last_operand != m->allgptr)
		found(m, m->last_operand);
	else if (STARTS_WITH(insn, "\x48\x89\x05") && follows_remembered(m, insn))
		found(m, insn->rip_operand);
}

/*
 * allgadd: if &allgs[0] != allgptr is the one comparison of a variable with a 64-bit register. In
 * 1.15, which has no allgptr: the length of allgs that allglen is set to.
 */
static void see_allgs(struct mining *m, const struct insn *insn)
{
	if (is_allgptr_compare(insn))
		found(m, insn->rip_operand);
	else if (STARTS_WITH(insn, "\x48\x8b\x05"))
		remember(m, insn);
	else if (STARTS_WITH(insn, "\x48\x89\x05") && follows_remembered(m, insn))
		found(m, m->last_operand - 8);
}

/* preemptall: `range allp` loads the slice's pointer and length. */
static void see_allp(struct mining *m, const struct insn *insn)
{
	if (!insn->rip_operand || !STARTS_WITH(insn, "\x48\x8b"))
		return;
	if (insn->rip_operand == m->last_operand + 8)
		found(m, m->last_operand);
	else if (m->last_operand == insn->rip_operand + 8)
		found(m, insn->rip_operand);
	remember(m, insn);
}

/* gcMarkTermination, the gctrace line: work.tSweepTerm - runtimeInitTime. */
static void see_init_time(struct mining *m, const struct insn *insn)
{
	if (STARTS_WITH(insn, "\x48\x8b\x05"))
		remember(m, insn);
	else if (STARTS_WITH(insn, "\x48\x2b\x05") && follows_remembered(m, insn) &&
		 m->last_operand == m->sweep_term)
		found(m, insn->rip_operand);
}

static const struct global {
	const char *symbol;
	const char *old_symbol; /* before the first one was introduced; NULL: the same */
	const char *function;	/* that tells where it is */
	const char *how;
	enum go_field field; /* that the operand points to */
	void (*see)(struct mining *m, const struct insn *insn);
} globals[GO_GLOBAL_COUNT] = {
	[GO_WORK] = { "runtime.work", NULL, "runtime.gcStart", "operand in runtime.gcStart",
		      GO_WORK_USER_FORCED, see_work },
	[GO_MEMSTATS] = { "runtime.memstats", NULL, "runtime.gcMarkTermination",
			  "operand in runtime.gcMarkTermination", GO_MEMSTATS_NUMGC, see_memstats },
	[GO_SCHED] = { "runtime.sched", NULL, "runtime.newproc1", "operand in runtime.newproc1",
		       GO_SCHED_NGSYS, see_sched },
	[GO_GC_CONTROLLER] = { "runtime.gcController", NULL, "runtime.gcStart",
			       "operand in runtime.gcStart", NO_FIELD, see_gc_controller },
	[GO_ALLGLEN] = { "runtime.allglen", NULL, "runtime.allgadd", "operand in runtime.allgadd",
			 NO_FIELD, see_allglen },
	[GO_ALLGS] = { "runtime.allgptr", "runtime.allgs", "runtime.allgadd",
		       "operand in runtime.allgadd", NO_FIELD, see_allgs },
	[GO_ALLP] = { "runtime.allp", NULL, "runtime.preemptall", "operand in runtime.preemptall",
		      NO_FIELD, see_allp },
	[GO_INIT_TIME] = { "runtime.runtimeInitTime", NULL, "runtime.gcMarkTermination",
			   "operand in runtime.gcMarkTermination", NO_FIELD, see_init_time },
};

const char *go_global_name(enum go_global which)
{
	return (size_t)which < ARRAY_SIZE(globals) ? globals[which].symbol : "unknown";
}

/* Believed only where the runtime's variables are. */
static int check_in_data(const struct gobin *bin, const struct global *global, u64 addr,
			 struct err *err)
{
	u64 start, end;

	if (gobin_data_range(bin, &start, &end))
		return err_set(err, -EBADMSG, "%s: the range of the data is not known",
			       global->symbol);
	if (addr < start || addr >= end)
		return err_set(err, -EBADMSG, "%s: %#llx is outside the data %#llx-%#llx",
			       global->symbol, addr, start, end);
	return 0;
}

static int field_offset(const struct gobin *bin, enum go_field field, u64 *ret, struct err *err)
{
	struct goversion version = go_table_version(gobin_info(bin));
	struct go_offset offset;
	int rc;

	if (field == NO_FIELD) {
		*ret = 0;
		return 0;
	}
	rc = go_field_offset(&version, field, &offset);
	if (rc)
		return err_set(err, rc, "offset of %s is not known for %s", go_field_name(field),
			       gobin_info(bin)->version_text);
	*ret = offset.offset;
	return 0;
}

/* What the pattern of some globals needs to know beforehand. */
static int prepare(const struct gobin *bin, enum go_global which, struct mining *m, struct err *err)
{
	const char *start_cycle = "runtime.(*gcControllerState).startCycle";
	struct go_global_place work;
	struct gobin_func func;
	u64 offset;
	int rc;

	switch (which) {
	case GO_GC_CONTROLLER:
		if (gobin_func_by_name(bin, start_cycle, &func))
			return err_set(err, -ENOENT, "no function %s", start_cycle);
		m->call_target = func.addr;
		return 0;
	case GO_INIT_TIME:
		rc = go_global_mine(bin, GO_WORK, &work, err);
		if (rc == 0)
			rc = field_offset(bin, GO_WORK_T_SWEEP_TERM, &offset, err);
		if (rc == 0)
			m->sweep_term = work.addr + offset;
		return rc;
	default:
		return 0;
	}
}

/* Shows every instruction of the global's function to its pattern. */
static int mine(const struct gobin *bin, const struct global *global, struct mining *m,
		struct err *err)
{
	struct gobin_func func;
	struct insn_walk walk;
	struct bytes code;
	struct insn insn;
	int rc;

	if (gobin_func_by_name(bin, global->function, &func))
		return err_set(err, -ENOENT, "%s: no function %s", global->symbol,
			       global->function);
	code = gobin_bytes(bin, func.addr, MIN(func.size, MAX_FUNC_BYTES));
	if (!code.data)
		return err_set(err, -EBADMSG, "%s: the file has not all code of %s", global->symbol,
			       global->function);
	walk = insn_walk_at(code, func.addr);
	while ((rc = insn_next(&walk, &insn)) == 1)
		global->see(m, &insn);
	if (rc)
		return err_set(err, -EBADMSG, "%s: no instruction at %s+%#zx", global->symbol,
			       global->function, walk.pos);
	/* Two places that look alike: which of them is meant would be a guess. */
	if (m->matches != 1 || m->found == 0)
		return err_set(err, -ENOENT, "%s: %s has its pattern %u times, not once",
			       global->symbol, global->function, m->matches);
	return 0;
}

int go_global_mine(const struct gobin *bin, enum go_global which, struct go_global_place *ret,
		   struct err *err)
{
	const struct global *global = &globals[which];
	struct mining m = { 0 };
	u64 offset;
	int rc;

	rc = field_offset(bin, global->field, &offset, err);
	if (rc == 0)
		rc = prepare(bin, which, &m, err);
	if (rc == 0)
		rc = mine(bin, global, &m, err);
	if (rc == 0)
		rc = check_in_data(bin, global, m.found - offset, err);
	if (rc)
		return rc;
	*ret = (struct go_global_place) { .addr = m.found - offset, .how = global->how };
	return 0;
}

int gobin_global(const struct gobin *bin, enum go_global which, struct go_global_place *ret,
		 struct err *err)
{
	const struct global *global = &globals[which];
	u64 addr, size;
	int rc;

	if (gobin_symbol(bin, global->symbol, &addr, &size) &&
	    (!global->old_symbol || gobin_symbol(bin, global->old_symbol, &addr, &size)))
		return go_global_mine(bin, which, ret, err);
	rc = check_in_data(bin, global, addr, err);
	if (rc)
		return rc;
	*ret = (struct go_global_place) { .addr = addr, .how = "symbol" };
	return 0;
}
