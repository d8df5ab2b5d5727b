/* SPDX-License-Identifier: BSD-2-Clause */
#include "alert/labels.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"

const char *label_check(const char *name, const char *value)
{
	char escaped[TEXT_ESCAPED_SIZE(LABEL_VALUE_MAX + 1)];

	if (!*name || strlen(name) > LABEL_NAME_MAX || !strchr(LETTERS, *name) ||
	    name[strspn(name, LETTERS "0123456789")] || !strncmp(name, "__", 2))
		return "expected a name of letters, digits and \"_\", not with a digit or \"__\" "
		       "at its front, of at most 32 bytes";
	if (strlen(value) > LABEL_VALUE_MAX)
		return "expected at most 128 bytes";
	if (strcmp(text_escape(escaped, sizeof(escaped), value), value) != 0)
		return "expected printable text";
	return NULL;
}

static size_t bytes_of(const struct labels *labels)
{
	size_t bytes = 0;

	for (size_t i = 0; i < labels->count; i++)
		bytes += strlen(labels->label[i]->name) + strlen(labels->label[i]->value);
	return bytes;
}

const struct label *labels_find(const struct labels *labels, const char *name)
{
	for (size_t i = 0; i < labels->count; i++) {
		if (!strcmp(labels->label[i]->name, name))
			return labels->label[i];
	}
	return NULL;
}

bool labels_equal(const struct labels *a, const struct labels *b)
{
	for (size_t i = 0; i < a->count; i++) {
		const struct label *other = labels_find(b, a->label[i]->name);

		if (!other || strcmp(other->value, a->label[i]->value) != 0)
			return false;
	}
	return a->count == b->count;
}

int labels_set(struct labels *labels, const struct label *label)
{
	size_t i = 0;

	while (i < labels->count && strcmp(labels->label[i]->name, label->name) != 0)
		i++;
	if (i == LABELS_MAX)
		return -E2BIG;
	labels->label[i] = label;
	labels->count = MAX(labels->count, i + 1);
	return bytes_of(labels) > LABELS_BYTES_MAX ? -E2BIG : 0;
}
