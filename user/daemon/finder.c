/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/finder.h"

#include <utlist.h>

#include "base/table.h"

/* In the table by PID, and in a list in the order of their times: with one minimum age for all,
 * what comes last is due last, or nearly. */
struct candidate {
	int pid;
	int why; /* it was postponed; 0: it was not */
	u64 due_ns;
	struct candidate *prev, *next;
	UT_hash_handle hh;
};

struct finder {
	struct candidate *table, *list;
	u64 refused;
};

struct finder *finder_new(void)
{
	return calloc(1, sizeof(struct finder));
}

static void forget(struct finder *finder, struct candidate *c)
{
	HASH_DEL(finder->table, c);
	DL_DELETE(finder->list, c);
	free(c);
}

void finder_free(struct finder *finder)
{
	struct candidate *c, *next;

	if (!finder)
		return;
	HASH_CLEAR(hh, finder->table);
	DL_FOREACH_SAFE(finder->list, c, next)
	free(c);
	free(finder);
}

void finder_drop(struct finder *finder, int pid)
{
	struct candidate *c;

	HASH_FIND_INT(finder->table, &pid, c);
	if (c)
		forget(finder, c);
}

static struct candidate *make(struct finder *finder, int pid, u64 due_ns, int why)
{
	struct candidate *c;

	if (HASH_COUNT(finder->table) >= FINDER_MAX)
		return NULL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->pid = pid;
	c->why = why;
	c->due_ns = due_ns;
	HASH_ADD_INT(finder->table, pid, c);
	if (!c->hh.tbl) {
		free(c);
		return NULL;
	}
	return c;
}

void finder_postpone(struct finder *finder, int pid, u64 due_ns, int why)
{
	struct candidate *c, *before;

	finder_drop(finder, pid);
	c = make(finder, pid, due_ns, why);
	if (!c) {
		finder->refused++;
		return;
	}
	before = finder->list ? finder->list->prev : NULL; /* the last one */
	while (before && before->due_ns > due_ns)
		before = before == finder->list ? NULL : before->prev;
	if (before)
		DL_APPEND_ELEM(finder->list, before, c);
	else
		DL_PREPEND(finder->list, c);
}

void finder_add(struct finder *finder, int pid, u64 due_ns)
{
	struct candidate *c;

	HASH_FIND_INT(finder->table, &pid, c);
	finder_postpone(finder, pid, due_ns, c ? c->why : 0);
}

int finder_due(struct finder *finder, u64 now_ns, int *ret_why)
{
	struct candidate *first = finder->list;
	int pid;

	if (!first || first->due_ns > now_ns)
		return 0;
	pid = first->pid;
	*ret_why = first->why;
	forget(finder, first);
	return pid;
}

u64 finder_refused(const struct finder *finder)
{
	return finder->refused;
}
