/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/meter.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/robust.h"
#include "base/units.h"
#include "proc/process.h"

enum {
	HITS = 7 * WIRE_BURST_STRIDE, /* in a batch */
	FIRST_READINGS = 5,	      /* at once: one may fall into what the agent's start takes */
};

#define EVERY_NS NS_PER_S

struct meter {
	struct kern *kern;
	u32 slot;
	struct kern_probes *probes;
	struct calibration first, *cost;
	struct meter_reading readings[METER_READINGS]; /* a ring */
	u64 taken;
	u64 next_ns;
};

#if defined(__x86_64__)
__attribute__((naked, noinline)) static void stands_for_a_write(void)
{
	__asm__ volatile("push %rbp\n\tpop %rbp\n\tret");
}
#else
#error "the function to be probed is not written yet for this architecture"
#endif

struct calibration calibration_by(const struct calibration *first,
				  const struct meter_reading *readings, size_t n)
{
	struct calibration ret = *first;
	double full[METER_READINGS], lean[METER_READINGS], run[METER_READINGS], full_ns, pace;

	for (size_t i = 0; i < n; i++) {
		full[i] = readings[i].full_ns;
		lean[i] = readings[i].lean_ns / readings[i].full_ns;
		run[i] = readings[i].run_ns / readings[i].full_ns;
	}
	full_ns = lower_quartile(full, n);
	ret.lean_ns = full_ns * median(lean, n);
	ret.run_ns = full_ns * median(run, n);
	pace = full_ns / first->ns[SITE_EMULATED];
	for (size_t i = 0; i < ARRAY_SIZE(ret.ns); i++)
		ret.ns[i] *= pace;
	ret.stack_ns *= pace;
	return ret;
}

static void open_gate(struct meter *meter, bool lean)
{
	const struct wire_gate gate = { .window = 1, .lean = lean };

	kern_set_gate(meter->kern, meter->slot, PROBE_MAP_WRITE, &gate);
}

/* Zeros if they can't be read. */
static struct wire_runs runs_now(const struct meter *meter)
{
	struct wire_counters counters = { 0 };

	(void)kern_read_counters(meter->kern, meter->slot, &counters, NULL);
	return counters.runs[WIRE_GROUP_MAP_WRITE];
}

static double lean_batch_ns(struct meter *meter)
{
	open_gate(meter, true);
	return calibrate_batch(stands_for_a_write, HITS);
}

/* Sets full_ns and run_ns. */
static void full_batch(struct meter *meter, struct meter_reading *ret)
{
	struct wire_runs before, after;

	open_gate(meter, false);
	before = runs_now(meter);
	ret->full_ns = calibrate_batch(stands_for_a_write, HITS);
	after = runs_now(meter);
	if (after.count > before.count)
		ret->run_ns = (double)(after.ns - before.ns) / (double)(after.count - before.count);
}

/* Full and lean in turns, so that both are of the same moment; and a full one goes with the runs in
 * it. */
static struct meter_reading measure(struct meter *meter)
{
	struct meter_reading one = { 0 }, two = { 0 };

	full_batch(meter, &one); /* warms the caches */
	full_batch(meter, &one);
	one.lean_ns = lean_batch_ns(meter);
	full_batch(meter, &two);
	one.lean_ns = two.lean_ns = MIN(one.lean_ns, lean_batch_ns(meter));
	return one.full_ns < two.full_ns ? one : two;
}

static void take_reading(struct meter *meter)
{
	meter->readings[meter->taken++ % METER_READINGS] = measure(meter);
	*meter->cost = calibration_by(&meter->first, meter->readings,
				      (size_t)MIN(meter->taken, (u64)METER_READINGS));
}

int meter_new(struct meter **ret, struct kern *kern, u32 slot, struct calibration *cost,
	      struct err *err)
{
	const struct wire_target self = { .tgid = (u32)getpid(), .small_grows_per_s = ~0U };
	const struct kern_site site = {
		.file_offset = self_file_offset(stands_for_a_write),
		.cookie = WIRE_COOKIE(slot, WIRE_FN_MAPASSIGN, 0, 0),
	};
	CLEANUP(meter_freep) struct meter *meter = calloc(1, sizeof(*meter));
	int rc;

	if (!meter)
		return err_set(err, -ENOMEM, "out of memory");
	meter->kern = kern;
	meter->slot = slot;
	meter->first = *cost;
	meter->cost = cost;
	if (!site.file_offset)
		return err_set(err, -ENOENT, "can't find a function of our own in our file");
	rc = kern_set_target(kern, slot, &self, err);
	if (!rc)
		rc = kern_attach(kern, PROBE_MAP_WRITE, getpid(), PROC_SELF_EXE, &site, 1,
				 &meter->probes, err);
	if (rc)
		return rc;
	for (int i = 0; i < FIRST_READINGS; i++)
		take_reading(meter);
	*ret = TAKE_PTR(meter);
	return 0;
}

void meter_free(struct meter *meter)
{
	if (meter)
		kern_detach(meter->probes);
	free(meter);
}

void meter_tick(struct meter *meter, u64 now_ns)
{
	if (now_ns < meter->next_ns)
		return;
	meter->next_ns = now_ns + EVERY_NS;
	take_reading(meter);
}
