/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/daemon_yaml.h"

#include <cyaml/cyaml.h>

#include "alert/yaml_load.h"

enum { NUMBER_MAX = 64 };

#define OPTIONAL CYAML_FLAG_OPTIONAL
#define TEXT_UP_TO(max, key, type, member)                                                         \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | OPTIONAL, type, member, 0, max)
#define NUMBER(key, member) TEXT_UP_TO(NUMBER_MAX, key, struct yaml_daemon, member)
#define TEXT(key, member)   TEXT_UP_TO(DAEMON_TEXT_MAX, key, struct yaml_daemon, member)
#define GLOB(key, member)   TEXT_UP_TO(DAEMON_TEXT_MAX, key, struct daemon_watch, member)

/* CYAML_BOOL takes any word that is not false for true. */
static const cyaml_strval_t booleans[] = {
	{ "true", true },   { "yes", true }, { "on", true },
	{ "false", false }, { "no", false }, { "off", false },
};

static const cyaml_strval_t groups[] = {
	{ "map-write", PROBE_MAP_WRITE }, { "map-grow", PROBE_MAP_GROW }, { "gc", PROBE_GC },
	{ "goroutine", PROBE_GOROUTINE }, { "fault", PROBE_FAULT },
};
_Static_assert(ARRAY_SIZE(groups) == PROBE_GROUP_COUNT, "a word for each group");

static const cyaml_schema_value_t group_schema = {
	CYAML_VALUE_ENUM(CYAML_FLAG_STRICT, int, groups, CYAML_ARRAY_LEN(groups)),
};

static const cyaml_schema_field_t watch_fields[] = {
	GLOB("exe", exe), GLOB("module", module), GLOB("container", container), GLOB("pod", pod),
	GLOB("qos", qos), GLOB("cgroup", cgroup), GLOB("user", user),		CYAML_FIELD_END,
};

static const cyaml_schema_value_t watch_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct daemon_watch, watch_fields),
};

#define WATCHES(key, member)                                                                       \
	CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | OPTIONAL, struct yaml_daemon, member,       \
			     &watch_schema, 0, DAEMON_WATCH_MAX)

static const cyaml_schema_field_t file_fields[] = {
	NUMBER("interval", interval),
	NUMBER("budget_pct", budget_pct),
	NUMBER("host_budget_pct", host_budget_pct),
	NUMBER("min_age", min_age),
	NUMBER("max_targets", max_targets),
	CYAML_FIELD_SEQUENCE("probes", CYAML_FLAG_POINTER | OPTIONAL, struct yaml_daemon, probes,
			     &group_schema, 0, PROBE_GROUP_COUNT),
	WATCHES("watch", watch),
	WATCHES("ignore", ignore),
	TEXT("rules", rules),
	TEXT("syslog", syslog),
	TEXT("journald", journald),
	TEXT("alertmanager", alertmanager),
	TEXT("metrics", metrics),
	CYAML_FIELD_ENUM_PTR("dry_run", CYAML_FLAG_POINTER | CYAML_FLAG_STRICT | OPTIONAL,
			     struct yaml_daemon, dry_run, booleans, CYAML_ARRAY_LEN(booleans)),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t file_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct yaml_daemon, file_fields),
};

int yaml_daemon_parse(struct yaml_daemon **ret, const struct yaml_doc *doc, const char *name,
		      const char *yaml, size_t size, struct err *err)
{
	void *data = NULL;
	int rc = yaml_load(&data, &file_schema, doc, name, yaml, size, err);

	if (!rc)
		*ret = data;
	return rc;
}

void yaml_daemon_free(struct yaml_daemon *daemon)
{
	yaml_unload(&file_schema, daemon);
}
