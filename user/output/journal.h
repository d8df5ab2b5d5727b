/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An alert as an entry of systemd's journal, in its native protocol
 * (systemd.io/JOURNAL_NATIVE_PROTOCOL): lines NAME=value. Values are escaped,
 * so that none has a line's end within it and the other form of a field, with
 * its length before it, is never needed.
 */
#ifndef OUTPUT_JOURNAL_H
#define OUTPUT_JOURNAL_H

#include <stddef.h>

#include "alert/alert.h"
#include "base/clock.h"

enum {
	JOURNAL_BUF = 65536, /* below what a datagram may have by default (net.core.wmem_default) */
	JOURNAL_ID_BUF = 33,
};

/*
 * MESSAGE, PRIORITY, SYSLOG_FACILITY, SYSLOG_IDENTIFIER, MESSAGE_ID, GOSONDE_RULE, _STATE,
 * _SEVERITY, _TIME (of the alert; journald has the time of its arrival), _PID, _EXE, _MODULE,
 * _SUBJECT, _VALUE, _THRESHOLD, _UNIT, _ADVICE, GOSONDE_LABEL_<NAME> of the rule's labels, and
 * GOSONDE_EVIDENCE_<KEY>, once for each item of a list; what is not known is left out. Evidence
 * that finds no room is left out whole, and counted in GOSONDE_EVIDENCE_OMITTED. Returns the
 * length.
 */
size_t journal_entry(char buf[static JOURNAL_BUF], const struct alert *alert,
		     const struct timebase *timebase);

/*
 * The MESSAGE_ID of a rule's alerts, in hex: the same for ever. The first half
 * is gosonde's, the second the rule's name (FNV-1a), so that each rule has one
 * without a table. Returns buf.
 */
char *journal_message_id(char buf[static JOURNAL_ID_BUF], const char *rule);

#endif
