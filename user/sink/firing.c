/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/firing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void firing_set(struct firing *firing, const char *identity, const char *text)
{
	char *key, *value;

	firing_clear(firing, identity);
	key = strdup(identity);
	value = strdup(text);
	if (!key || !value || firing->count == FIRING_MAX) {
		free(key);
		free(value);
		firing->refused++;
		return;
	}
	firing->alert[firing->count].identity = key;
	firing->alert[firing->count++].text = value;
}

void firing_clear(struct firing *firing, const char *identity)
{
	size_t i = find(firing, identity);

	if (i < firing->count)
		remove_at(firing, i);
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
