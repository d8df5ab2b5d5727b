/* SPDX-License-Identifier: BSD-2-Clause */
#include "alert/yaml_doc.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include <gosonde/types.h>

enum { NAME_SHOWN = 200 }; /* of a file's name, from its end: the message must fit too */

struct yaml_doc {
	const char *name;
	yaml_document_t document;
};

static const char *shown_name(const char *name)
{
	size_t len = strlen(name);

	return len > NAME_SHOWN ? name + len - NAME_SHOWN : name;
}

/* libyaml has nodes for whoever may change them; nobody does. */
static yaml_node_t *node_at(const struct yaml_doc *doc, int id)
{
	return yaml_document_get_node((yaml_document_t *)&doc->document, id);
}

static const char *text_of(const yaml_node_t *node)
{
	return (const char *)node->data.scalar.value;
}

static size_t pairs_of(const yaml_node_t *mapping)
{
	return (size_t)(mapping->data.mapping.pairs.top - mapping->data.mapping.pairs.start);
}

static yaml_node_pair_t *pair_at(const yaml_node_t *mapping, size_t index)
{
	return &mapping->data.mapping.pairs.start[index];
}

/* Bytes that are no UTF-8 have an offset and no line; the end of the text is a line too many. */
static size_t line_of_problem(const yaml_parser_t *parser, const char *yaml, size_t size)
{
	size_t before = parser->error == YAML_READER_ERROR ? parser->problem_offset : size;
	size_t line = 1;

	for (size_t i = 0; i + 1 < size && i < before; i++)
		line += yaml[i] == '\n';
	return parser->error == YAML_READER_ERROR ? line : MIN(line, parser->problem_mark.line + 1);
}

static int load(struct yaml_doc *doc, yaml_parser_t *parser, const char *yaml, size_t size,
		struct err *err)
{
	if (yaml_parser_load(parser, &doc->document))
		return 0;
	if (parser->error == YAML_MEMORY_ERROR)
		return err_set(err, -ENOMEM, "%s: out of memory", shown_name(doc->name));
	return err_set(err, -EINVAL, "%s:%zu: not YAML: %s%s%s", shown_name(doc->name),
		       line_of_problem(parser, yaml, size),
		       parser->problem ? parser->problem : "unreadable",
		       parser->context ? ", " : "", parser->context ? parser->context : "");
}

/* What comes after the document; libcyaml would pass over it in silence. */
static int check_end(struct yaml_doc *doc, yaml_parser_t *parser, const char *yaml, size_t size,
		     struct err *err)
{
	struct yaml_doc rest = { .name = doc->name };
	const yaml_node_t *root;
	int rc = load(&rest, parser, yaml, size, err);

	if (rc)
		return rc;
	root = yaml_document_get_root_node(&rest.document);
	if (root)
		rc = yaml_fail(&rest, err, "", "a second document; expected one");
	yaml_document_delete(&rest.document);
	return rc;
}

static int parse(struct yaml_doc *doc, yaml_parser_t *parser, const char *yaml, size_t size,
		 struct err *err)
{
	int rc;

	yaml_parser_set_input_string(parser, (const unsigned char *)yaml, size);
	rc = load(doc, parser, yaml, size, err);
	if (rc)
		return rc;
	if (!yaml_document_get_root_node(&doc->document))
		return err_set(err, -EINVAL, "%s:1: empty; expected \"rules:\" and a list",
			       shown_name(doc->name));
	return check_end(doc, parser, yaml, size, err);
}

int yaml_doc_open(struct yaml_doc **ret, const char *name, const char *yaml, size_t size,
		  struct err *err)
{
	CLEANUP(yaml_doc_freep) struct yaml_doc *doc = calloc(1, sizeof(*doc));
	yaml_parser_t parser;
	int rc;

	if (!doc || !yaml_parser_initialize(&parser))
		return err_set(err, -ENOMEM, "%s: out of memory", shown_name(name));
	doc->name = name;
	rc = parse(doc, &parser, yaml, size, err);
	yaml_parser_delete(&parser);
	if (!rc)
		*ret = TAKE_PTR(doc);
	return rc;
}

void yaml_doc_free(struct yaml_doc *doc)
{
	if (!doc)
		return;
	yaml_document_delete(&doc->document);
	free(doc);
}

/* The pair whose key the path begins with; the key may have dots itself: the longest of them, and
 * of equal ones the last, which is the one too many. */
static const yaml_node_pair_t *pair_on(const struct yaml_doc *doc, const yaml_node_t *mapping,
				       const char **path)
{
	const yaml_node_pair_t *found = NULL;
	size_t found_len = 0;

	for (size_t i = 0; i < pairs_of(mapping); i++) {
		const yaml_node_t *key = node_at(doc, pair_at(mapping, i)->key);
		size_t len = key->type == YAML_SCALAR_NODE ? key->data.scalar.length : 0;

		if (len && len >= found_len && !strncmp(*path, text_of(key), len) &&
		    strchr(".[", (*path)[len])) {
			found = pair_at(mapping, i);
			found_len = len;
		}
	}
	*path += found_len;
	return found;
}

/* One step along the path; NULL: it leads out of the document. */
static const yaml_node_t *step(const struct yaml_doc *doc, const yaml_node_t *node,
			       const char **path, size_t *line)
{
	const yaml_node_pair_t *pair;
	char *end;
	size_t i;

	if (**path == '[' && node->type == YAML_SEQUENCE_NODE) {
		i = strtoul(*path + 1, &end, 10);
		if (i >= (size_t)(node->data.sequence.items.top - node->data.sequence.items.start))
			return NULL;
		*path = *end ? end + 1 : end;
		node = node_at(doc, node->data.sequence.items.start[i]);
		*line = node->start_mark.line;
		return node;
	}
	*path += **path == '.';
	pair = node->type == YAML_MAPPING_NODE ? pair_on(doc, node, path) : NULL;
	if (!pair)
		return NULL;
	*line = node_at(doc, pair->key)->start_mark.line;
	return node_at(doc, pair->value);
}

/* NULL: there is nothing at path; the line is then of what comes nearest. */
static const yaml_node_t *find(const struct yaml_doc *doc, const char *path, size_t *line)
{
	const yaml_node_t *node = yaml_document_get_root_node((yaml_document_t *)&doc->document);

	*line = node->start_mark.line;
	while (node && *path)
		node = step(doc, node, &path, line);
	return node;
}

enum yaml_kind yaml_doc_kind(const struct yaml_doc *doc, const char *path)
{
	size_t line;
	const yaml_node_t *node = find(doc, path, &line);

	if (!node)
		return YAML_NOTHING;
	return node->type == YAML_SEQUENCE_NODE	 ? YAML_LIST
	       : node->type == YAML_MAPPING_NODE ? YAML_MAPPING
						 : YAML_TEXT;
}

bool yaml_doc_pair(const struct yaml_doc *doc, const char *path, size_t index, const char **ret_key,
		   const char **ret_value)
{
	size_t line;
	const yaml_node_t *node = find(doc, path, &line);

	if (!node || node->type != YAML_MAPPING_NODE || index >= pairs_of(node))
		return false;
	*ret_key = text_of(node_at(doc, pair_at(node, index)->key));
	*ret_value = text_of(node_at(doc, pair_at(node, index)->value));
	return true;
}

int yaml_fail(const struct yaml_doc *doc, struct err *err, const char *path, const char *fmt, ...)
{
	char text[sizeof(err->text)];
	va_list args;
	size_t line;

	if (!doc)
		return -EINVAL;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	(void)find(doc, path, &line);
	return err_set(err, -EINVAL, "%s:%zu: %s%s%s", shown_name(doc->name), line + 1, path,
		       *path ? ": " : "", text);
}

const char *yaml_path(char buf[static YAML_PATH_MAX], const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(buf, YAML_PATH_MAX, fmt, args);
	va_end(args);
	return buf;
}

/* A walk through the document in the order of its text. */
struct walk {
	const struct yaml_doc *doc;
	struct err *err;
	int last; /* node */
};

/* "a, b, c", as much of it as has room. */
struct words {
	char text[256];
	size_t len;
};

static void words_add(struct words *words, const char *word)
{
	int n = snprintf(words->text + words->len, sizeof(words->text) - words->len, "%s%s",
			 words->len ? ", " : "", word);

	words->len = MIN(words->len + (size_t)MAX(n, 0), sizeof(words->text) - 1);
}

static struct words keys_of(const cyaml_schema_field_t *fields)
{
	struct words words = { .len = 0 };

	for (; fields->key; fields++)
		words_add(&words, fields->key);
	return words;
}

static struct words enum_words(const cyaml_schema_value_t *schema)
{
	struct words words = { .len = 0 };

	for (u32 i = 0; i < schema->enumeration.count; i++)
		words_add(&words, schema->enumeration.strings[i].str);
	return words;
}

/* Nodes are numbered as they stand in the text: one that comes again is an alias. */
static const yaml_node_t *enter(struct walk *walk, int id, const char *path)
{
	if (id <= walk->last) {
		yaml_fail(walk->doc, walk->err, path, "an alias (*name); expected it written out");
		return NULL;
	}
	walk->last = id;
	return node_at(walk->doc, id);
}

/* NULL: it is no text. */
static const char *enter_text(struct walk *walk, int id, const char *path)
{
	const yaml_node_t *node = enter(walk, id, path);

	if (!node)
		return NULL;
	if (node->type != YAML_SCALAR_NODE) {
		yaml_fail(walk->doc, walk->err, path, "a %s; expected a text or a number",
			  node->type == YAML_SEQUENCE_NODE ? "list" : "mapping");
		return NULL;
	}
	if (memchr(node->data.scalar.value, '\0', node->data.scalar.length)) {
		yaml_fail(walk->doc, walk->err, path, "a NUL byte; expected a text");
		return NULL;
	}
	return text_of(node);
}

static int check_text(struct walk *walk, int id, const cyaml_schema_value_t *schema,
		      const char *path)
{
	const char *text = enter_text(walk, id, path);

	if (!text)
		return -EINVAL;
	if (strlen(text) > schema->string.max)
		return yaml_fail(walk->doc, walk->err, path, "%zu bytes; expected at most %u",
				 strlen(text), schema->string.max);
	return 0;
}

static int check_word(struct walk *walk, int id, const cyaml_schema_value_t *schema,
		      const char *path)
{
	const char *text = enter_text(walk, id, path);

	if (!text)
		return -EINVAL;
	for (u32 i = 0; i < schema->enumeration.count; i++) {
		if (!strcmp(schema->enumeration.strings[i].str, text))
			return 0;
	}
	return yaml_fail(walk->doc, walk->err, path, "\"%.64s\": expected one of: %s", text,
			 enum_words(schema).text);
}

static bool is_twice(const struct walk *walk, const yaml_node_t *mapping, size_t index)
{
	const char *key = text_of(node_at(walk->doc, pair_at(mapping, index)->key));

	for (size_t i = 0; i < index; i++) {
		if (!strcmp(text_of(node_at(walk->doc, pair_at(mapping, i)->key)), key))
			return true;
	}
	return false;
}

/* Writes the path of the pair, which is then known to have a key of its own. */
static const char *enter_key(struct walk *walk, const yaml_node_t *mapping, size_t index,
			     const char *path, char ret_path[static YAML_PATH_MAX])
{
	const char *key = enter_text(walk, pair_at(mapping, index)->key, path);

	if (!key)
		return NULL;
	yaml_path(ret_path, "%s%s%s", path, *path ? "." : "", key);
	if (is_twice(walk, mapping, index)) {
		yaml_fail(walk->doc, walk->err, ret_path, "given twice");
		return NULL;
	}
	return key;
}

static int check_pairs(struct walk *walk, int id, const char *path)
{
	static const cyaml_schema_value_t any_text = { .string.max = UINT32_MAX };
	const yaml_node_t *node = enter(walk, id, path);
	char below[YAML_PATH_MAX];

	if (!node)
		return -EINVAL;
	if (node->type != YAML_MAPPING_NODE)
		return yaml_fail(walk->doc, walk->err, path, "expected a mapping of keys to texts");
	if (pairs_of(node) > YAML_PAIRS_MAX)
		return yaml_fail(walk->doc, walk->err, path, "%zu keys; expected at most %d",
				 pairs_of(node), YAML_PAIRS_MAX);
	for (size_t i = 0; i < pairs_of(node); i++) {
		if (!enter_key(walk, node, i, path, below) ||
		    check_text(walk, pair_at(node, i)->value, &any_text, below))
			return -EINVAL;
	}
	return 0;
}

static int check_node(struct walk *walk, int id, const cyaml_schema_value_t *schema,
		      const char *path);

static const cyaml_schema_field_t *field_of(const cyaml_schema_field_t *fields, const char *key)
{
	for (; fields->key; fields++) {
		if (!strcmp(fields->key, key))
			return fields;
	}
	return NULL;
}

static int check_field(struct walk *walk, const yaml_node_t *mapping, size_t index,
		       const cyaml_schema_field_t *fields, const char *path)
{
	char below[YAML_PATH_MAX];
	const char *key = enter_key(walk, mapping, index, path, below);
	const cyaml_schema_field_t *field = key ? field_of(fields, key) : NULL;

	if (!key)
		return -EINVAL;
	if (!field)
		return yaml_fail(walk->doc, walk->err, below, "unknown key; expected one of: %s",
				 keys_of(fields).text);
	return check_node(walk, pair_at(mapping, index)->value, &field->value, below);
}

static bool has_key(const struct walk *walk, const yaml_node_t *mapping, const char *key)
{
	for (size_t i = 0; i < pairs_of(mapping); i++) {
		if (!strcmp(text_of(node_at(walk->doc, pair_at(mapping, i)->key)), key))
			return true;
	}
	return false;
}

static int check_mapping(struct walk *walk, int id, const cyaml_schema_value_t *schema,
			 const char *path)
{
	const cyaml_schema_field_t *fields = schema->mapping.fields;
	const yaml_node_t *node = enter(walk, id, path);
	int rc = 0;

	if (!node)
		return -EINVAL;
	if (node->type != YAML_MAPPING_NODE)
		return yaml_fail(walk->doc, walk->err, path, "expected a mapping with keys of: %s",
				 keys_of(fields).text);
	for (size_t i = 0; !rc && i < pairs_of(node); i++)
		rc = check_field(walk, node, i, fields, path);
	for (; !rc && fields->key; fields++) {
		if (!(fields->value.flags & CYAML_FLAG_OPTIONAL) &&
		    !has_key(walk, node, fields->key))
			rc = yaml_fail(walk->doc, walk->err, path, "lacks the key \"%s\"",
				       fields->key);
	}
	return rc;
}

static int check_list(struct walk *walk, int id, const cyaml_schema_value_t *schema,
		      const char *path)
{
	const yaml_node_t *node = enter(walk, id, path);
	char below[YAML_PATH_MAX];
	size_t count;
	int rc = 0;

	if (!node)
		return -EINVAL;
	if (node->type != YAML_SEQUENCE_NODE)
		return yaml_fail(walk->doc, walk->err, path, "expected a list");
	count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
	if (count > schema->sequence.max)
		return yaml_fail(walk->doc, walk->err, path, "%zu entries; expected at most %u",
				 count, schema->sequence.max);
	for (size_t i = 0; !rc && i < count; i++)
		rc = check_node(walk, node->data.sequence.items.start[i], schema->sequence.entry,
				yaml_path(below, "%s[%zu]", path, i));
	return rc;
}

static int check_node(struct walk *walk, int id, const cyaml_schema_value_t *schema,
		      const char *path)
{
	switch (schema->type) {
	case CYAML_MAPPING:
		return check_mapping(walk, id, schema, path);
	case CYAML_SEQUENCE:
		return check_list(walk, id, schema, path);
	case CYAML_ENUM:
		return check_word(walk, id, schema, path);
	case CYAML_IGNORE:
		return check_pairs(walk, id, path);
	default:
		return check_text(walk, id, schema, path);
	}
}

int yaml_doc_check(const struct yaml_doc *doc, const cyaml_schema_value_t *schema, struct err *err)
{
	struct walk walk = { .doc = doc, .err = err };

	return check_node(&walk, 1, schema, "");
}
