/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/restore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probe/plan.h"

enum { BREAKPOINT = 0xcc }; /* int3 */

static bool has_breakpoint(const struct plan_probe *probe, const struct go_process *p)
{
	const struct site *site = &probe->site;
	u8 now[SITE_INSN_MAX];

	return site->insn[0] != BREAKPOINT && site->insn_size <= sizeof(now) &&
	       !p->mem.read(p->mem.arg, probe->addr + p->bias, now, site->insn_size) &&
	       now[0] == BREAKPOINT && !memcmp(now + 1, site->insn + 1, site->insn_size - 1);
}

static size_t find_breakpoints(const struct plan *plan, const struct go_process *p,
			       struct kern_site *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->probe_count; i++)
		if (has_breakpoint(&plan->probes[i], p))
			ret[n++].file_offset = plan->probes[i].file_offset;
	return n;
}

int restore_breakpoints(struct kern *kern, const struct process *process, const char *path,
			const struct go_process *p, struct err *err)
{
	static const struct probe_groups all = { { true, true, true, true, true } };
	CLEANUP(freep) struct plan *plan = calloc(1, sizeof(*plan));
	struct kern_site sites[PLAN_PROBES_MAX] = { 0 };
	size_t found;
	int rc;

	if (!plan)
		return err_set(err, -ENOMEM, "out of memory");
	plan_make(p->bin, &all, plan);
	found = find_breakpoints(plan, p, sites);
	if (!found || process_is_debugged(process))
		return 0;
	rc = kern_touch(kern, process->pid, path, sites, found, err);
	return rc ? rc : (int)(found - find_breakpoints(plan, p, sites));
}
