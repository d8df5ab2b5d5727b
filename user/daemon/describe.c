/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/describe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gobin/census.h"

static struct attached_probe describe_probe(const struct plan_probe *probe, u64 bias,
					    const struct calibration *cost)
{
	bool stack = probe_leaves_stack(probe->spec->group);

	return (struct attached_probe) {
		.group = probe_group_name(probe->spec->group),
		.function = probe->func.name,
		.address = probe->func.addr + bias,
		.offset = probe->site.offset,
		.class = site_class_name(probe->site.class),
		.ns = calibration_ns(cost, probe->site.class, false, stack),
		.reason = probe->site.reason,
	};
}

/* Something else's breakpoint stands at every place. */
static bool is_traced(const struct plan *plan)
{
	for (size_t i = 0; i < plan->omitted_count; i++)
		if (strcmp(plan->omitted[i].reason, attach_is_traced) != 0)
			return false;
	return plan->omitted_count > 0;
}

int describe_refusal(const struct process *process, const struct plan *plan, struct err *err)
{
	int pid = process->pid;

	if (process_gone(process))
		return err_set(err, -ESRCH, "process %d has exited", pid);
	if (is_traced(plan))
		return err_set(err, -ENOTSUP,
			       "another tracer observes process %d: gosonde's service (`systemctl "
			       "stop gosonde`), another `gosonde attach`, or another program; end "
			       "that first",
			       pid);
	return err_set(err, -ENOTSUP,
		       "nothing in process %d can be probed; `gosonde inspect %d` says why", pid,
		       pid);
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
		.assumed = probe_assumption(info),
	};
}

static void add_missing(struct description *ret, const char *what, const struct err *why)
{
	size_t i = ret->info.missing_count;

	if (i == DESCRIBED_MISSING_MAX)
		return;
	ret->info.missing_count++;
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
	if (groups->want[PROBE_GOROUTINE] && go_census_check(p, &err))
		add_missing(ret, "goroutines by creation site", &err);
}

void describe_cost(const struct calibration *cost, double budget, struct description *ret)
{
	ret->info.has_budget = true;
	ret->info.budget_pct = budget * 100;
	ret->info.cost = (struct attached_cost) {
		.emulated_ns = cost->ns[SITE_EMULATED],
		.optimised_ns = cost->ns[SITE_OPTIMISED],
		.single_step_ns = cost->ns[SITE_SINGLE_STEP],
		.lean_ns = cost->lean_ns,
		.stack_ns = cost->stack_ns,
	};
}

void describe_plugins(const struct plugins *plugins, struct description *ret)
{
	for (size_t i = 0; i < plugins->count; i++)
		ret->plugins[i] = (struct attached_plugin) {
			.file = plugins->plugin[i].file,
			.probes = plugins->plugin[i].probes,
			.omitted = plugins->plugin[i].omitted,
		};
	ret->info.plugins = ret->plugins;
	ret->info.plugin_count = plugins->count;
}

/* "derived from runtime.newproc1, checked: goid of main is 1" */
static const char *write_how(char *buf, const char *how, const char *checked, bool derived)
{
	if (checked)
		snprintf(buf, DESCRIBED_HOW_BYTES, "%s, checked: %s", how, checked);
	else
		snprintf(buf, DESCRIBED_HOW_BYTES, "%s%s", how,
			 derived ? ", not checked on a process: not used" : "");
	return buf;
}

static void describe_fields(const struct go_layout *layout, struct description *ret)
{
	for (int field = 0; field < GO_FIELD_COUNT; field++) {
		const struct go_offset *at = &layout->field[field];
		const char *name = go_field_name((enum go_field)field);
		size_t i = ret->info.offset_count;

		if (!at->how) {
			if (layout->field_why[field].text[0])
				add_missing(ret, name, &layout->field_why[field]);
			continue;
		}
		ret->info.offset_count++;
		ret->offsets[i] = (struct attached_fact) { name, at->offset,
							   write_how(ret->offset_how[i], at->how,
								     at->checked, at->derived) };
	}
}

static void add_variable(struct description *ret, const char *name, u64 addr, const char *how,
			 const char *checked, bool derived)
{
	size_t i = ret->info.variable_count++;

	ret->variables[i] =
		(struct attached_fact) { name, addr,
					 write_how(ret->variable_how[i], how, checked, derived) };
}

static void describe_words(const struct go_process *p, struct description *ret)
{
	const struct go_layout *layout = p->layout;

	for (int i = 0; i < WIRE_GC_WORDS; i++) {
		const struct go_word *word = &layout->gc[i];
		const char *name = go_gc_word_name((enum wire_gc_word)i);

		if (word->how)
			add_variable(ret, name, word->addr + p->bias, word->how, word->checked,
				     word->derived);
		else if (layout->gc_wanted[i])
			add_missing(ret, name, &layout->word_why[i]);
	}
}

void describe_facts(const struct go_process *p, struct description *ret)
{
	const struct go_global_place *place;

	describe_fields(p->layout, ret);
	for (int var = 0; var < GO_GLOBAL_COUNT; var++) {
		place = &p->layout->global[var];
		if (place->how)
			add_variable(ret, go_global_name((enum go_global)var),
				     place->addr + p->bias, place->how, NULL, false);
	}
	describe_words(p, ret);
	ret->info.offsets = ret->offsets;
	ret->info.variables = ret->variables;
}
