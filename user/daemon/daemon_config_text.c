/* SPDX-License-Identifier: BSD-2-Clause */
#include <limits.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "daemon/daemon_config.h"

/* Exact, so in the largest unit of which there is a whole number. */
static void print_duration(FILE *out, const char *key, u64 ns)
{
	static const struct {
		const char *name;
		u64 ns;
	} units[] = { { "h", NS_PER_HOUR }, { "m", NS_PER_MIN }, { "s", NS_PER_S },
		      { "ms", NS_PER_MS },  { "us", NS_PER_US }, { "ns", 1 } };
	size_t unit = ns ? 0 : 2;

	while (ns % units[unit].ns)
		unit++;
	fprintf(out, "%s: %llu%s\n", key, ns / units[unit].ns, units[unit].name);
}

static void print_share(FILE *out, const char *key, double share)
{
	if (share > 0)
		fprintf(out, "%s: %.10g\n", key, share * 100);
	else
		fprintf(out, "%s: off\n", key);
}

static void print_quoted(FILE *out, const char *text)
{
	char quoted[TEXT_ESCAPED_SIZE(PATH_MAX)];

	fprintf(out, "\"%s\"", text_quote(quoted, sizeof(quoted), text, TEXT_LOGFMT));
}

static void print_text(FILE *out, const char *key, const char *text, const char *without)
{
	fprintf(out, "%s: ", key);
	if (text)
		print_quoted(out, text);
	else
		fputs(without, out);
	fputc('\n', out);
}

static void print_groups(FILE *out, const struct probe_groups *groups)
{
	const char *between = "";

	fputs("probes: [", out);
	for (int i = 0; i < PROBE_GROUP_COUNT; i++) {
		if (!groups->want[i])
			continue;
		fprintf(out, "%s%s", between, probe_group_name((enum probe_group)i));
		between = ", ";
	}
	fputs("]\n", out);
}

static void print_entry(FILE *out, const struct daemon_watch *watch)
{
	const struct {
		const char *key, *glob;
	} globs[] = { { "exe", watch->exe },
		      { "module", watch->module },
		      { "container", watch->container },
		      { "pod", watch->pod },
		      { "qos", watch->qos },
		      { "cgroup", watch->cgroup },
		      { "user", watch->user } };
	const char *between = "";

	fputs("  - {", out);
	for (size_t i = 0; i < ARRAY_SIZE(globs); i++) {
		if (!globs[i].glob)
			continue;
		fprintf(out, "%s%s: ", between, globs[i].key);
		print_quoted(out, globs[i].glob);
		between = ", ";
	}
	fputs("}\n", out);
}

static void print_entries(FILE *out, const char *key, const struct daemon_watch *watch,
			  size_t count)
{
	fprintf(out, "%s:%s\n", key, count ? "" : " []");
	for (size_t i = 0; i < count; i++)
		print_entry(out, &watch[i]);
}

void daemon_config_text(FILE *out, const struct daemon_config *config)
{
	print_duration(out, "interval", config->interval_ns);
	print_share(out, "budget_pct", config->budget);
	print_share(out, "host_budget_pct", config->host_budget);
	print_duration(out, "min_age", config->min_age_ns);
	fprintf(out, "max_targets: %u\n", config->max_targets);
	print_groups(out, &config->groups);
	print_entries(out, "watch", config->watch, config->watch_count);
	print_entries(out, "ignore", config->ignore, config->ignore_count);
	print_text(out, "rules", config->rules_path, "default");
	print_text(out, "syslog", config->syslog, "off");
	print_text(out, "journald", config->journald, "off");
	print_text(out, "alertmanager", config->alertmanager, "off");
	print_text(out, "metrics", config->metrics, "off");
	fprintf(out, "dry_run: %s\n", config->dry_run ? "true" : "false");
}
