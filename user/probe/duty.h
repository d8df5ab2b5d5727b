/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Carries out what the governor orders: attaches and detaches the groups of one
 * process, and reads their counters as a window opens and closes.
 *
 * A crew does it, because attaching and detaching wait for the kernel, and must not
 * wait for output that somebody does not read.
 */
#ifndef PROBE_DUTY_H
#define PROBE_DUTY_H

#include "govern/estimate.h"
#include "govern/governor.h"
#include "probe/attach.h"
#include "probe/breakers.h"
#include "probe/crew.h"

/* What was calibrated: a hit by enum wire_fn, in a full window and in a lean one, and a run of the
 * program (struct calibration). */
struct duty_costs {
	double full_ns[WIRE_FN_COUNT], lean_ns[WIRE_FN_COUNT];
	double run_ns;
};

struct duty_config {
	struct kern *kern;
	struct breakers *breakers; /* of kern */
	struct crew *crew;
	u32 slot;
	struct armed *armed;
	const struct process *process;
	struct governor_config governor;
	struct duty_costs costs;
	bool groups[PROBE_GROUP_COUNT]; /* to govern; the others always stand */
};

struct duty;

/*
 * Takes over groups that have just been attached. What config points to must
 * outlive ret. Returns 0 or a negative errno; the groups stay as they are then.
 */
int duty_start(struct duty **ret, const struct duty_config *config, struct err *err);

/* No window begins any more, and what is at work ends as soon as it can; does not wait for that. */
void duty_stop_soon(struct duty *duty);

/* Ends all work, which may take as long as a detach. Groups that stand stay so, and what is
 * known of the groups can still be looked at. */
void duty_stop(struct duty *duty);
void duty_free(struct duty *duty);
DEFINE_FREEP(struct duty, duty_free)

/* Whether it was told to govern the group. */
bool duty_governs(const struct duty *duty, enum probe_group group);

struct duty_view {
	struct estimate_view estimate;
	double cost_ns; /* of the group's hits and of its attaching, since the start */
	bool governed;	/* else all of this is 0 */
	bool off;	/* it could not be attached again, so far or for good: see duty_failure() */
};

/* What is known of a group. counters: of this moment, now_ns. */
void duty_look(struct duty *duty, enum probe_group group, u64 now_ns,
	       const struct wire_counters *counters, struct duty_view *ret);

/* Tells the governor of cost by groups that are not governed. */
void duty_charge(struct duty *duty, u64 now_ns, double cost_ns);

/* From now on. */
void duty_set_costs(struct duty *duty, const struct duty_costs *costs);

/* From now on: share of one CPU. */
void duty_set_budget(struct duty *duty, double budget);

/* Why a group is off that is to stand, for people; NULL: none is. Stays valid. */
const char *duty_failure(struct duty *duty);

#endif
