/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/describe.h"

#include <string.h>

static struct attached_probe describe_probe(const struct plan_probe *probe, u64 bias,
					    const struct calibration *cost)
{
	return (struct attached_probe) {
		.group = probe_group_name(probe->spec->group),
		.function = probe->func.name,
		.address = probe->func.addr + bias,
		.offset = probe->site.offset,
		.class = site_class_name(probe->site.class),
		.ns = cost->ns[probe->site.class],
		.reason = probe->site.reason,
	};
}

void describe_plan(const struct gobin *bin, const struct plan *plan, u64 bias, const char *exe,
		   const struct calibration *cost, struct description *ret)
{
	const struct gobin_info *info = gobin_info(bin);

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < plan->probe_count; i++)
		ret->probes[i] = describe_probe(&plan->probes[i], bias, cost);
	for (size_t i = 0; i < plan->omitted_count; i++)
		ret->omitted[i] = (struct attached_omission) {
			.function = plan->omitted[i].spec->symbol,
			.reason = plan->omitted[i].reason,
		};
	ret->info = (struct attached_info) {
		.exe = exe,
		.module = info->module,
		.go = info->version_text,
		.stripped = info->stripped,
		.pie = info->pie,
		.swiss_maps = info->swiss_maps,
		.probes = ret->probes,
		.probe_count = plan->probe_count,
		.omitted = ret->omitted,
		.omitted_count = plan->omitted_count,
	};
}
