/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/pclntab.h"

#include <errno.h>

#include "gobin/pclntab_priv.h"

enum { MAX_FILE_BYTES = 1 << 12 };

#define NO_FILE                                                                                    \
	0xffffffffu /* in cutab: the linker dropped the file, cmd/link/internal/ld/pcln.go */

static s32 unzigzag(u64 value)
{
	return (s32)((u32)value >> 1 ^ -((u32)value & 1));
}

/* Pairs of (difference of the value, length of its stretch): step() in runtime/symtab.go. */
bool pclntab_value(const struct pclntab *tab, u32 table, const struct gobin_func *func, u64 pc,
		   u64 *steps, s32 *ret)
{
	struct cursor c = cursor_at(tab->pcvalues, table);
	u64 most = func->size + 2; /* each stretch has an instruction, so this bounds them */
	u64 at = func->addr;
	s32 value = -1;

	if (!table)
		return false; /* the function has no such table */
	for (u64 i = 0; i < most && *steps; i++, --*steps) {
		u64 delta = cursor_uvarint(&c);

		if (delta == 0 && i > 0)
			return false;
		value = (s32)((u32)value + (u32)unzigzag(delta));
		at += cursor_uvarint(&c) * tab->quantum;
		if (cursor_failed(&c))
			return false;
		if (pc < at) {
			*ret = value;
			return true;
		}
	}
	return false;
}

/* Go 1.15 numbers files in one table, which has the offsets of their names from the start. */
static const char *file_of_table(const struct pclntab *tab, u32 file)
{
	struct cursor c = cursor_at(tab->files, (u64)file * sizeof(u32));
	u32 offset = cursor_u32(&c);

	if (cursor_failed(&c) || !offset)
		return NULL;
	c = cursor_at(tab->names, offset);
	return cursor_cstr(&c, MAX_FILE_BYTES);
}

/* Later releases number them by compilation unit. */
static const char *file_of_unit(const struct pclntab *tab, size_t i, u32 file)
{
	struct cursor c = pclntab_func_at(tab, i, tab->layout->func_cu);
	u64 unit = cursor_u32(&c);
	u32 offset;

	if (cursor_failed(&c))
		return NULL;
	c = cursor_at(tab->units, (unit + file) * sizeof(u32));
	offset = cursor_u32(&c);
	if (cursor_failed(&c) || offset == NO_FILE)
		return NULL;
	c = cursor_at(tab->files, offset);
	return cursor_cstr(&c, MAX_FILE_BYTES);
}

static const char *file_name(const struct pclntab *tab, size_t i, s32 file)
{
	const char *name = NULL;

	if (file >= 0)
		name = tab->layout->has_header ? file_of_unit(tab, i, (u32)file)
					       : file_of_table(tab, (u32)file);
	return name ? name : "?";
}

int pclntab_line(const struct pclntab *tab, size_t i, u64 pc, u64 *steps, struct gobin_line *ret)
{
	struct gobin_func func;
	struct cursor c;
	u32 pcfile, pcln;
	s32 file = -1, line = 0;
	int rc = pclntab_func(tab, i, &func);

	if (rc)
		return rc;
	c = pclntab_func_at(tab, i, tab->layout->func_pcfile);
	pcfile = cursor_u32(&c);
	c = pclntab_func_at(tab, i, tab->layout->func_pcln);
	pcln = cursor_u32(&c);
	if (!pclntab_value(tab, pcfile, &func, pc, steps, &file))
		file = -1;
	if (!pclntab_value(tab, pcln, &func, pc, steps, &line) || line < 0)
		line = 0;
	*ret = (struct gobin_line) {
		.func = func.name,
		.file = file_name(tab, i, file),
		.line = (u32)line,
	};
	return 0;
}
