/* SPDX-License-Identifier: BSD-2-Clause */
#include "detect/evidence.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void explanation_done(struct explanation *ex)
{
	for (size_t i = 0; i < ex->evidence_len; i++) {
		free(ex->evidence[i].list);
		ex->evidence[i].list = NULL;
		ex->evidence[i].list_len = 0;
	}
}

static struct evidence *add(struct explanation *ex, const char *key, enum evidence_kind kind)
{
	struct evidence *e;

	if (ex->evidence_len == EVIDENCE_MAX)
		return NULL;
	e = &ex->evidence[ex->evidence_len++];
	memset(e, 0, sizeof(*e));
	e->key = key;
	e->kind = kind;
	return e;
}

void explain_write(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(buf, size, fmt, args);
	va_end(args);
}

void explain_number(struct explanation *ex, const char *key, double number)
{
	struct evidence *e = add(ex, key, EVIDENCE_NUMBER);

	if (e)
		e->number = number;
}

void explain_text(struct explanation *ex, const char *key, const char *fmt, ...)
{
	struct evidence *e = add(ex, key, EVIDENCE_TEXT);
	va_list args;

	if (!e)
		return;
	va_start(args, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, args);
	va_end(args);
}

struct evidence *explain_list(struct explanation *ex, const char *key, size_t items)
{
	struct evidence *e;

	if (!items)
		return NULL;
	e = add(ex, key, EVIDENCE_LIST);
	if (!e)
		return NULL;
	items = MIN(items, EVIDENCE_LIST_MAX);
	e->list = calloc(items, sizeof(*e->list));
	if (!e->list) {
		ex->evidence_len--;
		return NULL;
	}
	e->list_len = items;
	return e;
}

void explain_stack(struct explanation *ex, const char *key, const struct names *names,
		   struct event_stack stack, enum stack_part part)
{
	struct stack_walk walk = stack_walk_start(names, stack, part);
	/* Inlined calls make more frames than addresses: as many as there is room for. */
	struct evidence *e = explain_list(ex, key, stack.frames ? EVIDENCE_LIST_MAX : 0);

	if (!e)
		return;
	e->list_len = 0;
	while (e->list_len < EVIDENCE_LIST_MAX &&
	       stack_walk_next(&walk, e->list[e->list_len], sizeof(e->list[0])))
		e->list_len++;
}

char *explain_user_frame(const struct names *names, const u64 *pc, size_t frames, char *buf,
			 size_t size)
{
	struct event_stack stack = { .pc = pc, .frames = frames };
	struct stack_walk walk = stack_walk_start(names, stack, STACK_OF_PROGRAM);

	if (!stack_walk_next(&walk, buf, size))
		snprintf(buf, size, "?");
	return buf;
}
