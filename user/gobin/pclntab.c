/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/pclntab.h"

#include <errno.h>
#include <string.h>

#include "gobin/pclntab_priv.h"

enum {
	FIXED_BYTES = 8,	  /* magic, two zeros, quantum, pointer size */
	MAX_FUNCTIONS = 1 << 22,  /* ten times the largest programs */
	MAX_NAME_BYTES = 1 << 16, /* instantiated generic names reach some thousands */
};

/* go/src/debug/gosym/pclntab.go names the layouts; runtime/symtab.go and runtime2.go have the
 * structs. */
static const struct pclntab_layout layouts[] = {
	{ .min_minor = 15,
	  .max_minor = 15,
	  .magic = 0xfffffffb,
	  .entry_bytes = 8,
	  .func_name = 8,
	  .func_pcfile = 24,
	  .func_pcln = 28 },
	{ .min_minor = 16,
	  .max_minor = 17,
	  .magic = 0xfffffffa,
	  .entry_bytes = 8,
	  .has_header = true,
	  .func_name = 8,
	  .func_pcfile = 24,
	  .func_pcln = 28,
	  .func_cu = 36 },
	{ .min_minor = 18,
	  .max_minor = 19,
	  .magic = 0xfffffff0,
	  .entry_bytes = 4,
	  .has_header = true,
	  .has_text_start = true,
	  .func_name = 4,
	  .func_pcfile = 20,
	  .func_pcln = 24,
	  .func_cu = 32 },
	/* A later release that changes the layout changes the magic, as all did so far. */
	{ .min_minor = 20,
	  .max_minor = 0xffff,
	  .magic = 0xfffffff1,
	  .entry_bytes = 4,
	  .has_header = true,
	  .has_text_start = true,
	  .func_name = 4,
	  .func_pcfile = 20,
	  .func_pcln = 24,
	  .func_cu = 32 },
};

const struct pclntab_layout *pclntab_layout(const struct goversion *version)
{
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++)
		if (version->major == 1 && version->minor >= layouts[i].min_minor &&
		    version->minor <= layouts[i].max_minor)
			return &layouts[i];
	return NULL;
}

/* Whether a table of that layout seems to start here. */
static bool is_at(const struct pclntab_layout *layout, struct bytes bytes)
{
	struct cursor c = cursor_at(bytes, 0);
	u32 magic = cursor_u32(&c);
	u16 zeros = cursor_u16(&c);
	u8 quantum = cursor_u8(&c), pointer_bytes = cursor_u8(&c);

	return !cursor_failed(&c) && magic == layout->magic && zeros == 0 &&
	       (quantum == 1 || quantum == 2 || quantum == 4) && pointer_bytes == sizeof(u64);
}

/* Go 1.15: one block, every offset counts from its start. */
static bool init_headless(struct pclntab *tab, struct bytes table, u64 *ret_functab)
{
	struct cursor c = cursor_at(table, *ret_functab + (u64)tab->count * 2 * sizeof(u64));
	u32 files;

	cursor_skip(&c, sizeof(u64)); /* the end of the last function */
	files = cursor_u32(&c);
	if (cursor_failed(&c) || files > table.size)
		return false;
	tab->funcs = tab->names = tab->pcvalues = table;
	tab->units = (struct bytes) { 0 };
	tab->files = bytes_slice(table, files, table.size - files);
	return true;
}

/* Go >= 1.16: the header names the parts, which follow each other in this order. */
static bool init_parts(struct pclntab *tab, struct bytes table, struct cursor *c, u64 *ret_functab)
{
	u64 names, units, files, pcvalues, funcs;

	cursor_skip(c, sizeof(u64)); /* number of files */
	if (tab->layout->has_text_start)
		cursor_skip(c, sizeof(u64));
	names = cursor_u64(c);
	units = cursor_u64(c);
	files = cursor_u64(c);
	pcvalues = cursor_u64(c);
	funcs = cursor_u64(c);
	if (cursor_failed(c) || names > units || units > files || files > pcvalues ||
	    pcvalues > funcs || funcs > table.size)
		return false;
	tab->names = bytes_slice(table, names, units - names);
	tab->units = bytes_slice(table, units, files - units);
	tab->files = bytes_slice(table, files, pcvalues - files);
	tab->pcvalues = bytes_slice(table, pcvalues, funcs - pcvalues);
	tab->funcs = bytes_slice(table, funcs, table.size - funcs);
	*ret_functab = funcs;
	return true;
}

const struct pclntab_layout *pclntab_layout_at(struct bytes bytes)
{
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++)
		if (is_at(&layouts[i], bytes))
			return &layouts[i];
	return NULL;
}

int pclntab_init(struct pclntab *ret, const struct elf_image *elf,
		 const struct pclntab_layout *layout, u64 addr, struct err *err)
{
	struct bytes table = elf_image_tail(elf, addr);
	struct cursor c = cursor_at(table, FIXED_BYTES);
	struct pclntab tab = { .layout = layout, .addr = addr };
	u64 count, functab, functab_size;

	if (!is_at(layout, table))
		return err_set(err, -EBADMSG, "no function table at %#llx", addr);
	tab.quantum = table.data[6];
	count = cursor_u64(&c);
	if (cursor_failed(&c) || !count || count > MAX_FUNCTIONS)
		return err_set(err, -EBADMSG, "function table at %#llx: %llu functions", addr,
			       count);
	tab.count = (u32)count;
	functab = c.pos;
	if (!(layout->has_header ? init_parts(&tab, table, &c, &functab)
				 : init_headless(&tab, table, &functab)))
		return err_set(err, -EBADMSG,
			       "function table at %#llx: its parts overlap or end "
			       "past %#zx",
			       addr, table.size);
	tab.functab_addr = addr + functab;
	functab_size = (count * 2 + 1) * layout->entry_bytes;
	tab.functab = bytes_slice(table, functab, functab_size);
	if (!tab.functab.data)
		return err_set(err, -EBADMSG, "function table at %#llx: cut short", addr);
	*ret = tab;
	return 0;
}

/* The n-th word of the functab: entry and offset of each function in turn. */
static u64 functab_word(const struct pclntab *tab, size_t n)
{
	struct cursor c = cursor_at(tab->functab, n * tab->layout->entry_bytes);

	return tab->layout->entry_bytes == sizeof(u64) ? cursor_u64(&c) : cursor_u32(&c);
}

u64 pclntab_entry(const struct pclntab *tab, size_t i)
{
	return tab->text + functab_word(tab, 2 * i);
}

/* In a PIE the loader fills absolute entries in, so the file's bytes need not have them. */
static int relocate(struct pclntab *tab, const struct elf_image *elf, struct err *err)
{
	size_t words = tab->functab.size / sizeof(u64);

	tab->relocated = malloc(tab->functab.size);
	if (!tab->relocated)
		return err_set(err, -ENOMEM, "%zu words of the function table", words);
	if (elf_image_words(elf, tab->functab_addr, tab->relocated, words))
		return err_set(err, -EBADMSG, "function table at %#llx: cut short", tab->addr);
	tab->functab.data = (const u8 *)tab->relocated;
	return 0;
}

int pclntab_bind(struct pclntab *tab, const struct elf_image *elf, u64 text, u64 etext,
		 struct err *err)
{
	bool absolute = tab->layout->entry_bytes == sizeof(u64);
	u64 before = text;
	int rc;

	if (absolute && elf->pie) {
		rc = relocate(tab, elf, err);
		if (rc)
			return rc;
	}
	tab->text = absolute ? 0 : text;
	for (size_t i = 0; i <= tab->count; i++) {
		u64 entry = pclntab_entry(tab, i);

		if (entry < before || entry > etext)
			return err_set(err, -EBADMSG,
				       "function %zu of %u at %#llx, after %#llx, text %#llx-%#llx",
				       i, tab->count, entry, before, text, etext);
		before = entry;
	}
	return 0;
}

void pclntab_done(struct pclntab *tab)
{
	free(tab->relocated);
	tab->relocated = NULL;
}

struct cursor pclntab_func_at(const struct pclntab *tab, size_t i, size_t field)
{
	struct cursor c = cursor_at(tab->funcs, functab_word(tab, 2 * i + 1));

	cursor_skip(&c, field);
	return c;
}

int pclntab_func(const struct pclntab *tab, size_t i, struct gobin_func *ret)
{
	struct cursor c;
	const char *name;
	u32 offset;

	if (i >= tab->count)
		return -ENOENT;
	c = pclntab_func_at(tab, i, tab->layout->func_name);
	offset = cursor_u32(&c);
	if (cursor_failed(&c))
		return -EBADMSG;
	c = cursor_at(tab->names, offset);
	name = cursor_cstr(&c, MAX_NAME_BYTES);
	if (!name)
		return -EBADMSG;
	ret->name = name;
	ret->addr = pclntab_entry(tab, i);
	ret->size = pclntab_entry(tab, i + 1) - ret->addr;
	return 0;
}

int pclntab_find(const struct pclntab *tab, u64 pc, size_t *ret)
{
	size_t low = 0, high = tab->count; /* entry(low) <= pc < entry(high) */

	if (pc < pclntab_entry(tab, low) || pc >= pclntab_entry(tab, high))
		return -ENOENT;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (pclntab_entry(tab, middle) <= pc)
			low = middle;
		else
			high = middle;
	}
	*ret = low;
	return 0;
}
