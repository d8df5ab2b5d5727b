/* SPDX-License-Identifier: BSD-2-Clause */
#include "alert/yaml_load.h"

#include <cyaml/cyaml.h>
#include <errno.h>

#include <gosonde/types.h>

static const cyaml_config_t config = {
	.mem_fn = cyaml_mem,
	.flags = CYAML_CFG_NO_ALIAS,
};

int yaml_load(void **ret, const struct cyaml_schema_value *schema, const struct yaml_doc *doc,
	      const char *name, const char *yaml, size_t size, struct err *err)
{
	cyaml_data_t *data = NULL;
	cyaml_err_t code;
	int rc = yaml_doc_check(doc, schema, err);

	if (rc)
		return rc;
	code = cyaml_load_data((const u8 *)yaml, size, &config, schema, &data, NULL);
	if (code != CYAML_OK)
		return err_set(err, code == CYAML_ERR_OOM ? -ENOMEM : -EINVAL, "%s: %s", name,
			       cyaml_strerror(code));
	*ret = data;
	return 0;
}

void yaml_unload(const struct cyaml_schema_value *schema, void *data)
{
	if (data)
		cyaml_free(&config, schema, data, 0);
}
