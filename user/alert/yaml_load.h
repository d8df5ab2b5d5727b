/* SPDX-License-Identifier: BSD-2-Clause */
/* A document that yaml_doc.h has checked, into the structs of its schema. */
#ifndef ALERT_YAML_LOAD_H
#define ALERT_YAML_LOAD_H

#include "alert/yaml_doc.h"

/*
 * Checks and loads. *ret is what the schema's top says, to be given to yaml_unload().
 * Returns 0, -EINVAL (err says where, and what was expected), or -ENOMEM.
 */
int yaml_load(void **ret, const struct cyaml_schema_value *schema, const struct yaml_doc *doc,
	      const char *name, const char *yaml, size_t size, struct err *err);

/* NULL is fine. */
void yaml_unload(const struct cyaml_schema_value *schema, void *data);

#endif
