/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/derive.h"

#include <errno.h>
#include <stdint.h>

#include "gobin/derive_flow.h"

enum {
	WORDS_MAX = 32,
	CYCLE_TIMES = 4, /* tSweepTerm, tMark, tMarkTerm, tEnd: one after the other in work */
	CPU_TIMES = 4,	 /* assistTime, dedicated-, fractional-, idleMarkTime, in gcController */
	MB_SHIFT = 20,
	HEAPS_MIN = 4, /* printed in MB: heap0, heap1, heap2, goal; from 1.18 on stacks, globals */
	HEAPS_MAX = 6,
	PAUSES = 256, /* of memstats.pause_ns and pause_end, each a u64 */
};

/*
 * What runtime.gcMarkTermination (runtime/mgc.go) says on the way to the line of gctrace. Steps
 * that must follow each other are counted: the line begins at `gc_cpu_fraction * 100.0`.
 */
struct line {
	u64 cpu_fraction; /* operand of the mulsd */
	unsigned int fractions;
	u64 numgc;	      /* the first number printed */
	u64 time0, init;      /* work.tSweepTerm - runtimeInitTime */
	unsigned int times;   /* of CYCLE_TIMES seen, in their order */
	u64 words[WORDS_MAX]; /* 8-byte words read behind the times */
	size_t word_count;
	u64 heaps[HEAPS_MAX]; /* in the order of printing */
	size_t heap_count;
	bool heaps_overflow;
	u64 procs[WORDS_MAX]; /* 4-byte words read anywhere in the function */
	size_t proc_count;
	u64 maxprocs, forced;
	u64 added[WORDS_MAX]; /* words that something was added to */
	size_t added_count;
	u64 pause_ns, pause_total;
	unsigned int pause_totals;
	u64 arrays[WORDS_MAX]; /* addresses taken: pause_ns and pause_end are indexed */
	size_t array_count;
};

static bool has(const u64 *list, size_t n, u64 word)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == word)
			return true;
	return false;
}

static void add_once(u64 *list, size_t *n, u64 word)
{
	if (*n < WORDS_MAX && !has(list, *n, word))
		list[(*n)++] = word;
}

static bool is_word(const struct flow_value *v, u8 bytes, u8 shift)
{
	return v->root == FLOW_WORD && v->depth == 0 && v->add == 0 && v->shift == shift &&
	       v->bytes == bytes;
}

/* work.pauseNS += …, later memstats.pause_total_ns += uint64(work.pauseNS). */
static void see_add(struct line *l, const struct flow_step *step)
{
	const struct insn_operands *ops = step->ops;
	struct flow_value addr = flow_address(step->flow, &ops->dst);
	struct flow_value value = flow_read(step->flow, &ops->src);

	if (addr.root != FLOW_ADDR || ops->dst.bytes != 8)
		return;
	if (is_word(&value, 8, 0) && has(l->added, l->added_count, value.id)) {
		l->pause_ns = value.id;
		l->pause_total = addr.id;
		l->pause_totals++;
	}
	add_once(l->added, &l->added_count, addr.id);
}

static void see_times(struct line *l, const struct flow_step *step)
{
	const struct insn_operands *ops = step->ops;
	struct flow_value word = flow_read(step->flow, &ops->src);
	struct flow_value from = flow_read(step->flow, &ops->dst);

	if (!is_word(&word, 8, 0))
		return;
	if (ops->op == OP_SUB && !l->time0 && is_word(&from, 8, 0)) {
		l->time0 = from.id;
		l->init = word.id;
	} else if (ops->op == OP_MOV && l->time0 && l->times < CYCLE_TIMES) {
		l->times += word.id == l->time0 + 8ull * l->times;
	} else if (l->times == CYCLE_TIMES && !l->maxprocs &&
		   (ops->op == OP_MOV || ops->op == OP_ADD)) {
		add_once(l->words, &l->word_count, word.id);
	}
}

static void see_print(struct line *l, const struct flow_step *step)
{
	struct flow_value value = flow_call_arg(step->flow);
	bool is_unsigned = flow_calls(step, "runtime.printuint");

	if (!is_unsigned && !flow_calls(step, "runtime.printint"))
		return;
	if (is_unsigned && is_word(&value, 4, 0) && !l->numgc)
		l->numgc = value.id;
	else if (is_unsigned && is_word(&value, 8, MB_SHIFT) && l->heap_count < HEAPS_MAX)
		l->heaps[l->heap_count++] = value.id;
	else if (is_unsigned && is_word(&value, 8, MB_SHIFT))
		l->heaps_overflow = true;
	else if (!is_unsigned && is_word(&value, 4, 0) && l->heap_count >= HEAPS_MIN &&
		 !l->maxprocs)
		l->maxprocs = value.id;
}

/* if work.userForced { print(" (forced)") } comes last. */
static void see_forced(struct line *l, const struct insn_operands *ops)
{
	if (l->maxprocs && !l->forced && ops->dst.kind == OPERAND_MEM && ops->dst.bytes == 1 &&
	    ops->dst.base == BASE_RIP && ops->src.kind == OPERAND_IMM && ops->src.value == 0)
		l->forced = (u64)ops->dst.value;
}

static void see_line(void *arg, const struct flow_step *step)
{
	struct line *l = arg;
	const struct insn_operands *ops = step->ops;
	struct flow_value addr = flow_address(step->flow, &ops->src);

	if (ops->op == OP_MULSD && addr.root) {
		l->cpu_fraction = addr.id;
		l->fractions++;
	}
	if (ops->op == OP_ADD && ops->dst.kind == OPERAND_MEM)
		see_add(l, step);
	if (ops->op == OP_MOV && ops->src.kind == OPERAND_MEM && ops->src.bytes == 4 && addr.root)
		add_once(l->procs, &l->proc_count, addr.id);
	if (ops->op == OP_LEA && addr.root && !l->fractions)
		add_once(l->arrays, &l->array_count, addr.id);
	if (!l->fractions)
		return;
	if (step->insn->kind == INSN_CALL)
		see_print(l, step);
	else if (ops->op == OP_CMP)
		see_forced(l, ops);
	else if (ops->src.kind == OPERAND_MEM)
		see_times(l, step);
}

static void set_word(const struct gobin *bin, struct go_layout *ret, enum wire_gc_word word,
		     u64 addr, u32 size, const char *how)
{
	u64 start, end;

	if (!addr) {
		err_set(&ret->word_why[word], -ENOENT,
			"the code of runtime.gcMarkTermination or runtime.gcStart that tells it is "
			"not as expected");
		return;
	}
	if (gobin_data_range(bin, &start, &end) || addr < start || addr >= end ||
	    end - addr < size) {
		err_set(&ret->word_why[word], -EBADMSG, "%#llx is outside the data", addr);
		return;
	}
	ret->gc[word] =
		(struct go_word) { .addr = addr, .size = size, .how = how, .derived = true };
}

static const char line_how[] = "derived from runtime.gcMarkTermination";

static void set_times(const struct gobin *bin, struct go_layout *ret, const struct line *l)
{
	bool all = l->times == CYCLE_TIMES;

	for (unsigned int i = 0; i < CYCLE_TIMES; i++)
		set_word(bin, ret, WIRE_GC_T_SWEEP_TERM + i, all ? l->time0 + 8ull * i : 0, 8,
			 line_how);
	set_word(bin, ret, WIRE_GC_INIT_TIME, all ? l->init : 0, 8, line_how);
	if (ret->gc[WIRE_GC_INIT_TIME].how)
		ret->global[GO_INIT_TIME] = (struct go_global_place) { l->init, line_how };
}

/* Of the words read for the line, those that are neither times nor heaps: four in a row. */
static void set_cpu(const struct gobin *bin, struct go_layout *ret, const struct line *l)
{
	u64 first = UINT64_MAX, last = 0;
	size_t n = 0;

	for (size_t i = 0; i < l->word_count; i++) {
		u64 word = l->words[i];

		if (word - l->time0 < 8 * CYCLE_TIMES || has(l->heaps, l->heap_count, word))
			continue;
		first = MIN(first, word);
		last = MAX(last, word);
		n++;
	}
	if (n != CPU_TIMES || last - first != 8 * (CPU_TIMES - 1))
		first = 0;
	for (unsigned int i = 0; i < CPU_TIMES; i++)
		set_word(bin, ret, WIRE_GC_ASSIST_NS + i, first ? first + 8ull * i : 0, 8,
			 line_how);
}

static void set_heaps(const struct gobin *bin, struct go_layout *ret, const struct line *l)
{
	static const enum wire_gc_word words[HEAPS_MAX] = {
		WIRE_GC_HEAP0,	   WIRE_GC_HEAP1,      WIRE_GC_HEAP2,
		WIRE_GC_HEAP_GOAL, WIRE_GC_STACK_SCAN, WIRE_GC_GLOBALS_SCAN,
	};
	bool has_scan = go_prints_scan(&gobin_info(bin)->version);
	size_t want = has_scan ? HEAPS_MAX : HEAPS_MIN;
	bool right = l->heap_count == want && !l->heaps_overflow &&
		     l->heaps[1] == l->heaps[0] + 8 && l->heaps[2] == l->heaps[0] + 16;

	for (size_t i = 0; i < want; i++)
		set_word(bin, ret, words[i], right ? l->heaps[i] : 0, 8, line_how);
}

/* pause_total_ns, pause_ns[256], pause_end[256] and numgc follow each other in mstats. */
static void set_memstats(struct go_layout *ret, const struct line *l)
{
	const struct {
		enum go_field field;
		u32 offset, size;
	} rows[] = {
		{ GO_MEMSTATS_PAUSE_TOTAL_NS, 0, 8 },
		{ GO_MEMSTATS_PAUSE_NS, 8, 8 * PAUSES },
		{ GO_MEMSTATS_PAUSE_END, 8 + 8 * PAUSES, 8 * PAUSES },
		{ GO_MEMSTATS_NUMGC, 8 + 16 * PAUSES, 4 },
	};
	u64 base = l->pause_total;
	bool right = ret->gc[WIRE_GC_PAUSE_TOTAL_NS].how && ret->gc[WIRE_GC_NUMGC].how &&
		     l->numgc == base + 8 + 16 * PAUSES &&
		     has(l->arrays, l->array_count, base + 8) &&
		     has(l->arrays, l->array_count, base + 8 + 8 * PAUSES);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!right)
			err_set(&ret->field_why[rows[i].field], -ENOENT,
				"the end of a cycle does not write memstats as expected");
		else
			ret->field[rows[i].field] =
				(struct go_offset) { rows[i].offset, rows[i].size, line_how, true,
						     NULL };
	}
	if (right)
		ret->global[GO_MEMSTATS] = (struct go_global_place) { base, line_how };
}

static void set_line(const struct gobin *bin, struct go_layout *ret, const struct line *l)
{
	u64 stwprocs = l->maxprocs - 4; /* its neighbour, read for the CPU times */
	bool once = l->pause_totals == 1;

	set_word(bin, ret, WIRE_GC_NUMGC, l->numgc, 4, line_how);
	set_word(bin, ret, WIRE_GC_CPU_FRACTION, l->fractions == 1 ? l->cpu_fraction : 0, 8,
		 line_how);
	set_word(bin, ret, WIRE_GC_PAUSE_TOTAL_NS, once ? l->pause_total : 0, 8, line_how);
	set_word(bin, ret, WIRE_GC_PAUSE_NS, once ? l->pause_ns : 0, 8, line_how);
	set_word(bin, ret, WIRE_GC_MAXPROCS, l->maxprocs, 4, line_how);
	set_word(bin, ret, WIRE_GC_STWPROCS, has(l->procs, l->proc_count, stwprocs) ? stwprocs : 0,
		 4, line_how);
	set_word(bin, ret, WIRE_GC_USER_FORCED, l->forced, 1, line_how);
	set_times(bin, ret, l);
	set_cpu(bin, ret, l);
	set_heaps(bin, ret, l);
	set_memstats(ret, l);
}

/* gcStart: work.heap0 = heapLive; up to 1.18 also work.heapGoal = the goal. */
struct start {
	u64 heap0, goal; /* where it is stored */
	u64 live, next;	 /* what is stored */
};

static void see_start(void *arg, const struct flow_step *step)
{
	struct start *s = arg;
	const struct insn_operands *ops = step->ops;
	struct flow_value addr = flow_address(step->flow, &ops->dst);
	struct flow_value value = flow_read(step->flow, &ops->src);

	if (ops->op != OP_MOV || !addr.root || !is_word(&value, 8, 0))
		return;
	if (addr.id == s->heap0)
		s->live = value.id;
	else if (addr.id == s->goal)
		s->next = value.id;
}

/* From 1.19 on: heapGoalInternal begins with goal = c.gcPercentHeapGoal.Load(). */
struct goal {
	bool seen;
	s64 offset;
};

static void see_goal(void *arg, const struct flow_step *step)
{
	struct goal *goal = arg;
	struct flow_value base = flow_base(step->flow, &step->ops->src);

	if (goal->seen || step->ops->op != OP_MOV || base.root != FLOW_ARG || base.id != 0 ||
	    base.depth || step->ops->src.bytes != 8)
		return;
	goal->seen = true;
	goal->offset = step->ops->src.value + base.add;
}

static u64 next_goal(const struct gobin *bin, const struct start *start)
{
	struct goal goal = { 0 };
	struct go_global_place controller;

	if (start->next)
		return start->next;
	if (go_global_mine(bin, GO_GC_CONTROLLER, &controller, NULL) ||
	    flow_walk(bin, "runtime.(*gcControllerState).heapGoalInternal", see_goal, &goal,
		      NULL) ||
	    !goal.seen)
		return 0;
	return controller.addr + (u64)goal.offset;
}

/* From 1.26 on gcMarkDone asks work.goroutineLeak.enabled and then .done, the byte behind it. */
struct leak_check {
	u64 last, done; /* addresses of bytes compared with 0 */
	unsigned int matches;
};

static void see_leak_check(void *arg, const struct flow_step *step)
{
	struct leak_check *check = arg;
	const struct insn_operands *ops = step->ops;
	u64 addr;

	if (ops->op != OP_CMP || ops->dst.kind != OPERAND_MEM || ops->dst.bytes != 1 ||
	    ops->dst.base != BASE_RIP || ops->src.kind != OPERAND_IMM || ops->src.value != 0)
		return;
	addr = (u64)ops->dst.value;
	if (check->last && addr == check->last + 1) {
		check->done = addr;
		check->matches++;
	}
	check->last = addr;
}

static void derive_leak_check(const struct gobin *bin, struct go_layout *ret)
{
	struct leak_check check = { 0 };
	struct err *why = &ret->word_why[WIRE_GC_LEAK_CHECK];
	struct gobin_func find_leaks;

	if (!go_checks_leaks(&gobin_info(bin)->version) ||
	    flow_walk(bin, "runtime.gcMarkDone", see_leak_check, &check, why))
		return;
	if (check.matches == 1)
		set_word(bin, ret, WIRE_GC_LEAK_CHECK, check.done, 1,
			 "derived from runtime.gcMarkDone");
	else if (!check.matches &&
		 gobin_func_by_name(bin, "runtime.findGoroutineLeaks", &find_leaks))
		ret->gc_wanted[WIRE_GC_LEAK_CHECK] = false; /* this runtime looks for none */
	else
		err_set(why, -ENOENT, "runtime.gcMarkDone asks for it in %u places, not one",
			check.matches);
}

void derive_gc_words(const struct gobin *bin, struct go_layout *ret)
{
	struct line line = { 0 };
	struct start start = { 0 };
	struct err why;

	if (flow_walk(bin, "runtime.gcMarkTermination", see_line, &line, &why)) {
		for (int i = 0; i < WIRE_GC_WORDS; i++)
			ret->word_why[i] = why;
		return;
	}
	set_line(bin, ret, &line);
	derive_leak_check(bin, ret);
	start.heap0 = ret->gc[WIRE_GC_HEAP0].addr;
	start.goal = ret->gc[WIRE_GC_HEAP_GOAL].addr;
	if (start.heap0)
		(void)flow_walk(bin, "runtime.gcStart", see_start, &start, NULL);
	set_word(bin, ret, WIRE_GC_HEAP_LIVE, start.live, 8, "derived from runtime.gcStart");
	set_word(bin, ret, WIRE_GC_NEXT_GOAL, start.heap0 ? next_goal(bin, &start) : 0, 8,
		 start.next ? "derived from runtime.gcStart"
			    : "derived from runtime.heapGoalInternal");
}
