/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What makes an alert of a measure: the level at which it is raised, the lower
 * one at which it is over, and for how long it must hold. Defaults are compiled
 * in; files in YAML say only what differs (ruleset.h).
 */
#ifndef ALERT_RULES_H
#define ALERT_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "alert/alert.h"
#include "detect/detect.h"

/* Raised at value >= raise for for_ns, over at value < clear; clear <= raise. */
struct level {
	double raise, clear; /* in the measure's unit; raise 0: the measure is not judged */
	u64 for_ns;
};

/* One detector's rule. It fires when any of its levels is raised, and is over when all are. */
struct rule {
	bool enabled;
	bool dry_run; /* alerts say so, and nothing is to be sent */
	enum severity severity;
	u64 cooldown_ns;		     /* between two alerts of one subject */
	struct level level[DETECT_MEASURES]; /* by the detector's measure */
	struct labels labels;		     /* of its alerts; the texts are the ruleset's */
};

struct rules {
	struct rule rule[DETECTORS]; /* as detectors[] */
};

/* The compiled-in defaults; static. */
const struct rules *rules_default(void);

/* The compiled-in preset for whoever rather hears too much: the defaults with lower levels. */
void rules_strict(struct rules *ret);

#endif
