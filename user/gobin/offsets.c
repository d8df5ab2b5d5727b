/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/offsets.h"

#include <errno.h>
#include <string.h>

#include "gobin/buildinfo.h"

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

/*
 * Experiments whose flag no file of the runtime reads (1.19 to 1.27: grep of runtime and
 * internal/runtime), but those that only choose functions: cgocheck2, swissmap, simd. Others are
 * left out on purpose: staticlockranking widens every mutex, pagetrace a p, exectracer2 an m.
 */
static const char *const harmless[] = {
	"aliastypeparams", "arenas",	 "boringcrypto",
	"cacheprog",	   "cgocheck2",	 "coverageredesign",
	"dwarf5",	   "fieldtrack", "heapminimum512kib",
	"jsonv2",	   "loopvar",	 "newinliner",
	"rangefunc",	   "simd",	 "swissmap",
	"synchashtriemap", "synctest",	 "unified",
};

enum { FIRST_MINOR_READ = 19 }; /* the oldest whose source was searched for the flags */

static bool is_harmless(struct bytes name)
{
	if (name.size > 2 && memcmp(name.data, "no", 2) == 0)
		name = bytes_slice(name, 2, name.size - 2);
	for (size_t i = 0; i < ARRAY_SIZE(harmless); i++)
		if (strlen(harmless[i]) == name.size &&
		    memcmp(name.data, harmless[i], name.size) == 0)
			return true;
	return false;
}

static bool all_harmless(struct bytes experiments)
{
	struct bytes name;

	while (goversion_next_experiment(&experiments, &name))
		if (!is_harmless(name))
			return false;
	return true;
}

struct goversion go_table_version(const struct gobin_info *info)
{
	struct goversion version = info->version;
	struct bytes text = { (const u8 *)info->version_text, strlen(info->version_text) };
	struct bytes experiments = goversion_experiments(text);
	bool release = strncmp(info->version_text, "go", 2) == 0;

	if (experiments.size)
		version.experiment =
			!release || version.minor < FIRST_MINOR_READ || !all_harmless(experiments);
	return version;
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
