/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/live_walk.h"

#include <errno.h>

#include "gobin/gstate.h"
#include "gobin/probeset.h"

enum { BATCH = 512 };

struct one {
	u32 status;
	u64 startpc;
};

int live_walk_words(const struct go_process *p, struct go_goroutine_words *w, struct err *err)
{
	static const enum go_field needed[] = { GO_G_STATUS, GO_G_STARTPC };
	struct go_offset offset;
	int rc = live_global_addr(p, GO_ALLGLEN, &w->allglen, err);

	if (!rc)
		rc = live_global_addr(p, GO_ALLGS, &w->allgs, err);
	for (size_t i = 0; i < ARRAY_SIZE(needed) && !rc; i++) {
		rc = go_layout_offset(p->layout, needed[i], &offset);
		if (rc)
			rc = err_set(err, rc, "%s is not known, or not checked on a process",
				     go_field_name(needed[i]));
	}
	return rc;
}

/* Those that run the program's code part of the time (finalizers, cleanups) count as the runtime's:
 * which it is the status does not tell. */
static bool is_system(const struct go_process *p, u64 startpc)
{
	struct gobin_func func;

	return !gobin_func_by_pc(p->bin, startpc - p->bias, &func) &&
	       go_is_system_goroutine(func.name);
}

static bool counts(const struct go_process *p, const struct one *g)
{
	return go_state_alive(go_state_of(g->status)) && !is_system(p, g->startpc);
}

/* n <= BATCH goroutines whose addresses are at list, in the target. */
static int count_batch(const struct go_process *p, u64 list, size_t n, s64 *sum)
{
	u32 status_at = p->layout->field[GO_G_STATUS].offset;
	u32 startpc_at = p->layout->field[GO_G_STARTPC].offset;
	struct memory_piece pieces[2 * BATCH];
	struct one g[BATCH];
	u64 addr[BATCH];
	int rc = p->mem.read(p->mem.arg, list, addr, n * sizeof(addr[0]));

	if (rc)
		return rc;
	for (size_t i = 0; i < n; i++) {
		pieces[2 * i] = (struct memory_piece) { addr[i] + status_at, &g[i].status, 4 };
		pieces[2 * i + 1] =
			(struct memory_piece) { addr[i] + startpc_at, &g[i].startpc, 8 };
	}
	if (memory_read_pieces(&p->mem, pieces, 2 * n) < 2 * n)
		return -EFAULT;
	for (size_t i = 0; i < n; i++)
		*sum += counts(p, &g[i]);
	return 0;
}

int live_walk_count(const struct go_process *p, const struct go_goroutine_words *w, s64 *ret,
		    struct err *err)
{
	u64 len = 0, array = 0;
	s64 sum = 0;
	int rc = p->mem.read(p->mem.arg, w->allglen, &len, sizeof(len));

	/* The length first: the array that is read later has at least as many. */
	if (!rc)
		rc = p->mem.read(p->mem.arg, w->allgs, &array, sizeof(array));
	if (!rc && len > LIVE_WALK_MAX)
		return err_set(err, -E2BIG,
			       "allgs has %llu entries: more than %d are not counted one by one",
			       len, LIVE_WALK_MAX);
	for (u64 i = 0; i < len && !rc; i += BATCH)
		rc = count_batch(p, array + i * sizeof(u64), MIN(len - i, (u64)BATCH), &sum);
	if (rc)
		return err_set(err, rc, "can't read the target's goroutines");
	*ret = MAX(sum, 1);
	return 0;
}
