/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/exposition.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/macros.h"
#include "base/text.h"

#define OPENMETRICS_TYPE "application/openmetrics-text"

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len > n && !strcmp(text + len - n, end);
}

/* Of ";version=1.0.0;q=0.5": 0.5; 1 where it does not say. */
static double quality_of(const char *parameters, size_t len)
{
	for (size_t i = 0; i + 1 < len; i++) {
		bool starts = i && strchr("; \t", parameters[i - 1]);

		if (starts && !strncasecmp(parameters + i, "q=", 2))
			return strtod(parameters + i + 2, NULL);
	}
	return 1;
}

/* The best quality at which a media type is accepted; 0: not at all. */
static double quality(const char *accept, const char *type)
{
	double best = 0;

	while (*accept) {
		size_t len, name;

		accept += strspn(accept, ", \t");
		len = strcspn(accept, ",");
		name = strcspn(accept, ",; \t");
		if (name == strlen(type) && !strncasecmp(accept, type, name))
			best = MAX(best, quality_of(accept + name, len - name));
		accept += len;
	}
	return best;
}

/* A wildcard is no wish: what reads anything reads the older format. */
enum exposition_format exposition_negotiate(const char *accept)
{
	double open;

	if (!accept)
		return EXPOSITION_TEXT;
	open = quality(accept, OPENMETRICS_TYPE);
	return open > 0 && open >= quality(accept, "text/plain") ? EXPOSITION_OPENMETRICS
								 : EXPOSITION_TEXT;
}

const char *exposition_content_type(enum exposition_format format)
{
	return format == EXPOSITION_OPENMETRICS ? OPENMETRICS_TYPE "; version=1.0.0; charset=utf-8"
						: "text/plain; version=0.0.4; charset=utf-8";
}

/* OpenMetrics calls a family what its samples are called without these. */
static int family_name_length(const char *name, enum metric_type type)
{
	size_t len = strlen(name);

	if (type == METRIC_COUNTER && ends_with(name, "_total"))
		len -= strlen("_total");
	else if (type == METRIC_INFO && ends_with(name, "_info"))
		len -= strlen("_info");
	return (int)len;
}

static const char *type_name(const struct exposition *x, const char *name, enum metric_type type)
{
	switch (type) {
	case METRIC_COUNTER:
		return "counter";
	case METRIC_HISTOGRAM:
		return "histogram";
	case METRIC_INFO:
		return x->format == EXPOSITION_OPENMETRICS ? "info" : "gauge";
	case METRIC_GAUGE:
		/* OpenTelemetry's go_goroutine_count is a gauge; promtool grants that ending to
		 * histograms and to what has no type. */
		return x->format == EXPOSITION_TEXT && ends_with(name, "_count") ? "untyped"
										 : "gauge";
	}
	return "untyped";
}

static void put_unit(struct exposition *x, const char *name, int len)
{
	static const char *const units[] = { "seconds", "bytes", "ratio" };

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		int unit = (int)strlen(units[i]);

		if (len > unit && !strncmp(name + len - unit, units[i], (size_t)unit))
			fprintf(x->out, "# UNIT %.*s %s\n", len, name, units[i]);
	}
}

void exposition_family(struct exposition *x, const char *name, enum metric_type type,
		       const char *help)
{
	bool open = x->format == EXPOSITION_OPENMETRICS;
	int len = open ? family_name_length(name, type) : (int)strlen(name);

	x->family = name;
	fprintf(x->out, "# HELP %.*s %s\n", len, name, help);
	fprintf(x->out, "# TYPE %.*s %s\n", len, name, type_name(x, name, type));
	if (open)
		put_unit(x, name, len);
}

/* The shortest that reads back as the same. */
static void put_value(struct exposition *x, double value)
{
	char text[32];

	if (!isfinite(value)) {
		fputs(isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf", x->out);
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	fputs(text, x->out);
}

void exposition_sample(struct exposition *x, const char *suffix, const struct metric_label *labels,
		       size_t count, double value)
{
	char escaped[METRIC_LABEL_VALUE_BYTES];

	fprintf(x->out, "%s%s", x->family, suffix);
	for (size_t i = 0; i < count; i++)
		fprintf(x->out, "%c%s=\"%s\"", i ? ',' : '{', labels[i].name,
			text_quote(escaped, sizeof(escaped), labels[i].value, TEXT_LOGFMT));
	fputs(count ? "} " : " ", x->out);
	put_value(x, value);
	fputc('\n', x->out);
}

void exposition_end(struct exposition *x)
{
	if (x->format == EXPOSITION_OPENMETRICS)
		fputs("# EOF\n", x->out);
}
