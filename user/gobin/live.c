/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/live.h"

#include <errno.h>

#include "gobin/live_walk.h"

int go_process_read(const struct go_process *p, u64 addr, void *buf, size_t len, struct err *err)
{
	int rc = p->mem.read(p->mem.arg, addr, buf, len);

	return rc ? err_set(err, rc, "can't read the target at %#llx", addr) : 0;
}

/* Run-time address of a field of a variable. */
static int field_addr(const struct go_process *p, enum go_global var, enum go_field field, u64 *ret,
		      u32 *ret_size, struct err *err)
{
	struct go_word word;
	int rc = go_layout_field(p->layout, var, field, &word, err);

	if (rc)
		return rc;
	*ret = word.addr + p->bias;
	*ret_size = word.size;
	return 0;
}

int live_global_addr(const struct go_process *p, enum go_global var, u64 *ret, struct err *err)
{
	struct go_global_place place;
	int rc = go_layout_global(p->layout, var, &place, err);

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
	struct go_offset off;
	int rc = go_layout_offset(p->layout, GO_P_GFREE_N, &off);

	if (rc)
		return err_set(err, rc, "%s has no known offset in %s", go_field_name(GO_P_GFREE_N),
			       gobin_info(p->bin)->version_text);
	w->p_free = off.offset;
	rc = live_global_addr(p, GO_ALLGLEN, &w->allglen, err);
	if (!rc)
		rc = live_global_addr(p, GO_ALLP, &w->allp, err);
	if (!rc)
		rc = add_count(p, GO_SCHED_NGSYS, w, err);
	if (!rc && !go_layout_offset(p->layout, GO_SCHED_GFREE_N, &off))
		return add_count(p, GO_SCHED_GFREE_N, w, err);
	if (!rc)
		rc = add_count(p, GO_SCHED_GFREE_STACK, w, err);
	if (!rc)
		rc = add_count(p, GO_SCHED_GFREE_NOSTACK, w, err);
	return rc;
}

/* The lists of goroutines for reuse that each P has. */
static int read_p_free(const struct go_process *p, const struct go_goroutine_words *w, s64 *ret,
		       struct err *err)
{
	struct {
		u64 array, len;
	} allp;
	s64 sum = 0;
	int rc = go_process_read(p, w->allp, &allp, sizeof(allp), err);

	if (rc)
		return rc;
	if (allp.len > GO_PROCS_MAX)
		return err_set(err, -EBADMSG, "allp has %llu entries", allp.len);
	for (u64 i = 0; i < allp.len && !rc; i++) {
		u64 one = 0;
		s32 n = 0;

		rc = go_process_read(p, allp.array + i * sizeof(one), &one, sizeof(one), err);
		if (!rc)
			rc = go_process_read(p, one + w->p_free, &n, sizeof(n), err);
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

	if (rc) {
		words = (struct go_goroutine_words) { .walk = true };
		rc = live_walk_words(p, &words, err);
	}
	if (!rc)
		*ret = words;
	return rc;
}

int go_goroutine_count(const struct go_process *p, const struct go_goroutine_words *w, s64 *ret,
		       struct err *err)
{
	s64 live, p_free = 0;
	u64 all = 0;
	int rc;

	if (w->walk)
		return live_walk_count(p, w, ret, err);
	rc = go_process_read(p, w->allglen, &all, sizeof(all), err);
	if (!rc && all > GO_GOROUTINES_MAX)
		return err_set(err, -E2BIG, "allgs has %llu entries", all);
	live = (s64)all;
	for (size_t i = 0; i < w->count_len && !rc; i++) {
		s32 n = 0;

		rc = go_process_read(p, w->counts[i], &n, sizeof(n), err);
		live -= n;
	}
	if (!rc)
		rc = read_p_free(p, w, &p_free, err);
	if (rc)
		return rc;
	*ret = MAX(live - p_free, 1);
	return 0;
}

int go_gc_sources(const struct go_process *p, struct wire_gc_source ret[static WIRE_GC_WORDS],
		  struct err *err)
{
	int missing = 0;

	for (int i = 0; i < WIRE_GC_WORDS; i++) {
		struct go_word word;
		int rc = go_layout_gc_word(p->layout, (enum wire_gc_word)i, &word,
					   missing ? NULL : err);

		ret[i] = (struct wire_gc_source) { 0 };
		if (!rc)
			ret[i] = (struct wire_gc_source) { .addr = word.addr + p->bias,
							   .size = word.size };
		else if (p->layout->gc_wanted[i] && !missing)
			missing = rc;
	}
	return missing;
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
