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

static void add_missing(struct description *ret, const char *what, const struct err *why)
{
	size_t i = ret->info.missing_count++;

	ret->missing_reason[i] = *why;
	ret->missing[i] = (struct attached_missing) { what, ret->missing_reason[i].text };
	ret->info.missing = ret->missing;
}

void describe_missing(const struct go_process *p, const struct probe_groups *groups,
		      struct description *ret)
{
	struct wire_gc_source words[WIRE_GC_WORDS];
	struct go_goroutine_words goroutines;
	struct err err = { 0 };

	if (groups->want[PROBE_GC] && go_gc_sources(p, words, &err))
		add_missing(ret, "details of GC cycles", &err);
	if (groups->want[PROBE_GOROUTINE] && go_goroutine_words(p, &goroutines, &err))
		add_missing(ret, "goroutines alive", &err);
}

void describe_facts(const struct go_process *p, struct description *ret)
{
	struct attached_info *info = &ret->info;
	struct go_global_place place;
	struct go_offset offset;

	for (int field = 0; field < GO_FIELD_COUNT; field++)
		if (!go_layout_offset(p->layout, (enum go_field)field, &offset))
			ret->offsets[info->offset_count++] = (struct attached_fact) {
				go_field_name((enum go_field)field),
				offset.offset,
				offset.how,
			};
	for (int var = 0; var < GO_GLOBAL_COUNT; var++)
		if (!go_layout_global(p->layout, (enum go_global)var, &place, NULL))
			ret->variables[info->variable_count++] = (struct attached_fact) {
				go_global_name((enum go_global)var),
				place.addr + p->bias,
				place.how,
			};
	info->offsets = ret->offsets;
	info->variables = ret->variables;
}
