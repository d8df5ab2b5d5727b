/* SPDX-License-Identifier: BSD-2-Clause */
#include "alert/rules_yaml.h"

#include <cyaml/cyaml.h>

#include "alert/yaml_load.h"

enum { RULES_MAX = 64, LEVELS_MAX = 16, TEXT_MAX = 64, GLOB_MAX = 256, FOLDER_MAX = 1024 };

#define OPTIONAL CYAML_FLAG_OPTIONAL
#define TEXT_UP_TO(max, key, flags, type, member)                                                  \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | (flags), type, member, 0, max)
#define TEXT(key, flags, type, member) TEXT_UP_TO(TEXT_MAX, key, flags, type, member)

#define WORD(key, type, member, words)                                                             \
	CYAML_FIELD_ENUM_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_STRICT | OPTIONAL, type, member, \
			     words, CYAML_ARRAY_LEN(words))

/* CYAML_BOOL takes any word that is not false for true. */
static const cyaml_strval_t booleans[] = {
	{ "true", true },   { "yes", true }, { "on", true },
	{ "false", false }, { "no", false }, { "off", false },
};

static const cyaml_strval_t severities[] = {
	{ "info", SEVERITY_INFO },
	{ "warning", SEVERITY_WARNING },
	{ "critical", SEVERITY_CRITICAL },
};

static const cyaml_schema_field_t extra_level_fields[] = {
	TEXT("measure", 0, struct yaml_extra_level, measure),
	TEXT("raise", OPTIONAL, struct yaml_extra_level, level.raise),
	TEXT("clear", OPTIONAL, struct yaml_extra_level, level.clear),
	TEXT("for", OPTIONAL, struct yaml_extra_level, level.for_),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t extra_level_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_extra_level, extra_level_fields),
};

static const cyaml_schema_field_t match_fields[] = {
	TEXT_UP_TO(GLOB_MAX, "exe", OPTIONAL, struct yaml_match, exe),
	TEXT_UP_TO(GLOB_MAX, "module", OPTIONAL, struct yaml_match, module),
	TEXT_UP_TO(GLOB_MAX, "container", OPTIONAL, struct yaml_match, container),
	TEXT_UP_TO(GLOB_MAX, "pod", OPTIONAL, struct yaml_match, pod),
	TEXT_UP_TO(GLOB_MAX, "qos", OPTIONAL, struct yaml_match, qos),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t rule_fields[] = {
	TEXT("rule", 0, struct yaml_rule, rule),
	CYAML_FIELD_MAPPING_PTR("match", CYAML_FLAG_POINTER | OPTIONAL, struct yaml_rule, match,
				match_fields),
	WORD("enabled", struct yaml_rule, enabled, booleans),
	WORD("dry_run", struct yaml_rule, dry_run, booleans),
	WORD("severity", struct yaml_rule, severity, severities),
	TEXT("cooldown", OPTIONAL, struct yaml_rule, cooldown),
	TEXT("raise", OPTIONAL, struct yaml_rule, level.raise),
	TEXT("clear", OPTIONAL, struct yaml_rule, level.clear),
	TEXT("for", OPTIONAL, struct yaml_rule, level.for_),
	CYAML_FIELD_SEQUENCE("levels", CYAML_FLAG_POINTER | OPTIONAL, struct yaml_rule, levels,
			     &extra_level_schema, 0, LEVELS_MAX),
	CYAML_FIELD_IGNORE("labels", OPTIONAL),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t rule_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_rule, rule_fields),
};

static const cyaml_strval_t presets[] = {
	{ "default", RULES_PRESET_DEFAULT },
	{ "strict", RULES_PRESET_STRICT },
};

static const cyaml_schema_field_t file_fields[] = {
	WORD("preset", struct yaml_rules, preset, presets),
	TEXT_UP_TO(FOLDER_MAX, "include", OPTIONAL, struct yaml_rules, include),
	CYAML_FIELD_SEQUENCE("rules", CYAML_FLAG_POINTER | OPTIONAL, struct yaml_rules, rules,
			     &rule_schema, 0, RULES_MAX),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t file_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct yaml_rules, file_fields),
};

int yaml_rules_parse(struct yaml_rules **ret, const struct yaml_doc *doc, const char *name,
		     const char *yaml, size_t size, struct err *err)
{
	void *data = NULL;
	int rc = yaml_load(&data, &file_schema, doc, name, yaml, size, err);

	if (!rc)
		*ret = data;
	return rc;
}

void yaml_rules_free(struct yaml_rules *rules)
{
	yaml_unload(&file_schema, rules);
}
