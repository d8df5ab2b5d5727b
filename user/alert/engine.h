/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Findings of one target into alerts: ok -> pending -> firing -> resolved, for
 * each rule and key. Time comes with the findings. Bounded; what finds no room
 * is counted.
 */
#ifndef ALERT_ENGINE_H
#define ALERT_ENGINE_H

#include "alert/alert.h"
#include "alert/rules.h"
#include "base/macros.h"
#include "detect/detect.h"

struct engine;

/* Asked for evidence when, and only when, an alert is to go out. */
typedef void (*explain_fn)(void *arg, size_t rule, const struct finding *finding,
			   struct explanation *ret);

struct engine_config {
	u32 pid;
	const struct rules *rules; /* copied; the texts of their labels are borrowed */
	explain_fn explain;
	void *explain_arg;
	alert_fn alert;
	void *alert_arg;
};

/* NULL: out of memory. */
struct engine *engine_new(const struct engine_config *config);
void engine_free(struct engine *engine);
DEFINE_FREEP(struct engine, engine_free)

/* Judges a finding of the detector that the rule is of. */
void engine_judge(struct engine *engine, size_t rule, const struct finding *finding);

/*
 * The target is gone: resolves what is firing, and says why ("the process
 * exited"). Findings that come later, with the last tick, are not judged.
 */
void engine_end(struct engine *engine, u64 time_ns, const char *why);

/* Resolves what is firing, and begins anew: what still holds fires again. */
void engine_restart(struct engine *engine, u64 time_ns, const char *why);

/*
 * Other rules from now on, taken as the first were. What fires by a rule whose alerts would be
 * others now, or none, is resolved by the old one, and begins anew; the old labels are used until
 * this returns.
 */
void engine_change_rules(struct engine *engine, const struct rules *next, u64 time_ns);

u64 engine_fired(const struct engine *engine);	 /* alerts raised so far */
u64 engine_refused(const struct engine *engine); /* findings above a level without room for them */

#endif
