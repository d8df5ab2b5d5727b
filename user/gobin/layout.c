/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/layout.h"

#include <errno.h>
#include <stdio.h>

#include "gobin/derive.h"

/* Where a word of a cycle is in the versions that the table holds: up to 1.17, then later. */
static const struct {
	const char *name;
	enum go_global var;
	enum go_field field;
	enum go_global old_var; /* where an older version has it; the same as above: nowhere else */
	enum go_field old_field;
} gc_words[WIRE_GC_WORDS] = {
#define WORD(word, name, var, field) [word] = { name, var, field, var, field }
	WORD(WIRE_GC_NUMGC, "memstats.numgc", GO_MEMSTATS, GO_MEMSTATS_NUMGC),
	WORD(WIRE_GC_CPU_FRACTION, "memstats.gc_cpu_fraction", GO_MEMSTATS,
	     GO_MEMSTATS_GC_CPU_FRACTION),
	WORD(WIRE_GC_PAUSE_TOTAL_NS, "memstats.pause_total_ns", GO_MEMSTATS,
	     GO_MEMSTATS_PAUSE_TOTAL_NS),
	WORD(WIRE_GC_USER_FORCED, "work.userForced", GO_WORK, GO_WORK_USER_FORCED),
	WORD(WIRE_GC_STWPROCS, "work.stwprocs", GO_WORK, GO_WORK_STWPROCS),
	WORD(WIRE_GC_MAXPROCS, "work.maxprocs", GO_WORK, GO_WORK_MAXPROCS),
	WORD(WIRE_GC_T_SWEEP_TERM, "work.tSweepTerm", GO_WORK, GO_WORK_T_SWEEP_TERM),
	WORD(WIRE_GC_T_MARK, "work.tMark", GO_WORK, GO_WORK_T_MARK),
	WORD(WIRE_GC_T_MARK_TERM, "work.tMarkTerm", GO_WORK, GO_WORK_T_MARK_TERM),
	WORD(WIRE_GC_T_END, "work.tEnd", GO_WORK, GO_WORK_T_END),
	WORD(WIRE_GC_PAUSE_NS, "work.pauseNS", GO_WORK, GO_WORK_PAUSE_NS),
	WORD(WIRE_GC_HEAP0, "work.heap0", GO_WORK, GO_WORK_HEAP0),
	WORD(WIRE_GC_HEAP1, "work.heap1", GO_WORK, GO_WORK_HEAP1),
	WORD(WIRE_GC_HEAP2, "work.heap2", GO_WORK, GO_WORK_HEAP2),
	WORD(WIRE_GC_GLOBALS_SCAN, "gcController.globalsScan", GO_GC_CONTROLLER,
	     GO_GCC_GLOBALS_SCAN),
	WORD(WIRE_GC_ASSIST_NS, "gcController.assistTime", GO_GC_CONTROLLER, GO_GCC_ASSIST_TIME),
	WORD(WIRE_GC_DEDICATED_NS, "gcController.dedicatedMarkTime", GO_GC_CONTROLLER,
	     GO_GCC_DEDICATED_MARK_TIME),
	WORD(WIRE_GC_FRACTIONAL_NS, "gcController.fractionalMarkTime", GO_GC_CONTROLLER,
	     GO_GCC_FRACTIONAL_MARK_TIME),
	WORD(WIRE_GC_LEAK_CHECK, "work.goroutineLeak.done", GO_WORK, GO_WORK_LEAK_DONE),
	WORD(WIRE_GC_IDLE_NS, "gcController.idleMarkTime", GO_GC_CONTROLLER, GO_GCC_IDLE_MARK_TIME),
#undef WORD
	[WIRE_GC_INIT_TIME] = { .name = "runtimeInitTime" },
	[WIRE_GC_STACK_SCAN] = { "gcController.lastStackScan", GO_GC_CONTROLLER,
				 GO_GCC_LAST_STACK_SCAN, GO_GC_CONTROLLER, GO_GCC_MAX_STACK_SCAN },
	[WIRE_GC_HEAP_GOAL] = { "the cycle's heap goal", GO_GC_CONTROLLER, GO_GCC_LAST_HEAP_GOAL,
				GO_WORK, GO_WORK_HEAP_GOAL },
	[WIRE_GC_HEAP_LIVE] = { "heap live", GO_GC_CONTROLLER, GO_GCC_HEAP_LIVE, GO_MEMSTATS,
				GO_MEMSTATS_HEAP_LIVE },
	[WIRE_GC_NEXT_GOAL] = { "the next heap goal", GO_GC_CONTROLLER, GO_GCC_PERCENT_HEAP_GOAL,
				GO_MEMSTATS, GO_MEMSTATS_NEXT_GC },
};

bool go_prints_scan(const struct goversion *version)
{
	return version->minor >= 18;
}

bool go_checks_leaks(const struct goversion *version)
{
	return version->minor >= 26;
}

const char *go_gc_word_name(enum wire_gc_word which)
{
	return which < WIRE_GC_WORDS ? gc_words[which].name : "?";
}

/* Go 1.18 and 1.19 print maxStackScan as the line's "MB stacks", later ones lastStackScan
 * (runtime/mgc.go: gcMarkTermination). */
static bool in_old_place(const struct go_layout *layout, const struct goversion *version, int word)
{
	if (word == WIRE_GC_STACK_SCAN)
		return version->minor <= 19;
	return !layout->field[gc_words[word].field].how;
}

static void find_gc_words(const struct gobin *bin, struct go_layout *layout)
{
	const struct go_global_place *init_time = &layout->global[GO_INIT_TIME];
	const struct goversion *version = &gobin_info(bin)->version;

	for (int i = 0; i < WIRE_GC_WORDS; i++) {
		bool old = in_old_place(layout, version, i);

		if (i == WIRE_GC_INIT_TIME || !layout->gc_wanted[i])
			continue;
		(void)go_layout_field(layout, old ? gc_words[i].old_var : gc_words[i].var,
				      old ? gc_words[i].old_field : gc_words[i].field,
				      &layout->gc[i], &layout->word_why[i]);
	}
	if (init_time->how)
		layout->gc[WIRE_GC_INIT_TIME] = (struct go_word) { .addr = init_time->addr,
								   .size = sizeof(u64),
								   .how = init_time->how };
	else
		layout->word_why[WIRE_GC_INIT_TIME] = layout->global_why[GO_INIT_TIME];
}

static void want_words(const struct gobin *bin, struct go_layout *layout)
{
	const struct goversion *version = &gobin_info(bin)->version;
	bool scan = go_prints_scan(version);

	for (int i = 0; i < WIRE_GC_WORDS; i++)
		layout->gc_wanted[i] = true;
	layout->gc_wanted[WIRE_GC_STACK_SCAN] = layout->gc_wanted[WIRE_GC_GLOBALS_SCAN] = scan;
	layout->gc_wanted[WIRE_GC_LEAK_CHECK] = go_checks_leaks(version);
}

void go_layout_find(const struct gobin *bin, struct go_layout *ret)
{
	struct goversion version = go_table_version(gobin_info(bin));

	*ret = (struct go_layout) { .tabled = go_version_known(&version) };
	snprintf(ret->go, sizeof(ret->go), "%s", gobin_info(bin)->version_text);
	want_words(bin, ret);
	for (int i = 0; i < GO_FIELD_COUNT; i++)
		(void)go_field_offset(&version, (enum go_field)i, &ret->field[i]);
	for (int i = 0; i < GO_GLOBAL_COUNT; i++)
		(void)gobin_global(bin, (enum go_global)i, &ret->global[i], &ret->global_why[i]);
	if (ret->tabled) {
		find_gc_words(bin, ret);
		return;
	}
	derive_fields(bin, ret);
	derive_gc_words(bin, ret);
}

int go_layout_offset(const struct go_layout *layout, enum go_field field, struct go_offset *ret)
{
	const struct go_offset *known = &layout->field[field];

	if (!known->how || (known->derived && !known->checked))
		return -ENOENT;
	*ret = *known;
	return 0;
}

int go_layout_global(const struct go_layout *layout, enum go_global which,
		     struct go_global_place *ret, struct err *err)
{
	if (!layout->global[which].how)
		return err_set(err, -ENOENT, "%s", layout->global_why[which].text);
	*ret = layout->global[which];
	return 0;
}

int go_layout_gc_word(const struct go_layout *layout, enum wire_gc_word which, struct go_word *ret,
		      struct err *err)
{
	const struct go_word *word = &layout->gc[which];

	if (!word->how)
		return err_set(err, -ENOENT, "%s: %s", go_gc_word_name(which),
			       layout->gc_wanted[which] ? layout->word_why[which].text
							: "this version has none");
	if (word->derived && !word->checked)
		return err_set(err, -ENOENT, "%s: %s, but not checked on a process",
			       go_gc_word_name(which), word->how);
	*ret = *word;
	return 0;
}

int go_layout_field(const struct go_layout *layout, enum go_global var, enum go_field field,
		    struct go_word *ret, struct err *err)
{
	struct go_global_place place = { 0 };
	struct go_offset off;
	int rc = go_layout_offset(layout, field, &off);

	if (rc && layout->field_why[field].text[0])
		return err_set(err, rc, "%s", layout->field_why[field].text);
	if (rc)
		return err_set(err, rc, "%s has no known offset in %s", go_field_name(field),
			       layout->go);
	rc = go_layout_global(layout, var, &place, err);
	if (rc)
		return rc;
	*ret = (struct go_word) {
		.addr = place.addr + off.offset,
		.size = off.size,
		.how = place.how,
		.derived = off.derived,
		.checked = off.checked,
	};
	return 0;
}
