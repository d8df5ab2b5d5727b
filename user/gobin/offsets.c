/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/offsets.h"

#include <errno.h>

#ifndef __x86_64__
#error "the table of offsets is amd64's: generate this architecture's with scripts/gen-offsets"
#endif

struct offset_row {
	enum go_field field;
	u16 min_minor, max_minor; /* Go 1.min … 1.max */
	u32 offset, size;
};

#include "gobin/offsets_table.gen.h"

bool go_version_known(const struct goversion *version)
{
	if (version->major != 1 || version->experiment)
		return false; /* an experiment may change any struct of the runtime */
	for (size_t i = 0; i < ARRAY_SIZE(known_minors); i++)
		if (known_minors[i] == version->minor)
			return true;
	return false;
}

int go_field_offset(const struct goversion *version, enum go_field field, struct go_offset *ret)
{
	if (!go_version_known(version))
		return -ENOENT;
	for (size_t i = 0; i < ARRAY_SIZE(offset_rows); i++) {
		const struct offset_row *row = &offset_rows[i];

		if (row->field != field || version->minor < row->min_minor ||
		    version->minor > row->max_minor)
			continue;
		*ret = (struct go_offset) {
			.offset = row->offset,
			.size = row->size,
			.how = "table made from this version's debug information",
		};
		return 0;
	}
	return -ENOENT;
}

const char *go_field_name(enum go_field field)
{
	return field < GO_FIELD_COUNT ? field_names[field] : "?";
}
