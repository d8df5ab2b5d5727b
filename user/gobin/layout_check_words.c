/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "gobin/layout_check_priv.h"

enum {
	TRIES = 4,
	PROCS_MAX = 1 << 16, /* far above any GOMAXPROCS */
	CYCLE_TIMES = 4,
};

#define ADDRESS_SPACE (1ull << 47) /* no heap is larger */
#define A_YEAR_NS     (366ull * 86400 * 1000000000)

struct words {
	u64 value[WIRE_GC_WORDS];
	bool known[WIRE_GC_WORDS];
};

static int read_words(const struct go_process *p, const struct go_layout *layout, struct words *ret,
		      struct err *err)
{
	int rc = 0;

	*ret = (struct words) { 0 };
	for (int i = 0; i < WIRE_GC_WORDS && !rc; i++) {
		const struct go_word *word = &layout->gc[i];

		ret->known[i] = word->how && word->size <= sizeof(u64);
		if (ret->known[i])
			rc = check_read(p, word->addr + p->bias, &ret->value[i], word->size);
	}
	return rc ? err_set(err, rc, "can't read the target's GC figures") : 0;
}

static bool has_cycles(const struct words *w)
{
	return w->value[WIRE_GC_NUMGC] > 0;
}

/* What is plausible for each word alone; min holds once there was a cycle. */
static const struct {
	enum wire_gc_word word;
	u64 min, max;
} ranges[] = {
	{ WIRE_GC_NUMGC, 0, UINT32_MAX },
	{ WIRE_GC_PAUSE_TOTAL_NS, 1, A_YEAR_NS },
	{ WIRE_GC_USER_FORCED, 0, 1 },
	{ WIRE_GC_STWPROCS, 1, PROCS_MAX },
	{ WIRE_GC_MAXPROCS, 1, PROCS_MAX },
	{ WIRE_GC_PAUSE_NS, 0, A_YEAR_NS },
	{ WIRE_GC_HEAP0, 1, ADDRESS_SPACE },
	{ WIRE_GC_HEAP1, 1, ADDRESS_SPACE },
	{ WIRE_GC_HEAP2, 1, ADDRESS_SPACE },
	{ WIRE_GC_HEAP_GOAL, 1, UINT64_MAX }, /* GOGC=off: the largest number */
	{ WIRE_GC_STACK_SCAN, 0, ADDRESS_SPACE },
	{ WIRE_GC_GLOBALS_SCAN, 0, ADDRESS_SPACE },
	{ WIRE_GC_ASSIST_NS, 0, A_YEAR_NS },
	{ WIRE_GC_DEDICATED_NS, 0, A_YEAR_NS },
	{ WIRE_GC_FRACTIONAL_NS, 0, A_YEAR_NS },
	{ WIRE_GC_IDLE_NS, 0, A_YEAR_NS },
	{ WIRE_GC_HEAP_LIVE, 1, ADDRESS_SPACE },
	{ WIRE_GC_NEXT_GOAL, 1, UINT64_MAX },
	{ WIRE_GC_INIT_TIME, 1, UINT64_MAX >> 1 },
	{ WIRE_GC_LEAK_CHECK, 0, 1 },
};

static const char *check_range(const struct words *w, enum wire_gc_word word)
{
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		u64 value = w->value[word];

		if (ranges[i].word != word)
			continue;
		if (value > ranges[i].max)
			return "its value is impossibly large";
		return has_cycles(w) && value < ranges[i].min ? "it is 0 after a cycle" : NULL;
	}
	return NULL;
}

/*
 * The four times of a cycle follow each other; while one runs, those that it has not reached yet
 * are of the one before, so one step down is right, a second is not.
 */
static const char *check_times(const struct words *w)
{
	const u64 *time = &w->value[WIRE_GC_T_SWEEP_TERM];
	unsigned int down = 0;

	for (unsigned int i = 0; i < CYCLE_TIMES; i++) {
		down += time[i] > time[(i + 1) % CYCLE_TIMES];
		if (has_cycles(w) && (time[i] < w->value[WIRE_GC_INIT_TIME] ||
				      time[i] - w->value[WIRE_GC_INIT_TIME] > 100 * A_YEAR_NS))
			return "a cycle was before the program began";
	}
	return down > 1 ? "the times of a cycle don't follow each other" : NULL;
}

static const char *check_fraction(const struct words *w)
{
	double fraction;

	memcpy(&fraction, &w->value[WIRE_GC_CPU_FRACTION], sizeof(fraction));
	return fraction >= 0 && fraction <= 1 ? NULL : "it is no fraction";
}

static const char *check_word(const struct words *w, enum wire_gc_word word)
{
	switch (word) {
	case WIRE_GC_T_SWEEP_TERM:
	case WIRE_GC_T_MARK:
	case WIRE_GC_T_MARK_TERM:
	case WIRE_GC_T_END:
		return check_times(w);
	case WIRE_GC_CPU_FRACTION:
		return check_fraction(w);
	case WIRE_GC_PAUSE_NS:
		if (w->known[WIRE_GC_PAUSE_TOTAL_NS] &&
		    w->value[WIRE_GC_PAUSE_TOTAL_NS] + A_YEAR_NS / 365 < w->value[word])
			return "a cycle's pauses exceed all cycles'";
		return check_range(w, word);
	default:
		return check_range(w, word);
	}
}

static int check_gc_word(const struct go_process *p, struct go_layout *layout, struct words *w,
			 enum wire_gc_word word, struct err *err)
{
	struct go_word *at = &layout->gc[word];
	const char *wrong;
	int rc = 0;

	if (!w->known[word])
		return 0;
	wrong = check_word(w, word);
	for (int i = 0; i < TRIES && wrong && !rc; i++) {
		rc = read_words(p, layout, w, err);
		wrong = check_word(w, word);
	}
	if (rc)
		return rc;
	if (!wrong) {
		at->checked = has_cycles(w) ? "its value fits the last cycle's"
					    : "its value fits that there was no cycle yet";
		return 0;
	}
	err_set(&layout->word_why[word], -EBADMSG, "at %#llx (%s) is wrong in this process: %s",
		at->addr, at->how, wrong);
	*at = (struct go_word) { 0 };
	w->known[word] = false;
	return 0;
}

static bool read_field(const struct go_process *p, const struct go_layout *layout,
		       enum go_global var, enum go_field field, u64 *ret)
{
	const struct go_offset *at = &layout->field[field];

	*ret = 0;
	return at->how && layout->global[var].how && at->size <= sizeof(*ret) &&
	       !check_read(p, layout->global[var].addr + p->bias + at->offset, ret, at->size);
}

/* sched.goidgen is above every goid handed out; the runtime has some goroutines of its own. */
static void check_sched(const struct go_process *p, struct go_layout *layout)
{
	u64 next, system;

	if (read_field(p, layout, GO_SCHED, GO_SCHED_GOIDGEN, &next)) {
		if (next < 2 || next > GOID_MAX)
			check_reject(layout, GO_SCHED_GOIDGEN, "goids are not counted there");
		else
			layout->field[GO_SCHED_GOIDGEN].checked = "its value is a count of goids";
	}
	if (read_field(p, layout, GO_SCHED, GO_SCHED_NGSYS, &system)) {
		if (system < 1 || system > PROCS_MAX)
			check_reject(layout, GO_SCHED_NGSYS,
				     "it does not count the runtime's goroutines");
		else
			layout->field[GO_SCHED_NGSYS].checked =
				"its value is a count of the runtime's goroutines";
	}
}

static void check_goidcache(const struct go_process *p, struct go_layout *layout)
{
	const struct go_offset *at = &layout->field[GO_P_GOIDCACHE];
	u64 array, first, cached, next;

	if (!at->how || !layout->global[GO_ALLP].how || !layout->field[GO_SCHED_GOIDGEN].checked ||
	    check_read(p, layout->global[GO_ALLP].addr + p->bias, &array, sizeof(array)) ||
	    check_read(p, array, &first, sizeof(first)) ||
	    check_read(p, first + at->offset, &cached, sizeof(cached)) ||
	    !read_field(p, layout, GO_SCHED, GO_SCHED_GOIDGEN, &next))
		return;
	if (cached > next + 1)
		check_reject(layout, GO_P_GOIDCACHE, "a P has goids that were not handed out");
	else
		layout->field[GO_P_GOIDCACHE].checked = "not above the goids handed out";
}

/* The pauses follow their sum and precede numgc; each has been in words that were checked. */
static void check_memstats(struct go_layout *layout)
{
	static const enum go_field fields[] = { GO_MEMSTATS_NUMGC, GO_MEMSTATS_PAUSE_TOTAL_NS,
						GO_MEMSTATS_PAUSE_NS, GO_MEMSTATS_PAUSE_END };
	bool good = layout->gc[WIRE_GC_NUMGC].checked && layout->gc[WIRE_GC_PAUSE_TOTAL_NS].checked;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (!layout->field[fields[i]].how)
			continue;
		if (good)
			layout->field[fields[i]].checked = "the words around it were checked";
		else
			check_reject(layout, fields[i], "the words around it are wrong");
	}
}

int check_variables(const struct go_process *p, struct go_layout *layout, struct err *err)
{
	struct words w;
	int rc = read_words(p, layout, &w, err);

	for (int i = 0; i < WIRE_GC_WORDS && !rc; i++)
		rc = check_gc_word(p, layout, &w, (enum wire_gc_word)i, err);
	if (rc)
		return rc;
	check_sched(p, layout);
	check_goidcache(p, layout);
	check_memstats(layout);
	return 0;
}
