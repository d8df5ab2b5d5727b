/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/modules.h"

#include <errno.h>

int go_plugins(const struct go_process *p, u64 ret_text[static GO_PLUGINS_MAX])
{
	u64 module = gobin_moduledata(p->bin) + p->bias;
	struct go_offset next, text;
	int n, rc;

	if (go_layout_offset(p->layout, GO_MODULEDATA_NEXT, &next) ||
	    go_layout_offset(p->layout, GO_MODULEDATA_TEXT, &text))
		return -ENOENT;
	for (n = 0; n <= GO_PLUGINS_MAX; n++) {
		rc = p->mem.read(p->mem.arg, module + next.offset, &module, sizeof(module));
		if (rc)
			return rc;
		if (!module)
			break;
		if (n == GO_PLUGINS_MAX)
			return n + 1;
		rc = p->mem.read(p->mem.arg, module + text.offset, &ret_text[n], sizeof(*ret_text));
		if (rc)
			return rc;
	}
	return n;
}
