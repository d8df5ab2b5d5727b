/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/live.h"

#include <errno.h>

#include "gobin/globals.h"
#include "gobin/offsets.h"

enum { MAX_PROCS = 4096 }; /* far above any GOMAXPROCS; the length comes from the target */

/* Run-time address of a field of a variable. */
static int field_addr(const struct go_process *p, enum go_global var, enum go_field field, u64 *ret,
		      u32 *ret_size, struct err *err)
{
	const struct goversion *version = &gobin_info(p->bin)->version;
	struct go_global_place place;
	struct go_offset off;
	int rc = go_field_offset(version, field, &off);

	if (rc)
		return err_set(err, rc, "%s has no known offset in %s", go_field_name(field),
			       gobin_info(p->bin)->version_text);
	rc = gobin_global(p->bin, var, &place, err);
	if (rc)
		return rc;
	*ret = place.addr + off.offset + p->bias;
	*ret_size = off.size;
	return 0;
}

static int read_u32_field(const struct go_process *p, enum go_global var, enum go_field field,
			  u32 *ret, struct err *err)
{
	u32 size;
	u64 addr;
	int rc = field_addr(p, var, field, &addr, &size, err);

	if (rc)
		return rc;
	if (size != sizeof(*ret))
		return err_set(err, -EBADMSG, "%s has %u bytes", go_field_name(field), size);
	rc = p->mem.read(p->mem.arg, addr, ret, sizeof(*ret));
	return rc ? err_set(err, rc, "can't read %s at %#llx", go_field_name(field), addr) : 0;
}

static int read_u64_global(const struct go_process *p, enum go_global var, u64 skip, u64 *ret,
			   struct err *err)
{
	struct go_global_place place;
	int rc = gobin_global(p->bin, var, &place, err);

	if (rc)
		return rc;
	rc = p->mem.read(p->mem.arg, place.addr + p->bias + skip, ret, sizeof(*ret));
	return rc ? err_set(err, rc, "can't read the target at %#llx", place.addr + p->bias + skip)
		  : 0;
}

/* The goroutines that the scheduler keeps for reuse: one list up to Go 1.24, two after. */
static int read_sched_free(const struct go_process *p, u32 *ret, struct err *err)
{
	struct go_offset off;
	u32 stack, nostack;
	int rc;

	if (!go_field_offset(&gobin_info(p->bin)->version, GO_SCHED_GFREE_N, &off))
		return read_u32_field(p, GO_SCHED, GO_SCHED_GFREE_N, ret, err);
	rc = read_u32_field(p, GO_SCHED, GO_SCHED_GFREE_STACK, &stack, err);
	if (!rc)
		rc = read_u32_field(p, GO_SCHED, GO_SCHED_GFREE_NOSTACK, &nostack, err);
	if (!rc)
		*ret = stack + nostack;
	return rc;
}

/* The same lists of each P. */
static int read_p_free(const struct go_process *p, s64 *ret, struct err *err)
{
	struct go_offset off;
	u64 array, len, one;
	s64 sum = 0;
	int rc = read_u64_global(p, GO_ALLP, 0, &array, err);

	if (!rc)
		rc = read_u64_global(p, GO_ALLP, sizeof(u64), &len, err);
	if (rc)
		return rc;
	rc = go_field_offset(&gobin_info(p->bin)->version, GO_P_GFREE_N, &off);
	if (rc)
		return err_set(err, rc, "%s has no known offset", go_field_name(GO_P_GFREE_N));
	if (len > MAX_PROCS)
		return err_set(err, -EBADMSG, "allp has %llu entries", len);
	for (u64 i = 0; i < len && !rc; i++) {
		s32 n = 0;

		rc = p->mem.read(p->mem.arg, array + i * sizeof(one), &one, sizeof(one));
		if (!rc)
			rc = p->mem.read(p->mem.arg, one + off.offset, &n, sizeof(n));
		sum += n;
	}
	if (rc)
		return err_set(err, rc, "can't read the list of Ps");
	*ret = sum;
	return 0;
}

int go_goroutine_count(const struct go_process *p, s64 *ret, struct err *err)
{
	u32 system, sched_free;
	s64 p_free = 0, live;
	u64 all;
	int rc = read_u64_global(p, GO_ALLGLEN, 0, &all, err);

	if (!rc)
		rc = read_u32_field(p, GO_SCHED, GO_SCHED_NGSYS, &system, err);
	if (!rc)
		rc = read_sched_free(p, &sched_free, err);
	if (!rc)
		rc = read_p_free(p, &p_free, err);
	if (rc)
		return rc;
	live = (s64)all - (s32)sched_free - (s32)system - p_free;
	*ret = live < 1 ? 1 : live;
	return 0;
}

static const struct {
	enum go_global var;
	enum go_field field;
} gc_words[WIRE_GC_WORDS] = {
	[WIRE_GC_NUMGC] = { GO_MEMSTATS, GO_MEMSTATS_NUMGC },
	[WIRE_GC_CPU_FRACTION] = { GO_MEMSTATS, GO_MEMSTATS_GC_CPU_FRACTION },
	[WIRE_GC_PAUSE_TOTAL_NS] = { GO_MEMSTATS, GO_MEMSTATS_PAUSE_TOTAL_NS },
	[WIRE_GC_USER_FORCED] = { GO_WORK, GO_WORK_USER_FORCED },
	[WIRE_GC_STWPROCS] = { GO_WORK, GO_WORK_STWPROCS },
	[WIRE_GC_MAXPROCS] = { GO_WORK, GO_WORK_MAXPROCS },
	[WIRE_GC_T_SWEEP_TERM] = { GO_WORK, GO_WORK_T_SWEEP_TERM },
	[WIRE_GC_T_MARK] = { GO_WORK, GO_WORK_T_MARK },
	[WIRE_GC_T_MARK_TERM] = { GO_WORK, GO_WORK_T_MARK_TERM },
	[WIRE_GC_T_END] = { GO_WORK, GO_WORK_T_END },
	[WIRE_GC_PAUSE_NS] = { GO_WORK, GO_WORK_PAUSE_NS },
	[WIRE_GC_HEAP0] = { GO_WORK, GO_WORK_HEAP0 },
	[WIRE_GC_HEAP1] = { GO_WORK, GO_WORK_HEAP1 },
	[WIRE_GC_HEAP2] = { GO_WORK, GO_WORK_HEAP2 },
	[WIRE_GC_HEAP_GOAL] = { GO_GC_CONTROLLER, GO_GCC_LAST_HEAP_GOAL },
	[WIRE_GC_STACK_SCAN] = { GO_GC_CONTROLLER, GO_GCC_LAST_STACK_SCAN },
	[WIRE_GC_GLOBALS_SCAN] = { GO_GC_CONTROLLER, GO_GCC_GLOBALS_SCAN },
	[WIRE_GC_ASSIST_NS] = { GO_GC_CONTROLLER, GO_GCC_ASSIST_TIME },
	[WIRE_GC_DEDICATED_NS] = { GO_GC_CONTROLLER, GO_GCC_DEDICATED_MARK_TIME },
	[WIRE_GC_FRACTIONAL_NS] = { GO_GC_CONTROLLER, GO_GCC_FRACTIONAL_MARK_TIME },
	[WIRE_GC_IDLE_NS] = { GO_GC_CONTROLLER, GO_GCC_IDLE_MARK_TIME },
	[WIRE_GC_HEAP_LIVE] = { GO_GC_CONTROLLER, GO_GCC_HEAP_LIVE },
	[WIRE_GC_NEXT_GOAL] = { GO_GC_CONTROLLER, GO_GCC_PERCENT_HEAP_GOAL },
};

/* Go 1.18 and 1.19 print maxStackScan as the line's "MB stacks", later ones lastStackScan
 * (runtime/mgc.go: gcMarkTermination). */
static enum go_field gc_word_field(const struct goversion *version, int word)
{
	return word == WIRE_GC_STACK_SCAN && version->minor <= 19 ? GO_GCC_MAX_STACK_SCAN
								  : gc_words[word].field;
}

int go_gc_sources(const struct go_process *p, struct wire_gc_source ret[static WIRE_GC_WORDS],
		  struct err *err)
{
	const struct goversion *version = &gobin_info(p->bin)->version;
	struct go_global_place init_time;
	int first = 0;

	for (int i = 0; i < WIRE_GC_WORDS; i++) {
		int rc;

		ret[i] = (struct wire_gc_source) { 0 };
		if (i == WIRE_GC_INIT_TIME)
			continue;
		rc = field_addr(p, gc_words[i].var, gc_word_field(version, i), &ret[i].addr,
				&ret[i].size, first ? NULL : err);
		if (rc && !first)
			first = rc;
	}
	if (!gobin_global(p->bin, GO_INIT_TIME, &init_time, first ? NULL : err))
		ret[WIRE_GC_INIT_TIME] =
			(struct wire_gc_source) { .addr = init_time.addr + p->bias, .size = 8 };
	return first;
}

int go_gc_word(const struct go_process *p, const struct wire_gc_source *source, u64 *ret)
{
	u64 word = 0;
	int rc;

	if (source->size != 1 && source->size != 4 && source->size != 8)
		return -ENOENT;
	rc = p->mem.read(p->mem.arg, source->addr, &word, source->size);
	if (!rc)
		*ret = word;
	return rc;
}
