/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/plan.h"

#include <stdio.h>
#include <string.h>

enum { FUNC_BYTES_MAX = 64 << 10 }; /* no runtime function comes near */

static void omit(struct plan *plan, const struct probe_spec *spec, const char *reason)
{
	struct plan_omission *o;

	if (plan->omitted_count == PLAN_OMITTED_MAX)
		return;
	o = &plan->omitted[plan->omitted_count++];
	o->spec = spec;
	snprintf(o->reason, sizeof(o->reason), "%s", reason);
}

static int find_site(const struct gobin *bin, struct plan_probe *probe, struct err *err)
{
	u64 size = MIN(probe->func.size, (u64)FUNC_BYTES_MAX);
	unsigned int args = gobin_info(bin)->register_abi ? probe->spec->int_args : SITE_STACK_ABI;
	int rc = site_choose(gobin_bytes(bin, probe->func.addr, size), args, &probe->site, err);

	if (rc)
		return rc;
	probe->addr = probe->func.addr + probe->site.offset;
	rc = gobin_file_offset(bin, probe->addr, &probe->file_offset);
	return rc ? err_set(err, rc, "its address lies in no segment of the file") : 0;
}

/* A single-stepped breakpoint on a path that runs a million times a second would break the target.
 */
static bool too_costly(const struct plan_probe *probe)
{
	return probe->site.class == SITE_SINGLE_STEP &&
	       (probe->spec->group == PROBE_MAP_WRITE || probe->spec->group == PROBE_GOROUTINE);
}

static void plan_spec(const struct gobin *bin, const struct probe_spec *spec, struct plan *plan)
{
	struct plan_probe probe = { .spec = spec };
	struct err err = { 0 };

	if (gobin_func_by_name(bin, spec->symbol, &probe.func))
		return;
	if (find_site(bin, &probe, &err))
		omit(plan, spec, err.text);
	else if (too_costly(&probe))
		omit(plan, spec, "only a single-stepped site, too costly for a hot function");
	else if (plan->probe_count == PLAN_PROBES_MAX)
		omit(plan, spec, "too many probes");
	else
		plan->probes[plan->probe_count++] = probe;
}

void plan_make(const struct gobin *bin, const struct probe_groups *groups, struct plan *ret)
{
	const struct gobin_info *info = gobin_info(bin);
	const struct probe_spec *spec;

	/* Rows are written whole: those that are not used stay untouched, and take no memory. */
	ret->probe_count = ret->omitted_count = 0;
	for (size_t i = 0; (spec = probe_spec_at(i)); i++)
		if (groups->want[spec->group] && probe_spec_applies(spec, info))
			plan_spec(bin, spec, ret);
}

void plan_omit(struct plan *plan, size_t i, const char *reason)
{
	omit(plan, plan->probes[i].spec, reason);
	plan->probe_count--;
	memmove(&plan->probes[i], &plan->probes[i + 1],
		(plan->probe_count - i) * sizeof(plan->probes[0]));
}

bool plan_has_group(const struct plan *plan, enum probe_group group)
{
	for (size_t i = 0; i < plan->probe_count; i++)
		if (plan->probes[i].spec->group == group)
			return true;
	return false;
}
