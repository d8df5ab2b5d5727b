/* SPDX-License-Identifier: BSD-2-Clause */
#include "alert/rules_yaml.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { RULES_MAX = 64, LEVELS_MAX = 16, TEXT_MAX = 64 };

#define OPTIONAL CYAML_FLAG_OPTIONAL
#define TEXT(key, flags, type, member)                                                             \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | (flags), type, member, 0, TEXT_MAX)

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

static const cyaml_schema_field_t rule_fields[] = {
	TEXT("rule", 0, struct yaml_rule, rule),
	WORD("enabled", struct yaml_rule, enabled, booleans),
	WORD("dry_run", struct yaml_rule, dry_run, booleans),
	WORD("severity", struct yaml_rule, severity, severities),
	TEXT("cooldown", OPTIONAL, struct yaml_rule, cooldown),
	TEXT("raise", OPTIONAL, struct yaml_rule, level.raise),
	TEXT("clear", OPTIONAL, struct yaml_rule, level.clear),
	TEXT("for", OPTIONAL, struct yaml_rule, level.for_),
	CYAML_FIELD_SEQUENCE("levels", CYAML_FLAG_POINTER | OPTIONAL, struct yaml_rule, levels,
			     &extra_level_schema, 0, LEVELS_MAX),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t rule_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_rule, rule_fields),
};

static const cyaml_schema_field_t file_fields[] = {
	CYAML_FIELD_SEQUENCE("rules", CYAML_FLAG_POINTER, struct yaml_rules, rules, &rule_schema, 0,
			     RULES_MAX),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t file_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct yaml_rules, file_fields),
};

/*
 * libcyaml tells an error in lines: what, "Backtrace:", then where it was,
 * innermost first and indented. It becomes one line of ours.
 */
static void append_line(cyaml_log_t level, void *ctx, const char *fmt, va_list args)
{
	struct err line, *said = ctx;
	size_t len = strlen(said->text);
	const char *text;

	(void)level;
	vsnprintf(line.text, sizeof(line.text), fmt, args);
	line.text[strcspn(line.text, "\n")] = '\0';
	text = line.text + strspn(line.text, " ");
	if (strstr(text, "Backtrace"))
		return;
	if (!strncmp(text, "Load: ", 6))
		text += 6;
	explain_write(said->text + len, sizeof(said->text) - len, "%s%s", len ? ", " : "", text);
}

static cyaml_config_t config_with(struct err *said)
{
	return (cyaml_config_t) {
		.log_fn = append_line,
		.log_ctx = said,
		.mem_fn = cyaml_mem,
		.log_level = CYAML_LOG_ERROR,
		/* An alias may refer to itself or multiply; rules need none. */
		.flags = CYAML_CFG_NO_ALIAS,
	};
}

int yaml_rules_parse(struct yaml_rules **ret, const char *yaml, size_t size, struct err *err)
{
	struct err said = { "" };
	cyaml_config_t config = config_with(&said);
	cyaml_data_t *data = NULL;
	cyaml_err_t code;

	code = cyaml_load_data((const u8 *)yaml, size, &config, &file_schema, &data, NULL);
	if (code == CYAML_OK) {
		/* No document at all: nothing but blanks and comments. */
		if (!data)
			return err_set(err, -EINVAL, "empty; expected \"rules:\" and a list");
		*ret = data;
		return 0;
	}
	return err_set(err, code == CYAML_ERR_OOM ? -ENOMEM : -EINVAL, "%s: %s",
		       cyaml_strerror(code), said.text);
}

void yaml_rules_free(struct yaml_rules *rules)
{
	struct err said = { "" };
	cyaml_config_t config = config_with(&said);

	if (rules)
		cyaml_free(&config, &file_schema, rules, 0);
}
