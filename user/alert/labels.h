/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Texts that a rules file gives to alerts, for whoever routes them ("team: payments").
 * Names are as Prometheus wants them and values printable, so both go out
 * everywhere unchanged but for quotes.
 */
#ifndef ALERT_LABELS_H
#define ALERT_LABELS_H

#include <stdbool.h>
#include <stddef.h>

enum {
	LABELS_MAX = 16,     /* of an alert */
	LABEL_NAME_MAX = 32, /* RFC 5424, 6.3.3: a parameter's name */
	LABEL_VALUE_MAX = 128,
	/* Of all names and values of an alert: a network message of syslog has 2048 bytes. */
	LABELS_BYTES_MAX = 400,
};

struct label {
	char name[LABEL_NAME_MAX + 1], value[LABEL_VALUE_MAX + 1];
};

/* Borrowed from the rules. */
struct labels {
	const struct label *label[LABELS_MAX];
	size_t count;
};

/*
 * What name and value must be: [a-zA-Z_][a-zA-Z0-9_]*, without "__" at its front, which is
 * Prometheus' own; printable UTF-8. Returns NULL, or what was expected.
 */
const char *label_check(const char *name, const char *value);

/* NULL: none of that name. */
const struct label *labels_find(const struct labels *labels, const char *name);

/* Whether both have the same names with the same values, in whatever order. */
bool labels_equal(const struct labels *a, const struct labels *b);

/* Adds it, or puts it in the place of the one of that name. Returns 0, or -E2BIG. */
int labels_set(struct labels *labels, const struct label *label);

#endif
