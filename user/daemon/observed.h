/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One process under observation: its probes armed and governed, its facts taken
 * at each tick and as they happen, fed to its model, detectors and rules.
 * Reporting is the caller's.
 */
#ifndef DAEMON_OBSERVED_H
#define DAEMON_OBSERVED_H

#include "alert/ruleset.h"
#include "alert/watch.h"
#include "daemon/describe.h"
#include "daemon/ground.h"
#include "daemon/harvest.h"
#include "daemon/target.h"
#include "daemon/top_sites.h"
#include "output/metrics.h"
#include "output/summary.h"

struct observed;

/* All pointers are borrowed, and must outlive what is observed with them. */
struct observed_config {
	const struct ground *ground;
	struct harvest *harvest; /* of the ground's kernel; to be read before each tick */
	u32 slot;		 /* in the kernel's table of targets */
	struct target *target;
	struct probe_groups groups;
	double budget;		     /* share of one CPU that probes may cost it; 0: no limit */
	const struct ruleset *rules; /* NULL: the defaults */
	bool dry_run;		     /* of every rule */
	/* An alert is to go out; an event that the model has taken in. Both of the last feed. */
	alert_fn alert;
	void (*event)(void *arg, const struct observed *o, const struct event *event);
	void *arg;
};

/*
 * Takes out what a killed agent left, arms every probe that can be armed, and
 * begins to observe. What takes long comes before the first breakpoint.
 * Returns 0; -ESRCH (it is gone), -ENOTSUP (nothing in it can be probed), or what attaching said.
 */
int observed_new(struct observed **ret, const struct observed_config *config, struct err *err);

/* Takes the probes out, if observed_detach() has not. */
void observed_free(struct observed *o);
DEFINE_FREEP(struct observed, observed_free)

/* How many more processes of the same file are observed, from the next tick on: hits cost more. */
void observed_set_others(struct observed *o, u32 others);

/* From now on; a budget of 0 is none, which can't be changed. */
void observed_set_budget(struct observed *o, double budget);

double observed_budget(const struct observed *o);

/* Other rules from now on, as engine_change_rules() takes them. Borrowed, and the old ones may go
 * once this returns. */
void observed_set_rules(struct observed *o, const struct ruleset *rules, bool dry_run, u64 now_ns);

/* Resolves what fires, and says why; what still holds fires anew. */
void observed_recall(struct observed *o, u64 now_ns, const char *why);

/* A record of the ring that is of this process. Borrowed for the call. */
void observed_record(struct observed *o, const void *record, size_t size);

/* To be called some times a second: what has its own rhythm, like the census. */
void observed_wake(struct observed *o, u64 now_ns);

/*
 * Ends a window; all records of the ring must have been handed over.
 * Returns 0, 1 (the process executed another program: the breakpoints are gone), or a negative
 * errno.
 */
int observed_tick(struct observed *o, u64 now_ns, struct window *ret, struct err *err);

/* Takes the probes out. Returns when the first of them began to go, where observed time ends: a
 * tick of that time takes the last sample. */
u64 observed_detach(struct observed *o);

/* The same for several, which takes about as long as for one. count: WIRE_MAX_TARGETS at most. */
u64 observed_detach_together(struct observed *const *o, size_t count);

/* The process is gone: resolves what fires. */
void observed_end(struct observed *o, u64 now_ns);

/* What was attached, and the totals; both borrow from o. agent is the caller's. The totals' tables
 * are those of the last sample, if no other target of the harvest had one since. */
const struct attached_info *observed_describe(struct observed *o, u64 now_ns);
void observed_summary(struct observed *o, u64 now_ns, struct summary *ret);

const struct target *observed_target(const struct observed *o);
const struct watch *observed_watch(const struct observed *o);
const struct names *observed_names(const struct observed *o);
/* How often each rule fired. */
const struct metrics_rule *observed_rules(const struct observed *o);
/* Why a group is off that is to stand; NULL: none is. */
const char *observed_budget_failure(const struct observed *o);

#endif
