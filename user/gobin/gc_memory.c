/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/gc_memory.h"

#include <errno.h>
#include <string.h>

enum { TRIES = 4 };

/* The first reason that was met stays. */
static struct err *why(struct go_gc_memory *gc)
{
	return gc->why.text[0] ? NULL : &gc->why;
}

/* False: not known, and why tells. */
static bool read_word(const struct go_process *p, enum wire_gc_word which, struct go_gc_memory *gc,
		      u64 *ret)
{
	struct wire_gc_source source;
	struct go_word word;
	int rc;

	if (go_layout_gc_word(p->layout, which, &word, why(gc)))
		return false;
	source = (struct wire_gc_source) { .addr = word.addr + p->bias, .size = word.size };
	rc = go_gc_word(p, &source, ret);
	if (rc)
		err_set(why(gc), rc, "can't read the target at %#llx", source.addr);
	return !rc;
}

/* A ring of the last cycles: the n-th one's is at (n - 1) % 256 (runtime/mgc.go). */
static bool read_ring(const struct go_process *p, enum go_field field, struct go_gc_memory *gc,
		      u64 ret[static GC_PAUSES_MAX])
{
	u64 ring[GC_PAUSES_MAX];
	struct go_word word;
	int rc;

	if (go_layout_field(p->layout, GO_MEMSTATS, field, &word, why(gc)))
		return false;
	if (word.size != sizeof(ring)) {
		err_set(why(gc), -EBADMSG, "%s has %u bytes", go_field_name(field), word.size);
		return false;
	}
	rc = p->mem.read(p->mem.arg, word.addr + p->bias, ring, sizeof(ring));
	if (rc) {
		err_set(why(gc), rc, "can't read the target at %#llx", word.addr + p->bias);
		return false;
	}
	for (u32 i = 0; i < gc->pause_count; i++)
		ret[i] = ring[(gc->cycles - gc->pause_count + i) % GC_PAUSES_MAX];
	return true;
}

/* A cycle that ends meanwhile overwrites the oldest one's. */
static bool read_pauses(const struct go_process *p, struct go_gc_memory *gc)
{
	u64 cycles;

	for (int i = 0; i < TRIES; i++) {
		gc->pause_count = MIN(gc->cycles, (u32)GC_PAUSES_MAX);
		if (!read_ring(p, GO_MEMSTATS_PAUSE_NS, gc, gc->pause_ns) ||
		    !read_ring(p, GO_MEMSTATS_PAUSE_END, gc, gc->pause_end_wall_ns) ||
		    !read_word(p, WIRE_GC_NUMGC, gc, &cycles))
			return false;
		if ((u32)cycles == gc->cycles)
			return true;
		gc->cycles = (u32)cycles;
	}
	err_set(why(gc), -EAGAIN, "cycles end faster than their pauses are read");
	return false;
}

void go_gc_memory_read(const struct go_process *p, struct go_gc_memory *ret)
{
	struct go_gc_memory gc = { 0 };
	u64 cycles = 0;

	gc.has_cycles = read_word(p, WIRE_GC_NUMGC, &gc, &cycles);
	gc.cycles = (u32)cycles;
	gc.has_heap_live = read_word(p, WIRE_GC_HEAP_LIVE, &gc, &gc.heap_live_bytes);
	gc.has_heap_goal = read_word(p, WIRE_GC_NEXT_GOAL, &gc, &gc.heap_goal_bytes);
	gc.has_pauses = gc.has_cycles && read_pauses(p, &gc);
	if (!gc.has_pauses)
		gc.pause_count = 0;
	*ret = gc;
}

static int by_value(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

u64 go_gc_pause_quantile(const struct go_gc_memory *gc, double q)
{
	u64 sorted[GC_PAUSES_MAX];

	if (!gc->pause_count)
		return 0;
	memcpy(sorted, gc->pause_ns, sizeof(sorted));
	qsort(sorted, gc->pause_count, sizeof(*sorted), by_value);
	return sorted[(size_t)(q * (gc->pause_count - 1))];
}
