/* SPDX-License-Identifier: BSD-2-Clause */
/* Takes a target's hot facts out of the kernel and its memory, as one event at each tick. What the
 * kernel counts by site comes through the harvest, which is to be read before. */
#ifndef DAEMON_SAMPLER_H
#define DAEMON_SAMPLER_H

#include "daemon/harvest.h"
#include "event/event.h"
#include "event/names.h"
#include "gobin/live.h"
#include "kern/kern.h"
#include "probe/duty.h"
#include "proc/process.h"

struct sampler;

/* All are borrowed. costs: as they are now; zeros where they are not known. */
struct sampler_config {
	struct kern *kern;
	struct harvest *harvest;
	u32 slot;
	const struct names *names;
	const struct go_process *go;
	const struct process *process;
	const struct duty_costs *costs;
	bool groups[PROBE_GROUP_COUNT]; /* that have probes in it */
};

/* Joins the harvest, which clears the slot: before the target is described to the programs. */
int sampler_new(struct sampler **ret, const struct sampler_config *config, struct err *err);
void sampler_free(struct sampler *sampler);
DEFINE_FREEP(struct sampler, sampler_free)

/*
 * Reads how many goroutines live, once the probes are armed, so that live =
 * baseline + created - exited from then on. The target runs meanwhile: what was
 * created or exited during the read is the figure's error bound. Nothing is read where they
 * have no probes.
 * Returns 0, or why the baseline stays unknown.
 */
int sampler_baseline(struct sampler *sampler, struct err *err);

/* Once the governor runs. Borrowed; NULL takes it back. */
void sampler_set_duty(struct sampler *sampler, struct duty *duty);

/* Maps that samples are to tell of, busy or not; of more than TALLY_MAPS_WANTED the first. */
void sampler_want_maps(struct sampler *sampler, const struct map_key *keys, size_t n);

/* The next sample is the last: what is estimated is told by site to the last call. */
void sampler_last(struct sampler *sampler);

/* The sample borrows its sites from the sampler, until the harvest is read again. */
int sampler_take(struct sampler *sampler, u64 now_ns, struct event_sample *ret, struct err *err);

#endif
