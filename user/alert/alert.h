/* SPDX-License-Identifier: BSD-2-Clause */
/* An alert as it goes out: what, how bad, whose code, what to do. Rendered by output/, sent by
 * sink/. */
#ifndef ALERT_ALERT_H
#define ALERT_ALERT_H

#include <stdbool.h>
#include <stddef.h>

#include <gosonde/types.h>

#include "alert/labels.h"
#include "alert/placement.h"
#include "detect/evidence.h"

enum alert_state { ALERT_FIRING, ALERT_RESOLVED };

enum severity { SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_CRITICAL };

struct alert {
	u32 pid;
	const char *exe;    /* its executable's path; raw; NULL: not known */
	const char *module; /* its Go module; raw; NULL: not known */
	struct placement placement;
	u64 time_ns;	  /* CLOCK_MONOTONIC of the change of state */
	u64 since_ns;	  /* when it began to be above the level */
	const char *rule; /* "rehash-storm" */
	enum alert_state state;
	enum severity severity;
	double value, threshold;
	const char *unit; /* of both: "entries/s", "ns", "goroutines/s"; static */
	bool dry_run;
	char subject[EVIDENCE_TEXT_MAX];	/* which map type, site or reason; raw */
	char summary[512];			/* one sentence for people; raw */
	char advice[512];			/* what to do; "" if there is none; raw */
	struct evidence evidence[EVIDENCE_MAX]; /* of a firing alert; a resolved one has none */
	size_t evidence_len;
	const struct labels *labels; /* that its rule gives it; NULL: none */
};

/* The alert, and all that it points to, is the caller's and gone when this returns. */
typedef void (*alert_fn)(void *arg, const struct alert *alert);

#endif
