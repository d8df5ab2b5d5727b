/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An alert as Alertmanager's v2 API takes it (its api/v2/openapi.yaml,
 * postableAlert). Labels are what makes it the same alert again, so a resolved
 * one has those of the firing one. Every text is escaped and cut; no address
 * or stack becomes a label.
 */
#ifndef OUTPUT_ALERTMANAGER_H
#define OUTPUT_ALERTMANAGER_H

#include <stdio.h>

#include "alert/alert.h"
#include "base/clock.h"

enum {
	ALERTMANAGER_LABEL_BYTES = 256,
	ALERTMANAGER_EVIDENCE_BYTES = 4096,
	ALERTMANAGER_NAME_BUF = 128,
};

/* "GosondeRehashStorm" of "rehash-storm": the words capitalised, ASCII letters and digits.
 * Returns buf. */
char *alertmanager_name(char buf[static ALERTMANAGER_NAME_BUF], const char *rule);

/*
 * Each writes one JSON object and a newline. Returns 0, -ENOMEM, -EIO.
 *
 * The labels but for severity, which a changed rule may change while it fires:
 * alertname, rule, pid, and, if known, instance (hostname; "": not), exe,
 * module and subject, of whose hexadecimal numbers 0x is left; and the rule's own labels, as far as
 * they have other names.
 */
int alertmanager_identity(FILE *out, const struct alert *alert, const char *hostname);

/*
 * With all labels, and annotations summary, value, and, if there are any, subject, advice and
 * evidence: a line for each fact, "key: value". startsAt is since when it is
 * above its level. A firing alert has no endsAt: it ends when Alertmanager has
 * not heard of it for its resolve_timeout.
 */
int alertmanager_alert(FILE *out, const struct alert *alert, const char *hostname,
		       const struct timebase *timebase);

#endif
