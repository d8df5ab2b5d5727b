/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Metrics as Prometheus reads them: the text format 0.0.4, or OpenMetrics 1.0.
 * Families one after the other, all samples of a family together; label values
 * may be hostile. Private to output/ but for the choice of the format.
 */
#ifndef OUTPUT_EXPOSITION_H
#define OUTPUT_EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum exposition_format { EXPOSITION_TEXT, EXPOSITION_OPENMETRICS, EXPOSITION_FORMATS };

/* The format that an Accept header asks for (RFC 9110, 12.5.1); NULL: none was sent. */
enum exposition_format exposition_negotiate(const char *accept);

/* For the Content-Type header. */
const char *exposition_content_type(enum exposition_format format);

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM, METRIC_INFO };

enum {
	METRIC_LABEL_VALUE_BYTES = 256, /* of an escaped value; longer ones are cut with "..." */
	METRIC_LABELS_MAX = 8,		/* of a sample */
};

struct metric_label {
	const char *name;
	const char *value; /* raw */
};

struct exposition {
	FILE *out; /* borrowed; errors stay in it */
	enum exposition_format format;
	const char *family; /* name of the last one, with its suffix */
};

/* name: as a sample of the text format has it: counters end in _total, infos in _info. */
void exposition_family(struct exposition *x, const char *name, enum metric_type type,
		       const char *help);

/* suffix: "_bucket", "_sum", "_count" of a histogram; else "". */
void exposition_sample(struct exposition *x, const char *suffix, const struct metric_label *labels,
		       size_t count, double value);

void exposition_end(struct exposition *x);

#endif
