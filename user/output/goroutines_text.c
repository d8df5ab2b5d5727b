/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/units.h"
#include "output/goroutines.h"
#include "output/text_style.h"

enum {
	CELL_BYTES = 256,
	GAP = 2,
	SITE_LEAST = 24, /* columns that a site or a function keeps when a row must shrink */
};

enum column { COUNT, SHARE, WHAT, AGE, OLDEST, SITE, START, COLUMNS };

struct row {
	char cell[COLUMNS][CELL_BYTES];
};

/* "~12.3 s" from samples; else ">30.0 s" where a collection found it, else "<2h05m". */
static void fill_age(char *cell, const struct goroutine_age *age)
{
	char text[UNITS_BUF];

	if (age->sampled)
		snprintf(cell, CELL_BYTES, "~%s", fmt_duration_ns(text, age->likely_ns));
	else if (age->least_ns)
		snprintf(cell, CELL_BYTES, ">%s", fmt_duration_ns(text, age->least_ns));
	else
		snprintf(cell, CELL_BYTES, "<%s", fmt_duration_ns(text, age->most_ns));
}

/* The group's text; of a mixed one that of most, with a mark. */
static void fill_text(char *cell, const char *raw, bool same)
{
	static const char mark[] = " …";
	char text[CELL_BYTES - sizeof(mark)]; /* keep_end() wants a byte */

	snprintf(cell, CELL_BYTES, "%s%s", text_escape(text, sizeof(text), raw), same ? "" : mark);
}

static void fill_row(struct row *row, const struct goroutine_report *report,
		     const struct goroutine_group *group)
{
	const struct goroutine_texts *texts = &report->texts;
	const char *wait = texts->wait(texts->arg, group->kind.wait);

	snprintf(row->cell[COUNT], CELL_BYTES, "%llu", group->count);
	snprintf(row->cell[SHARE], CELL_BYTES, "%.1f %%",
		 report->live ? 100.0 * (double)group->count / (double)report->live : 0.0);
	fill_text(row->cell[WHAT], wait ? wait : go_state_name(group->kind.state),
		  group->same_state && group->same_wait);
	fill_age(row->cell[AGE], &group->p50);
	fill_age(row->cell[OLDEST], &group->oldest);
	fill_text(row->cell[SITE], texts->site(texts->arg, group->kind.site), group->same_site);
	fill_text(row->cell[START], texts->start(texts->arg, group->kind.start), group->same_start);
}

/* Takes the beginning away, so that at most max columns stay: a name's end tells more. The mark may
 * be a byte longer than the two characters that it stands for at least. */
static void keep_end(char *text, size_t max)
{
	static const char mark[] = { '\xe2', '\x80', '\xa6' }; /* … */
	size_t n = text_columns(text);
	const char *p = text;

	if (n <= max || max == 0)
		return;
	for (; n >= max; n--)
		do
			p++;
		while (((unsigned char)*p & 0xc0) == 0x80);
	memmove(text + sizeof(mark), p, strlen(p) + 1);
	memcpy(text, mark, sizeof(mark));
}

static void measure(const struct row *rows, size_t count, size_t width[static COLUMNS])
{
	memset(width, 0, COLUMNS * sizeof(*width));
	for (size_t i = 0; i < count; i++)
		for (size_t c = 0; c < COLUMNS; c++)
			width[c] = MAX(width[c], text_columns(rows[i].cell[c]));
}

/* Site and function give way, the wider one first, down to a readable part. */
static void fit(struct row *rows, size_t count, size_t width[static COLUMNS], size_t limit)
{
	size_t total = (COLUMNS - 1) * GAP;

	for (size_t c = 0; c < COLUMNS; c++)
		total += width[c];
	for (; limit && total > limit; total--) {
		size_t widest = width[SITE] > width[START] ? SITE : START;

		if (width[widest] <= SITE_LEAST)
			break;
		width[widest]--;
	}
	for (size_t i = 0; i < count; i++) {
		keep_end(rows[i].cell[SITE], width[SITE]);
		keep_end(rows[i].cell[START], width[START]);
	}
}

static void print_row(FILE *out, const struct row *row, const size_t width[static COLUMNS])
{
	for (size_t c = 0; c < COLUMNS; c++) {
		bool right = c == COUNT || c == SHARE || c == AGE || c == OLDEST;
		int pad = (int)(width[c] - text_columns(row->cell[c]));

		if (right)
			fprintf(out, "%*s%s%*s", pad, "", row->cell[c], GAP, "");
		else if (c + 1 == COLUMNS)
			fprintf(out, "%s\n", row->cell[c]);
		else
			fprintf(out, "%s%*s", row->cell[c], pad + GAP, "");
	}
}

static void print_gc(FILE *out, const struct go_gc_memory *gc)
{
	char a[UNITS_BUF], b[UNITS_BUF], c[UNITS_BUF], why[TEXT_NAME_BYTES];
	const char *lead = "GC: ";

	if (gc->has_cycles) {
		fprintf(out, "%s%u cycle%s", lead, gc->cycles, gc->cycles == 1 ? "" : "s");
		lead = "; ";
	}
	if (gc->has_heap_live && gc->has_heap_goal) {
		fprintf(out, "%sheap %s live, goal %s", lead,
			fmt_bytes(a, (double)gc->heap_live_bytes),
			fmt_bytes(b, (double)gc->heap_goal_bytes));
		lead = "; ";
	}
	if (gc->pause_count) {
		fprintf(out, "%slast %u pause%s: p50 %s, max %s, last %s", lead, gc->pause_count,
			gc->pause_count == 1 ? "" : "s",
			fmt_duration_ns(a, go_gc_pause_quantile(gc, 0.5)),
			fmt_duration_ns(b, go_gc_pause_quantile(gc, 1)),
			fmt_duration_ns(c, gc->pause_ns[gc->pause_count - 1]));
		lead = "; ";
	}
	if (gc->why.text[0])
		fprintf(out, "%snot known: %s", lead, text_escape(why, sizeof(why), gc->why.text));
	fputc('\n', out);
}

static void print_head(const struct text_output *t, const struct goroutine_report *report)
{
	char exe[TEXT_NAME_BYTES], go[CELL_BYTES];

	fprintf(t->out, "%s%llu goroutine%s%s in PID %u, %s (%s); %llu more are the runtime's own",
		text_colour(t, TEXT_BOLD), report->live, report->live == 1 ? "" : "s",
		text_colour(t, TEXT_PLAIN), report->pid, text_escape(exe, sizeof(exe), report->exe),
		text_escape(go, sizeof(go), report->go), report->system);
	if (report->skipped)
		fprintf(t->out, "; %llu changed while they were read, or made no sense",
			report->skipped);
	fputc('\n', t->out);
	print_gc(t->out, report->gc);
	fputc('\n', t->out);
}

static void print_ages(FILE *out, const struct goroutine_report *report)
{
	char text[UNITS_BUF];

	fputs("\nAGE is that of the middle one of a group. >: at least, since a garbage collection "
	      "found it;\n<: at most; ",
	      out);
	if (report->sampled_ns)
		fprintf(out, "~: born in the %s that ids were sampled.\n",
			fmt_duration_ns(text, report->sampled_ns));
	else
		fputs("--for DUR measures those to come.\n", out);
}

/* What the rows above leave out. */
static void fill_rest(struct row *row, const struct goroutine_report *report, size_t shown)
{
	u64 count = 0;

	for (size_t i = shown; i < report->group_count; i++)
		count += report->groups[i].count;
	*row = (struct row) { 0 };
	snprintf(row->cell[COUNT], CELL_BYTES, "%llu", count);
	snprintf(row->cell[SHARE], CELL_BYTES, "%.1f %%",
		 report->live ? 100.0 * (double)count / (double)report->live : 0.0);
	snprintf(row->cell[WHAT], CELL_BYTES, "other");
	snprintf(row->cell[SITE], CELL_BYTES, "%zu more groups", report->group_count - shown);
}

int goroutines_text(struct text_output *t, const struct goroutine_report *report, size_t top,
		    unsigned int width)
{
	static const struct row heading = { { "COUNT", "SHARE", "WAITS FOR", "AGE", "OLDEST",
					      "CREATED BY", "RUNS" } };
	size_t shown = top && top < report->group_count ? top : report->group_count, rows_count;
	CLEANUP(freep) struct row *rows = calloc(shown + 2, sizeof(*rows));
	size_t widths[COLUMNS];

	if (!rows)
		return -ENOMEM;
	rows[0] = heading;
	for (size_t i = 0; i < shown; i++)
		fill_row(&rows[i + 1], report, &report->groups[i]);
	rows_count = shown + 1;
	if (shown < report->group_count)
		fill_rest(&rows[rows_count++], report, shown);
	print_head(t, report);
	measure(rows, rows_count, widths);
	fit(rows, rows_count, widths, width);
	for (size_t i = 0; i < rows_count; i++) {
		fputs(i == 0 ? text_colour(t, TEXT_BOLD) : "", t->out);
		print_row(t->out, &rows[i], widths);
		fputs(i == 0 ? text_colour(t, TEXT_PLAIN) : "", t->out);
	}
	print_ages(t->out, report);
	return ferror(t->out) ? -EIO : 0;
}
