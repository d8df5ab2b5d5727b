/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/places.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

static int by_value(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static int by_text(const void *a, const void *b, void *arg)
{
	const struct places *places = arg;
	const struct place *x = &places->at[*(const u32 *)a], *y = &places->at[*(const u32 *)b];
	int order = strcmp(x->text, y->text);

	return order ? order : x->pc < y->pc ? -1 : x->pc > y->pc;
}

/* Keeps one of each. */
static size_t unique(u64 *pcs, size_t n)
{
	size_t kept = 0;

	if (n)
		qsort(pcs, n, sizeof(*pcs), by_value);
	for (size_t i = 0; i < n; i++)
		if (!kept || pcs[kept - 1] != pcs[i])
			pcs[kept++] = pcs[i];
	return kept;
}

static char *name_place(u64 pc, const struct names *names, enum place_kind kind)
{
	char text[PLACE_BYTES];

	if (!pc)
		return strdup(kind == PLACE_CREATOR ? "(the runtime)" : "(C code)");
	if (kind == PLACE_CREATOR)
		(void)names->frame(names->arg, pc, true, text, sizeof(text));
	else
		(void)names->func(names->arg, pc, false, text, sizeof(text));
	return strdup(text);
}

/* The number of a name is the index of the first place that has it. */
static int number_places(struct places *places)
{
	CLEANUP(freep) u32 *order = calloc(places->count, sizeof(*order));
	const struct place *before = NULL;

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < places->count; i++)
		order[i] = (u32)i;
	qsort_r(order, places->count, sizeof(*order), by_text, places);
	for (size_t i = 0; i < places->count; i++) {
		struct place *place = &places->at[order[i]];
		bool same = before && strcmp(place->text, before->text) == 0;

		place->number = same ? before->number : order[i];
		before = place;
	}
	return 0;
}

int places_name(struct places *ret, u64 *pcs, size_t n, const struct names *names,
		enum place_kind kind)
{
	CLEANUP(places_done) struct places places = { 0 };
	size_t count = unique(pcs, n);
	int rc;

	count = MIN(count, (size_t)PLACES_MAX);
	places.at = calloc(count + 1, sizeof(*places.at));
	if (!places.at)
		return -ENOMEM;
	for (; places.count <= count; places.count++) {
		struct place *place = &places.at[places.count];
		bool last = places.count == count;

		place->pc = last ? ~0ULL : pcs[places.count];
		place->text = last ? strdup("(other places)") : name_place(place->pc, names, kind);
		if (!place->text)
			return -ENOMEM;
	}
	rc = number_places(&places);
	if (rc)
		return rc;
	*ret = places;
	places = (struct places) { 0 };
	return 0;
}

void places_done(struct places *places)
{
	for (size_t i = 0; i < places->count; i++)
		free(places->at[i].text);
	free(places->at);
}

u32 places_number(const struct places *places, u64 pc)
{
	size_t low = 0, high = places->count - 1;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (places->at[mid].pc < pc)
			low = mid + 1;
		else
			high = mid;
	}
	return places->at[low].pc == pc ? places->at[low].number
					: places->at[places->count - 1].number;
}

const char *places_text(const struct places *places, u32 number)
{
	return places->at[number].text;
}
