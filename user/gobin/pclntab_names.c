/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/pclntab_names.h"

#include <errno.h>
#include <string.h>

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

int pclntab_names_init(struct pclntab_names *ret, const struct pclntab *tab, struct err *err)
{
	CLEANUP(freep) struct pclntab_name *sorted = calloc(tab->count, sizeof(*sorted));
	struct gobin_func func;

	if (!sorted)
		return err_set(err, -ENOMEM, "index of %u functions", tab->count);
	for (u32 i = 0; i < tab->count; i++) {
		if (pclntab_func(tab, i, &func))
			return err_set(err, -EBADMSG, "function %u of %u has no name", i,
				       tab->count);
		sorted[i] = (struct pclntab_name) { .hash = hash_name(func.name), .index = i };
	}
	qsort(sorted, tab->count, sizeof(*sorted), compare);
	ret->sorted = TAKE_PTR(sorted);
	ret->count = tab->count;
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

int pclntab_names_find(const struct pclntab_names *names, const struct pclntab *tab,
		       const char *name, struct gobin_func *ret)
{
	u32 hash = hash_name(name);
	size_t i = lower_bound(names, hash);
	struct gobin_func func;

	for (; i < names->count && names->sorted[i].hash == hash; i++) {
		if (pclntab_func(tab, names->sorted[i].index, &func) ||
		    strcmp(func.name, name) != 0)
			continue;
		*ret = func;
		return 0;
	}
	return -ENOENT;
}
