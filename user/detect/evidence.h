/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The facts that support a finding, and what people are told about it. Texts
 * are raw: they may come from the target and are escaped on every way out.
 */
#ifndef DETECT_EVIDENCE_H
#define DETECT_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"
#include "event/event.h"
#include "event/stack.h"

enum evidence_kind { EVIDENCE_TEXT, EVIDENCE_NUMBER, EVIDENCE_LIST };

enum {
	EVIDENCE_MAX = 16,
	EVIDENCE_LIST_MAX = 16,
	EVIDENCE_TEXT_MAX = 256,
};

struct evidence {
	const char *key; /* static, snake_case with its unit: "entries_moved", "stop_latency_ns" */
	enum evidence_kind kind;
	double number;
	char text[EVIDENCE_TEXT_MAX];
	char (*list)[EVIDENCE_TEXT_MAX]; /* EVIDENCE_LIST: e.g. the frames of a stack; owned */
	size_t list_len;
};

struct explanation {
	char subject[EVIDENCE_TEXT_MAX]; /* which map type, site or reason */
	char summary[512];		 /* one sentence for people */
	char advice[512];		 /* what to do; "" if there is nothing to say */
	struct evidence evidence[EVIDENCE_MAX];
	size_t evidence_len;
};

/* Frees the lists; the texts stay. */
void explanation_done(struct explanation *ex);

/* snprintf() for texts that may be cut: names from the target have no bound that we set. */
void explain_write(char *buf, size_t size, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* What exceeds EVIDENCE_MAX, or memory, is left out: an alert with less evidence beats none. */
void explain_number(struct explanation *ex, const char *key, double number);
void explain_text(struct explanation *ex, const char *key, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* A list to fill: up to EVIDENCE_LIST_MAX items of EVIDENCE_TEXT_MAX bytes; NULL: no room. */
struct evidence *explain_list(struct explanation *ex, const char *key, size_t items);

/* The frames of a stack, innermost first, the first EVIDENCE_LIST_MAX of them. */
void explain_stack(struct explanation *ex, const char *key, const struct names *names,
		   struct event_stack stack, enum stack_part part);

/*
 * The innermost frame that is not the runtime's own: whose line it is. The
 * innermost of all if every one is; "?" without frames. Returns buf.
 */
char *explain_user_frame(const struct names *names, const u64 *pc, size_t frames, char *buf,
			 size_t size);

#endif
