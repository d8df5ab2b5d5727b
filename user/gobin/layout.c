/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/layout.h"

#include <errno.h>
#include <stdio.h>

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

static void find_gc_words(const struct gobin *bin, struct go_layout *layout)
{
	const struct go_global_place *init_time = &layout->global[GO_INIT_TIME];

	for (int i = 0; i < WIRE_GC_WORDS; i++) {
		enum go_field field = gc_word_field(&gobin_info(bin)->version, i);
		int rc;

		if (i == WIRE_GC_INIT_TIME)
			continue;
		rc = go_layout_field(layout, gc_words[i].var, field, &layout->gc[i],
				     layout->gc_missing ? NULL : &layout->gc_why);
		if (rc && !layout->gc_missing)
			layout->gc_missing = rc;
	}
	if (init_time->how)
		layout->gc[WIRE_GC_INIT_TIME] =
			(struct go_word) { init_time->addr, sizeof(u64), init_time->how };
}

void go_layout_find(const struct gobin *bin, struct go_layout *ret)
{
	*ret = (struct go_layout) { 0 };
	snprintf(ret->go, sizeof(ret->go), "%s", gobin_info(bin)->version_text);
	for (int i = 0; i < GO_FIELD_COUNT; i++)
		(void)go_field_offset(&gobin_info(bin)->version, (enum go_field)i, &ret->field[i]);
	for (int i = 0; i < GO_GLOBAL_COUNT; i++)
		(void)gobin_global(bin, (enum go_global)i, &ret->global[i], &ret->global_why[i]);
	find_gc_words(bin, ret);
}

int go_layout_offset(const struct go_layout *layout, enum go_field field, struct go_offset *ret)
{
	if (!layout->field[field].how)
		return -ENOENT;
	*ret = layout->field[field];
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

int go_layout_field(const struct go_layout *layout, enum go_global var, enum go_field field,
		    struct go_word *ret, struct err *err)
{
	struct go_global_place place = { 0 };
	struct go_offset off;
	int rc = go_layout_offset(layout, field, &off);

	if (rc)
		return err_set(err, rc, "%s has no known offset in %s", go_field_name(field),
			       layout->go);
	rc = go_layout_global(layout, var, &place, err);
	if (rc)
		return rc;
	*ret = (struct go_word) { place.addr + off.offset, off.size, place.how };
	return 0;
}
