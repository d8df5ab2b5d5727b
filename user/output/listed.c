/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/listed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"
#include "base/units.h"
#include "output/json_build.h"

enum {
	CELL_BYTES = 256,
	SHORT_ID = 12, /* of a container, as docker ps shows it */
	GAP = 2,
};

enum column { PID, COMMAND, GO, MODULE, SYMBOLS, CONTAINER, AGE, ATTACH, COLUMNS };

struct row {
	char cell[COLUMNS][CELL_BYTES];
};

static void fill_container(char *cell, const struct listed_process *p)
{
	char id[CELL_BYTES], engine[CELL_BYTES], qos[CELL_BYTES];

	if (!*p->container && !p->kubernetes) {
		snprintf(cell, CELL_BYTES, "-");
		return;
	}
	text_escape(id, sizeof(id), p->container);
	text_escape(engine, sizeof(engine), p->engine);
	text_escape(qos, sizeof(qos), p->qos);
	snprintf(cell, CELL_BYTES, "%.*s%s%.16s%s%s%s%.16s", SHORT_ID, *id ? id : "-",
		 *engine ? " " : "", engine, p->kubernetes ? " " : "", p->kubernetes ? "k8s" : "",
		 *qos ? " " : "", qos);
}

static void fill_attach(char *cell, const struct listed_process *p)
{
	char reason[CELL_BYTES - 8];

	if (p->obstacle)
		snprintf(cell, CELL_BYTES, "no: %s",
			 text_escape(reason, sizeof(reason), p->obstacle));
	else if (p->caveat)
		snprintf(cell, CELL_BYTES, "yes, %s",
			 text_escape(reason, sizeof(reason), p->caveat));
	else
		snprintf(cell, CELL_BYTES, "yes");
}

static void fill_row(struct row *row, const struct listed_process *p)
{
	char age[UNITS_BUF];

	snprintf(row->cell[PID], CELL_BYTES, "%u", p->pid);
	text_escape(row->cell[COMMAND], CELL_BYTES, p->comm);
	text_escape(row->cell[GO], CELL_BYTES, p->understood ? p->go : "?");
	text_escape(row->cell[MODULE], CELL_BYTES, p->understood && *p->module ? p->module : "?");
	snprintf(row->cell[SYMBOLS], CELL_BYTES, "%s",
		 !p->understood ? "?"
		 : p->stripped	? "stripped"
				: "full");
	fill_container(row->cell[CONTAINER], p);
	snprintf(row->cell[AGE], CELL_BYTES, "%s", fmt_duration_ns(age, p->age_ns));
	fill_attach(row->cell[ATTACH], p);
}

/* Cuts text to at most max columns. */
static void cut_to(char *text, size_t max)
{
	size_t n = 0;
	char *p = text;

	if (text_columns(text) <= max)
		return;
	while (*p && (n < max || ((unsigned char)*p & 0xc0) == 0x80)) {
		n += ((unsigned char)*p & 0xc0) != 0x80;
		p++;
	}
	*p = '\0';
}

static void measure(const struct row *rows, size_t count, size_t width[static COLUMNS])
{
	memset(width, 0, COLUMNS * sizeof(*width));
	for (size_t i = 0; i < count; i++)
		for (size_t c = 0; c < COLUMNS; c++)
			width[c] = MAX(width[c], text_columns(rows[i].cell[c]));
}

/* The module's column gives way, down to a readable part, so that a row fits on a line. */
static void fit(struct row *rows, size_t count, size_t width[static COLUMNS], size_t limit)
{
	enum { MODULE_LEAST = 16 };
	size_t total = 0, room;

	for (size_t c = 0; c < COLUMNS; c++)
		total += width[c] + (c + 1 < COLUMNS ? GAP : 0);
	if (limit == 0 || total <= limit || width[MODULE] <= MODULE_LEAST)
		return;
	room = total - limit;
	width[MODULE] = width[MODULE] > room + MODULE_LEAST ? width[MODULE] - room : MODULE_LEAST;
	for (size_t i = 0; i < count; i++)
		cut_to(rows[i].cell[MODULE], width[MODULE]);
}

static void print_row(FILE *out, const struct row *row, const size_t width[static COLUMNS])
{
	for (size_t c = 0; c < COLUMNS; c++) {
		int pad = (int)(width[c] - text_columns(row->cell[c]));

		if (c == PID)
			fprintf(out, "%*s%s%*s", pad, "", row->cell[c], GAP, "");
		else if (c == ATTACH)
			fprintf(out, "%s\n", row->cell[c]);
		else
			fprintf(out, "%s%*s", row->cell[c], pad + GAP, "");
	}
}

int listed_text(FILE *out, const struct listed_process *processes, size_t count, unsigned int width)
{
	static const struct row heading = { { "PID", "COMMAND", "GO", "MODULE", "SYMBOLS",
					      "CONTAINER", "AGE", "ATTACH" } };
	CLEANUP(freep) struct row *rows = calloc(count + 1, sizeof(*rows));
	size_t widths[COLUMNS];

	if (!rows)
		return -ENOMEM;
	rows[0] = heading;
	for (size_t i = 0; i < count; i++)
		fill_row(&rows[i + 1], &processes[i]);
	measure(rows, count + 1, widths);
	fit(rows, count + 1, widths, width);
	for (size_t i = 0; i <= count; i++)
		print_row(out, &rows[i], widths);
	return ferror(out) ? -EIO : 0;
}

int listed_json(FILE *out, const struct listed_process *p)
{
	struct json_build b = json_build_start("process");
	bool known = p->understood;

	json_put_u64(&b, b.root, "pid", p->pid);
	json_put_text(&b, b.root, "exe", p->exe);
	json_put_text_if(&b, b.root, "module", known, p->module);
	json_put_text_if(&b, b.root, "go", known, p->go);
	if (known) {
		json_put_bool(&b, b.root, "stripped", p->stripped);
		json_put_bool(&b, b.root, "pie", p->pie);
	} else {
		json_put_null(&b, b.root, "stripped");
		json_put_null(&b, b.root, "pie");
	}
	json_put_text_if(&b, b.root, "maps", known, p->swiss_maps ? "swiss" : "classic");
	json_put_text_if(&b, b.root, "container", *p->container, p->container);
	json_put_text_if(&b, b.root, "engine", *p->engine, p->engine);
	json_put_bool(&b, b.root, "kubernetes", p->kubernetes);
	json_put_text_if(&b, b.root, "pod_uid", *p->pod_uid, p->pod_uid);
	json_put_text_if(&b, b.root, "qos", *p->qos, p->qos);
	json_put_u64(&b, b.root, "uid", p->uid);
	json_put_text(&b, b.root, "comm", p->comm);
	json_put_real(&b, b.root, "age_s", (double)p->age_ns / (double)NS_PER_S);
	json_put_bool(&b, b.root, "attachable", p->obstacle == NULL);
	json_put_text_if(&b, b.root, "reason", p->obstacle != NULL, p->obstacle);
	json_put_text_if(&b, b.root, "caveat", p->caveat != NULL, p->caveat);
	return json_build_finish(&b, out);
}
