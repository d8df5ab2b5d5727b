/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/units.h"
#include "output/text.h"
#include "output/text_style.h"

static void print_target(struct text_output *t, const struct attached_info *info)
{
	char exe[TEXT_NAME_BYTES], module[TEXT_NAME_BYTES], go[TEXT_NAME_BYTES];

	if (info->pid)
		fprintf(t->out, "pid %u  ", info->pid);
	fprintf(t->out, "%s\n", text_escape(exe, sizeof(exe), info->exe));
	fprintf(t->out, "  %s, module %s, %s maps%s%s\n", text_escape(go, sizeof(go), info->go),
		*info->module ? text_escape(module, sizeof(module), info->module) : "unknown",
		info->swiss_maps ? "Swiss" : "classic", info->stripped ? ", stripped" : "",
		info->pie ? ", PIE" : "");
	if (info->assumed)
		fprintf(t->out, "  %s is %s\n", go, info->assumed);
}

static const char *cost_of(char buf[static UNITS_BUF], const struct attached_probe *probe)
{
	return probe->ns > 0 ? fmt_duration_ns(buf, (u64)(probe->ns + 0.5)) : "-";
}

static void print_probe(struct text_output *t, const struct attached_probe *probe)
{
	char function[TEXT_NAME_BYTES], cost[UNITS_BUF], site[40];

	snprintf(site, sizeof(site), "0x%llx+%u", probe->address, probe->offset);
	fprintf(t->out, "  %-10s %-49s %-20s %-11s %8s%s%s\n", probe->group,
		text_escape(function, sizeof(function), probe->function), site, probe->class,
		cost_of(cost, probe), probe->reason ? "  " : "",
		probe->reason ? probe->reason : "");
}

static void print_facts(struct text_output *t, const struct attached_info *info)
{
	if (info->variable_count)
		fprintf(t->out, "%s  %-49s %-20s %s%s\n", text_colour(t, TEXT_BOLD), "VARIABLE",
			"ADDRESS", "HOW IT IS KNOWN", text_colour(t, TEXT_PLAIN));
	for (size_t i = 0; i < info->variable_count; i++)
		fprintf(t->out, "  %-49s %-#20llx %s\n", info->variables[i].name,
			info->variables[i].value, info->variables[i].how);
	if (info->offset_count)
		fprintf(t->out, "%s  %-49s %-20s %s%s\n", text_colour(t, TEXT_BOLD), "FIELD",
			"OFFSET", "HOW IT IS KNOWN", text_colour(t, TEXT_PLAIN));
	for (size_t i = 0; i < info->offset_count; i++)
		fprintf(t->out, "  %-49s %-20llu %s\n", info->offsets[i].name,
			info->offsets[i].value, info->offsets[i].how);
}

static void print_omissions(struct text_output *t, const struct attached_info *info)
{
	char function[TEXT_NAME_BYTES], file[TEXT_NAME_BYTES];

	for (size_t i = 0; i < info->plugin_count; i++)
		fprintf(t->out, "  %-10s %-49s %zu probes, %zu omitted\n", "plugin",
			text_escape(file, sizeof(file), info->plugins[i].file),
			info->plugins[i].probes, info->plugins[i].omitted);

	for (size_t i = 0; i < info->omitted_count; i++)
		fprintf(t->out, "  %-10s %-49s %s\n", "omitted",
			text_escape(function, sizeof(function), info->omitted[i].function),
			info->omitted[i].reason);
	for (size_t i = 0; i < info->missing_count; i++) {
		char reason[TEXT_NAME_BYTES];

		fprintf(t->out, "  %-10s %-49s %s\n", "unknown", info->missing[i].what,
			text_escape(reason, sizeof(reason), info->missing[i].reason));
	}
}

void text_attached(struct text_output *t, const struct attached_info *info)
{
	print_target(t, info);
	if (info->probe_count)
		fprintf(t->out, "%s  %-10s %-49s %-20s %-11s %8s  %s%s\n",
			text_colour(t, TEXT_BOLD), "GROUP", "FUNCTION", "ENTRY+OFFSET", "CLASS",
			"PER HIT", "WHY HERE", text_colour(t, TEXT_PLAIN));
	for (size_t i = 0; i < info->probe_count; i++)
		print_probe(t, &info->probes[i]);
	print_omissions(t, info);
	print_facts(t, info);
}

/* Whether the two are counted as one: classes are static texts. */
static bool alike(const struct attached_probe *a, const struct attached_probe *b)
{
	return !strcmp(a->group, b->group) && !strcmp(a->class, b->class);
}

void text_attached_brief(struct text_output *t, const struct attached_info *info)
{
	char cost[UNITS_BUF];
	size_t n;

	print_target(t, info);
	for (size_t i = 0; i < info->probe_count; i += n) {
		const struct attached_probe *first = &info->probes[i];

		for (n = 1; i + n < info->probe_count && alike(first, &info->probes[i + n]);)
			n++;
		fprintf(t->out, "  %-10s %2zu probe%s %s, %s a hit\n", first->group, n,
			n == 1 ? ", " : "s,", first->class, cost_of(cost, first));
	}
	if (info->has_budget && info->budget_pct > 0)
		fprintf(t->out,
			"  budget     %g %% of one CPU: map-write and goroutine are sampled while they "
			"would cost more\n",
			info->budget_pct);
	else if (info->has_budget)
		fputs("  budget     off: every call is counted, whatever it costs\n", t->out);
	print_omissions(t, info);
}
