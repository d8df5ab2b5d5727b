/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A YAML document with its lines. libcyaml loads texts into structs, but says of
 * an error only what and roughly where; this checks a document against
 * libcyaml's own schema first, and for whoever finds something wrong later puts
 * the place before the message: "rules.yaml:12: rules[3].raise: …".
 *
 * A path is what stands after the file and the line there: keys with "." between, entries of lists
 * as "[0]".
 */
#ifndef ALERT_YAML_DOC_H
#define ALERT_YAML_DOC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/macros.h"

struct cyaml_schema_value;

enum {
	YAML_PATH_MAX = 192,
	YAML_PAIRS_MAX = 16, /* of a mapping whose keys are free */
};

struct yaml_doc;

/*
 * name: of the file, for messages; borrowed.
 * Returns 0; -EINVAL (no YAML, no document or more than one: err says where), -ENOMEM.
 */
int yaml_doc_open(struct yaml_doc **ret, const char *name, const char *yaml, size_t size,
		  struct err *err);
void yaml_doc_free(struct yaml_doc *doc);
DEFINE_FREEP(struct yaml_doc, yaml_doc_free)

/*
 * Whether the document is what the schema says: kinds, keys, words, lengths; no key twice, no
 * alias (it may refer to itself or multiply). The schema's mappings, lists, texts and words are
 * known here; CYAML_IGNORE is a mapping of free keys to texts, to be read with yaml_doc_pair().
 * Returns 0, or -EINVAL: err says where, what, and what was expected.
 */
int yaml_doc_check(const struct yaml_doc *doc, const struct cyaml_schema_value *schema,
		   struct err *err);

enum yaml_kind { YAML_NOTHING, YAML_TEXT, YAML_LIST, YAML_MAPPING };

/* Of what stands at path. */
enum yaml_kind yaml_doc_kind(const struct yaml_doc *doc, const char *path);

/* The index-th pair of the mapping at path, borrowed; false: there are no more. */
bool yaml_doc_pair(const struct yaml_doc *doc, const char *path, size_t index, const char **ret_key,
		   const char **ret_value);

/*
 * Writes "NAME:LINE: PATH: <formatted text>" into err; the line of what is missing is that of what
 * it is missing from. doc may be NULL: nobody reads err. Returns -EINVAL.
 */
int yaml_fail(const struct yaml_doc *doc, struct err *err, const char *path, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/* Writes a path. Returns buf. */
const char *yaml_path(char buf[static YAML_PATH_MAX], const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
