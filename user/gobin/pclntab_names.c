/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/pclntab_names.h"

#include <errno.h>
#include <string.h>

#include "base/grow.h"
#include "gobin/pclntab_priv.h"

/* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/ */
static u32 hash_name(const char *name)
{
	u32 hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (u8)*name) * 16777619u;
	return hash;
}

static int compare(const void *a, const void *b)
{
	const struct pclntab_name *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* Many functions may share a name; a hostile table has one of 64 KiB for each of its millions. */
enum { MAX_TEXT_BYTES = 1 << 30 };

/* After so many functions the pages that were read are given back: 64 Ki are some megabytes. */
enum { WINDOW_FUNCTIONS = 1 << 16 };

static bool is_indexed(const char *name)
{
	return strncmp(name, "runtime.", 8) == 0 || strncmp(name, "internal/runtime/", 17) == 0;
}

static void release(const struct elf_image *elf, const struct pclntab *tab)
{
	elf_image_release(elf, tab->funcs);
	elf_image_release(elf, tab->names);
}

static int add(struct pclntab_names *names, const char *name, u32 index, struct err *err)
{
	if (!GROW(names->sorted, &names->capacity, names->count + 1))
		return err_set(err, -ENOMEM, "index of %zu functions", names->count + 1);
	names->sorted[names->count++] =
		(struct pclntab_name) { .hash = hash_name(name), .index = index };
	return 0;
}

int pclntab_names_init(struct pclntab_names *ret, const struct elf_image *elf,
		       const struct pclntab *tab, struct err *err)
{
	CLEANUP(pclntab_names_done) struct pclntab_names names = { 0 };
	struct gobin_func func;
	size_t text = 0;

	for (u32 i = 0; i < tab->count; i++) {
		if (pclntab_func(tab, i, &func))
			return err_set(err, -EBADMSG, "function %u of %u has no name", i,
				       tab->count);
		text += strlen(func.name);
		if (text > MAX_TEXT_BYTES)
			return err_set(err, -EBADMSG, "the names of %u functions exceed %d bytes",
				       i + 1, MAX_TEXT_BYTES);
		if (is_indexed(func.name) && add(&names, func.name, i, err))
			return -ENOMEM;
		if (i % WINDOW_FUNCTIONS == WINDOW_FUNCTIONS - 1)
			release(elf, tab);
	}
	release(elf, tab);
	if (names.count)
		qsort(names.sorted, names.count, sizeof(*names.sorted), compare);
	*ret = names;
	names.sorted = NULL;
	return 0;
}

void pclntab_names_done(struct pclntab_names *names)
{
	free(names->sorted);
	*names = (struct pclntab_names) { 0 };
}

/* The first entry whose hash is not below the wanted one. */
static size_t lower_bound(const struct pclntab_names *names, u32 hash)
{
	size_t low = 0, high = names->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (names->sorted[middle].hash < hash)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool has_name(const struct pclntab *tab, size_t i, const char *name, size_t size)
{
	struct cursor c = pclntab_func_at(tab, i, tab->layout->func_name);
	struct bytes text = bytes_slice(tab->names, cursor_u32(&c), size);

	return text.data && memcmp(text.data, name, size) == 0;
}

static int find_unindexed(const struct elf_image *elf, const struct pclntab *tab, const char *name,
			  struct gobin_func *ret)
{
	size_t size = strlen(name) + 1; /* with its NUL, else a longer name would match */
	int rc = -ENOENT;

	for (size_t i = 0; i < tab->count && rc; i++) {
		if (has_name(tab, i, name, size))
			rc = pclntab_func(tab, i, ret);
		if (i % WINDOW_FUNCTIONS == WINDOW_FUNCTIONS - 1)
			release(elf, tab);
	}
	release(elf, tab);
	return rc;
}

int pclntab_names_find(const struct pclntab_names *names, const struct elf_image *elf,
		       const struct pclntab *tab, const char *name, struct gobin_func *ret)
{
	u32 hash = hash_name(name);
	size_t i = lower_bound(names, hash);
	struct gobin_func func;

	if (!is_indexed(name))
		return find_unindexed(elf, tab, name, ret);
	for (; i < names->count && names->sorted[i].hash == hash; i++) {
		if (pclntab_func(tab, names->sorted[i].index, &func) ||
		    strcmp(func.name, name) != 0)
			continue;
		*ret = func;
		return 0;
	}
	return -ENOENT;
}
