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
	BATCHES = 3, /* the fastest counts; the first warms the caches */
	HITS = 50,
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

static void keep(struct meter *meter, const struct meter_reading *reading)
{
	meter->readings[meter->taken++ % METER_READINGS] = *reading;
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
	keep(meter, &(struct meter_reading) { cost->ns[SITE_EMULATED], cost->lean_ns });
	if (!site.file_offset)
		return err_set(err, -ENOENT, "can't find a function of our own in our file");
	rc = kern_set_target(kern, slot, &self, err);
	if (!rc)
		rc = kern_attach(kern, PROBE_MAP_WRITE, getpid(), PROC_SELF_EXE, &site, 1,
				 &meter->probes, err);
	if (!rc)
		*ret = TAKE_PTR(meter);
	return rc;
}

void meter_free(struct meter *meter)
{
	if (meter)
		kern_detach(meter->probes);
	free(meter);
}

static double measure(struct meter *meter, bool lean)
{
	const struct wire_gate gate = { .window = 1, .lean = lean };
	double best_ns = 0;

	kern_set_gate(meter->kern, meter->slot, PROBE_MAP_WRITE, &gate);
	for (int i = 0; i < BATCHES; i++) {
		double ns = calibrate_batch(stands_for_a_write, HITS);

		best_ns = i ? MIN(best_ns, ns) : ns;
	}
	return best_ns;
}

struct calibration calibration_by(const struct calibration *first,
				  const struct meter_reading *readings, size_t n)
{
	struct calibration ret = *first;
	double full[METER_READINGS], lean[METER_READINGS], pace;

	for (size_t i = 0; i < n; i++) {
		full[i] = readings[i].full_ns;
		lean[i] = readings[i].lean_ns;
	}
	ret.lean_ns = lower_quartile(lean, n);
	pace = lower_quartile(full, n) / first->ns[SITE_EMULATED];
	for (size_t i = 0; i < ARRAY_SIZE(ret.ns); i++)
		ret.ns[i] *= pace;
	ret.stack_ns *= pace;
	return ret;
}

void meter_tick(struct meter *meter, u64 now_ns)
{
	if (now_ns < meter->next_ns)
		return;
	meter->next_ns = now_ns + EVERY_NS;
	keep(meter, &(struct meter_reading) { measure(meter, false), measure(meter, true) });
	*meter->cost = calibration_by(&meter->first, meter->readings,
				      (size_t)MIN(meter->taken, (u64)METER_READINGS));
}
