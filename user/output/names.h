/* SPDX-License-Identifier: BSD-2-Clause */
/* The words of the command line's contract for values of other layers' enums. */
#ifndef OUTPUT_NAMES_H
#define OUTPUT_NAMES_H

#include "alert/alert.h"

#include <gosonde/wire.h>

/* "firing", "resolved". */
const char *output_alert_state(enum alert_state state);

/* "info", "warning", "critical". */
const char *output_severity(enum severity severity);

/* "double", "same-size", "small-to-table", "table-grow", "table-split"; "unknown" for others. */
const char *output_grow_kind(enum wire_grow_kind kind);

#endif
