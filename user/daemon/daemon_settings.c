/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/daemon_settings.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "daemon/daemon_yaml.h"
#include "daemon/listen.h"
#include "sink/address.h"
#include "sink/sink.h"
#include "sink/syslog_target.h"
#include "sink/url.h"

/* A share for each target that there may be, of a CPU each. */
enum { PCT_MAX = 100, HOST_PCT_MAX = PCT_MAX * DAEMON_TARGETS_MAX };

#define INTERVAL_MIN_NS (100 * NS_PER_MS)
#define INTERVAL_MAX_NS NS_PER_HOUR
#define MIN_AGE_MAX_NS	(24 * NS_PER_HOUR)

/* Where what is wrong is said. */
struct place {
	const struct yaml_doc *doc;
	struct err *err;
};

int daemon_settings_new(struct daemon_config **ret, struct err *err)
{
	CLEANUP(daemon_config_freep) struct daemon_config *config = malloc(sizeof(*config));

	if (!config)
		return err_set(err, -ENOMEM, "out of memory");
	*config = (struct daemon_config) {
		.interval_ns = NS_PER_S,
		.budget = 0.01,
		.host_budget = 0.04,
		.min_age_ns = 5 * NS_PER_S,
		.max_targets = 200,
		.groups.want = { true, true, true, true, true },
		.syslog = strdup("local"),
		.metrics = strdup(LISTEN_DEFAULT),
	};
	if (!config->syslog || !config->metrics)
		return err_set(err, -ENOMEM, "out of memory");
	*ret = TAKE_PTR(config);
	return 0;
}

static void free_watches(struct daemon_watch *watch, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(watch[i].exe);
		free(watch[i].module);
		free(watch[i].container);
		free(watch[i].pod);
		free(watch[i].qos);
		free(watch[i].cgroup);
		free(watch[i].user);
	}
	free(watch);
}

void daemon_config_free(struct daemon_config *config)
{
	if (!config)
		return;
	free_watches(config->watch, config->watch_count);
	free_watches(config->ignore, config->ignore_count);
	ruleset_free(config->rules);
	free(config->rules_path);
	free(config->syslog);
	free(config->journald);
	free(config->alertmanager);
	free(config->metrics);
	free(config);
}

int daemon_settings_beside(char ret[static PATH_MAX], const char *path, const char *name,
			   struct err *err)
{
	const char *slash = strrchr(path, '/');
	int folder = *name == '/' || !slash ? 0 : (int)(slash - path) + 1;
	int len = snprintf(ret, PATH_MAX, "%.*s%s", folder, path, name);

	return len < 0 || len >= PATH_MAX ? err_set(err, -ENAMETOOLONG, "%s: path too long", name)
					  : 0;
}

static int set_duration(u64 *into, const char *key, const char *text, u64 min_ns, u64 max_ns,
			const char *expected, const struct place *at)
{
	u64 ns;

	if (!text)
		return 0;
	if (parse_duration_ns(text, &ns) || ns < min_ns || ns > max_ns)
		return yaml_fail(at->doc, at->err, key, "\"%s\": expected a duration %s", text,
				 expected);
	*into = ns;
	return 0;
}

/* -EINVAL: no plain decimal number, with % behind it or not. */
static int parse_pct(const char *text, double *ret)
{
	char *end;

	*ret = strtod(text, &end);
	return strspn(text, "0123456789.") != (size_t)(end - text) || end == text ||
			       strcmp(*end == '%' ? end + 1 : end, "") != 0
		       ? -EINVAL
		       : 0;
}

static int set_share(double *into, const char *key, const char *text, int max_pct,
		     const struct place *at)
{
	double pct = 0;

	if (!text)
		return 0;
	if (strcmp(text, "off") != 0 && (parse_pct(text, &pct) || !(pct > 0 && pct <= max_pct)))
		return yaml_fail(at->doc, at->err, key,
				 "\"%s\": expected percent of one CPU, above 0 and at most %d, or "
				 "off",
				 text, max_pct);
	*into = pct / 100;
	return 0;
}

static int set_targets(u32 *into, const char *text, const struct place *at)
{
	unsigned long n;

	if (!text)
		return 0;
	n = strtoul(text, NULL, 10);
	if (!*text || strspn(text, "0123456789") != strlen(text) || n < 1 || n > DAEMON_TARGETS_MAX)
		return yaml_fail(at->doc, at->err, "max_targets",
				 "\"%s\": expected a number from 1 to %d", text,
				 DAEMON_TARGETS_MAX);
	*into = (u32)n;
	return 0;
}

static int set_groups(struct probe_groups *into, const struct yaml_daemon *yaml,
		      const struct place *at)
{
	if (yaml_doc_kind(at->doc, "probes") == YAML_NOTHING)
		return 0;
	if (!yaml->probes_count)
		return yaml_fail(at->doc, at->err, "probes", "none; expected at least one");
	*into = (struct probe_groups) { 0 };
	for (unsigned int i = 0; i < yaml->probes_count; i++) {
		char path[YAML_PATH_MAX];

		if (into->want[yaml->probes[i]])
			return yaml_fail(at->doc, at->err, yaml_path(path, "probes[%u]", i),
					 "given twice");
		into->want[yaml->probes[i]] = true;
	}
	return 0;
}

static void move(char **into, char **from)
{
	free(*into);
	*into = TAKE_PTR(*from);
}

static bool is_empty(const struct daemon_watch *w)
{
	return !w->exe && !w->module && !w->container && !w->pod && !w->qos && !w->cgroup &&
	       !w->user;
}

/* The entries' texts are then the configuration's. */
static int add_watches(struct daemon_watch **into, size_t *count, const char *key,
		       struct daemon_watch *add, unsigned int add_count, const struct place *at)
{
	struct daemon_watch *larger;

	if (*count + add_count > DAEMON_WATCH_MAX)
		return yaml_fail(at->doc, at->err, key,
				 "%zu entries with those of the files before; expected at most %d",
				 *count + add_count, DAEMON_WATCH_MAX);
	larger = reallocarray(*into, *count + add_count + 1, sizeof(*larger));
	if (!larger)
		return err_set(at->err, -ENOMEM, "out of memory");
	*into = larger;
	for (unsigned int i = 0; i < add_count; i++) {
		char path[YAML_PATH_MAX];

		if (is_empty(&add[i]))
			return yaml_fail(at->doc, at->err, yaml_path(path, "%s[%u]", key, i),
					 "empty; expected at least one of: exe, module, container, "
					 "pod, qos, cgroup, user");
		larger[(*count)++] = add[i];
		add[i] = (struct daemon_watch) { 0 };
	}
	return 0;
}

static int check_metrics(const char *text, struct err *err)
{
	struct listen_address address;

	return listen_parse(text, &address, err);
}

static int check_journald(const char *text, struct err *err)
{
	struct address address;

	if (*text != '/')
		return err_set(err, -EINVAL, "\"%s\": expected on, off or the path of a socket",
			       text);
	return address_unix(&address, text, err);
}

/* A text, or `off`. */
static int set_target(char **into, const char *key, char **text,
		      int (*check)(const char *text, struct err *err), const struct place *at)
{
	struct err why = { "" };

	if (!*text)
		return 0;
	if (!strcmp(*text, "off")) {
		free(TAKE_PTR(*into));
		return 0;
	}
	if (check(*text, &why))
		return yaml_fail(at->doc, at->err, key, "%s", why.text);
	move(into, text);
	return 0;
}

static int set_journald(char **into, char **text, const struct place *at)
{
	char *socket;

	if (!*text || strcmp(*text, "on") != 0)
		return set_target(into, "journald", text, check_journald, at);
	socket = strdup(SINK_JOURNALD_SOCKET);
	if (!socket)
		return err_set(at->err, -ENOMEM, "out of memory");
	move(into, &socket);
	return 0;
}

/* `default` takes back what a file before said. */
static int set_rules(char **into, const char *path, const char *text, const struct place *at)
{
	char full[PATH_MAX], *copy = NULL;
	struct err why = { "" };

	if (!text)
		return 0;
	if (!*text)
		return yaml_fail(at->doc, at->err, "rules",
				 "expected the path of a file, or default");
	if (strcmp(text, "default") != 0) {
		if (daemon_settings_beside(full, path, text, &why))
			return yaml_fail(at->doc, at->err, "rules", "%s", why.text);
		copy = strdup(full);
		if (!copy)
			return err_set(at->err, -ENOMEM, "out of memory");
	}
	move(into, &copy);
	return 0;
}

static int apply_limits(struct daemon_config *config, const struct yaml_daemon *yaml,
			const struct place *at)
{
	int rc = set_duration(&config->interval_ns, "interval", yaml->interval, INTERVAL_MIN_NS,
			      INTERVAL_MAX_NS, "from 100ms to 1h", at);

	if (!rc)
		rc = set_share(&config->budget, "budget_pct", yaml->budget_pct, PCT_MAX, at);
	if (!rc)
		rc = set_share(&config->host_budget, "host_budget_pct", yaml->host_budget_pct,
			       HOST_PCT_MAX, at);
	if (!rc)
		rc = set_duration(&config->min_age_ns, "min_age", yaml->min_age, 0, MIN_AGE_MAX_NS,
				  "from 0s to 24h", at);
	if (!rc)
		rc = set_targets(&config->max_targets, yaml->max_targets, at);
	return rc ? rc : set_groups(&config->groups, yaml, at);
}

static int apply_watches(struct daemon_config *config, struct yaml_daemon *yaml,
			 const struct place *at)
{
	int rc = add_watches(&config->watch, &config->watch_count, "watch", yaml->watch,
			     yaml->watch_count, at);

	return rc ? rc
		  : add_watches(&config->ignore, &config->ignore_count, "ignore", yaml->ignore,
				yaml->ignore_count, at);
}

static int apply_targets(struct daemon_config *config, struct yaml_daemon *yaml,
			 const struct place *at)
{
	int rc = set_target(&config->syslog, "syslog", &yaml->syslog, syslog_target_check, at);

	if (!rc)
		rc = set_journald(&config->journald, &yaml->journald, at);
	if (!rc)
		rc = set_target(&config->alertmanager, "alertmanager", &yaml->alertmanager,
				url_check, at);
	if (!rc)
		rc = set_target(&config->metrics, "metrics", &yaml->metrics, check_metrics, at);
	return rc;
}

static int apply(struct daemon_config *config, const char *path, struct yaml_daemon *yaml,
		 const struct place *at)
{
	int rc = apply_limits(config, yaml, at);

	if (!rc)
		rc = apply_watches(config, yaml, at);
	if (!rc)
		rc = set_rules(&config->rules_path, path, yaml->rules, at);
	if (!rc)
		rc = apply_targets(config, yaml, at);
	if (!rc && yaml->dry_run)
		config->dry_run = *yaml->dry_run;
	return rc;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A file whose keys are all commented out says nothing, which is well. */
static bool is_blank(const char *yaml, size_t size)
{
	bool comment = false;

	for (size_t i = 0; i < size; i++) {
		if (yaml[i] == '\n')
			comment = false;
		else if (yaml[i] == '#')
			comment = true;
		else if (!comment && !is_space(yaml[i]))
			return false;
	}
	return true;
}

int daemon_settings_add(struct daemon_config *config, const char *path, const char *yaml,
			size_t size, struct err *err)
{
	CLEANUP(yaml_daemon_freep) struct yaml_daemon *parsed = NULL;
	CLEANUP(yaml_doc_freep) struct yaml_doc *doc = NULL;
	int rc;

	if (is_blank(yaml, size))
		return 0;
	rc = yaml_doc_open(&doc, path, yaml, size, err);
	if (!rc)
		rc = yaml_daemon_parse(&parsed, doc, path, yaml, size, err);
	if (rc)
		return rc;
	return apply(config, path, parsed, &(const struct place) { doc, err });
}

bool daemon_config_is_rules(const char *yaml, size_t size)
{
	CLEANUP(yaml_doc_freep) struct yaml_doc *doc = NULL;
	enum yaml_kind rules;

	if (yaml_doc_open(&doc, "", yaml, size, NULL))
		return false;
	rules = yaml_doc_kind(doc, "rules");
	return yaml_doc_kind(doc, "preset") || yaml_doc_kind(doc, "include") ||
	       rules == YAML_LIST || rules == YAML_MAPPING;
}

static bool glob_matches(const char *glob, const char *text)
{
	return !glob || fnmatch(glob, text ? text : "", 0) == 0;
}

static bool any_matches(const struct daemon_watch *watch, size_t count,
			const struct daemon_candidate *c)
{
	for (size_t i = 0; i < count; i++) {
		if (glob_matches(watch[i].exe, c->exe) &&
		    glob_matches(watch[i].module, c->module) &&
		    glob_matches(watch[i].container, c->container) &&
		    glob_matches(watch[i].pod, c->pod) && glob_matches(watch[i].qos, c->qos) &&
		    glob_matches(watch[i].cgroup, c->cgroup) &&
		    glob_matches(watch[i].user, c->user))
			return true;
	}
	return false;
}

bool daemon_config_wants(const struct daemon_config *config, const struct daemon_candidate *c)
{
	return !any_matches(config->ignore, config->ignore_count, c) &&
	       (!config->watch_count || any_matches(config->watch, config->watch_count, c));
}
