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

static int global_addr(const struct go_process *p, enum go_global var, u64 *ret, struct err *err)
{
	struct go_global_place place;
	int rc = gobin_global(p->bin, var, &place, err);

	if (!rc)
		*ret = place.addr + p->bias;
	return rc;
}

static int add_count(const struct go_process *p, enum go_field field, struct go_goroutine_words *w,
		     struct err *err)
{
	u32 size;
	u64 addr;
	int rc = field_addr(p, GO_SCHED, field, &addr, &size, err);

	if (rc)
		return rc;
	if (size != sizeof(u32))
		return err_set(err, -EBADMSG, "%s has %u bytes", go_field_name(field), size);
	w->counts[w->count_len++] = addr;
	return 0;
}

/* The scheduler keeps one list of goroutines for reuse up to Go 1.24, two after. */
static int find_words(const struct go_process *p, struct go_goroutine_words *w, struct err *err)
{
	const struct goversion *version = &gobin_info(p->bin)->version;
	struct go_offset off;
	int rc = go_field_offset(version, GO_P_GFREE_N, &off);

	if (rc)
		return err_set(err, rc, "%s has no known offset in %s", go_field_name(GO_P_GFREE_N),
			       gobin_info(p->bin)->version_text);
	w->p_free = off.offset;
	rc = global_addr(p, GO_ALLGLEN, &w->allglen, err);
	if (!rc)
		rc = global_addr(p, GO_ALLP, &w->allp, err);
	if (!rc)
		rc = add_count(p, GO_SCHED_NGSYS, w, err);
	if (!rc && !go_field_offset(version, GO_SCHED_GFREE_N, &off))
		return add_count(p, GO_SCHED_GFREE_N, w, err);
	if (!rc)
		rc = add_count(p, GO_SCHED_GFREE_STACK, w, err);
	if (!rc)
		rc = add_count(p, GO_SCHED_GFREE_NOSTACK, w, err);
	return rc;
}

static int read_word(const struct go_process *p, u64 addr, void *ret, size_t size, struct err *err)
{
	int rc = p->mem.read(p->mem.arg, addr, ret, size);

	return rc ? err_set(err, rc, "can't read the target at %#llx", addr) : 0;
}

/* The lists of goroutines for reuse that each P has. */
static int read_p_free(const struct go_process *p, const struct go_goroutine_words *w, s64 *ret,
		       struct err *err)
{
	struct {
		u64 array, len;
	} allp;
	s64 sum = 0;
	int rc = read_word(p, w->allp, &allp, sizeof(allp), err);

	if (rc)
		return rc;
	if (allp.len > MAX_PROCS)
		return err_set(err, -EBADMSG, "allp has %llu entries", allp.len);
	for (u64 i = 0; i < allp.len && !rc; i++) {
		u64 one = 0;
		s32 n = 0;

		rc = read_word(p, allp.array + i * sizeof(one), &one, sizeof(one), err);
		if (!rc)
			rc = read_word(p, one + w->p_free, &n, sizeof(n), err);
		sum += n;
	}
	if (!rc)
		*ret = sum;
	return rc;
}

int go_goroutine_words(const struct go_process *p, struct go_goroutine_words *ret, struct err *err)
{
	struct go_goroutine_words words = { 0 };
	int rc = find_words(p, &words, err);

	if (!rc)
		*ret = words;
	return rc;
}

int go_goroutine_count(const struct go_process *p, const struct go_goroutine_words *w, s64 *ret,
		       struct err *err)
{
	s64 live, p_free = 0;
	u64 all = 0;
	int rc = read_word(p, w->allglen, &all, sizeof(all), err);

	live = (s64)all;
	for (size_t i = 0; i < w->count_len && !rc; i++) {
		s32 n = 0;

		rc = read_word(p, w->counts[i], &n, sizeof(n), err);
		live -= n;
	}
	if (!rc)
		rc = read_p_free(p, w, &p_free, err);
	if (rc)
		return rc;
	*ret = MAX(live - p_free, 1);
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
