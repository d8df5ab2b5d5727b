/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/firing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

/* Its index, or count. */
static size_t find(const struct firing *firing, const char *identity)
{
	size_t i = 0;

	while (i < firing->count && strcmp(firing->alert[i].identity, identity) != 0)
		i++;
	return i;
}

static void remove_at(struct firing *firing, size_t i)
{
	free(firing->alert[i].identity);
	free(firing->alert[i].text);
	firing->alert[i] = firing->alert[--firing->count];
}

/* With none held; its index, or FIRING_MAX. */
static size_t add(struct firing *firing, const char *identity)
{
	char *key = firing->count < FIRING_MAX ? strdup(identity) : NULL;

	if (!key)
		return FIRING_MAX;
	memset(&firing->alert[firing->count], 0, sizeof(firing->alert[0]));
	firing->alert[firing->count].identity = key;
	return firing->count++;
}

void firing_set(struct firing *firing, const char *identity, const char *text)
{
	CLEANUP(freep) char *value = strdup(text);
	size_t i = find(firing, identity);

	if (value && i == firing->count)
		i = add(firing, identity);
	if (!value || i == FIRING_MAX) {
		firing->refused++;
		return;
	}
	free(firing->alert[i].text);
	firing->alert[i].text = TAKE_PTR(value);
	firing->alert[i].held++;
}

const char *firing_clear(struct firing *firing, const char *identity)
{
	size_t i = find(firing, identity);

	if (i == firing->count)
		return NULL;
	if (--firing->alert[i].held)
		return firing->alert[i].text;
	remove_at(firing, i);
	return NULL;
}

char *firing_texts(const struct firing *firing, size_t *ret_len)
{
	char *text = NULL;
	FILE *out = firing->count ? open_memstream(&text, ret_len) : NULL;

	if (!out)
		return NULL;
	for (size_t i = 0; i < firing->count; i++)
		fprintf(out, "%c%s", i ? ',' : '[', firing->alert[i].text);
	fputc(']', out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

void firing_done(struct firing *firing)
{
	while (firing->count)
		remove_at(firing, firing->count - 1);
}
