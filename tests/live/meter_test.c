/* SPDX-License-Identifier: BSD-2-Clause */
/* What a hit costs, measured again and again: a calibration that was wrong does not stay so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/units.h"
#include "kern/features.h"
#include "probe/costs.h"
#include "probe/meter.h"

enum { SLOT = 1, TICKS = 20 };

static const struct calibration first = {
	.ns = { [SITE_EMULATED] = 800, [SITE_OPTIMISED] = 400, [SITE_SINGLE_STEP] = 16000 },
	.lean_ns = 650,
	.stack_ns = 1200,
};

static void slow_phase_is_outvoted(void **state)
{
	const struct meter_reading readings[] = {
		{ 800, 650, 190 }, { 604, 506, 146 }, { 600, 502, 144 }, { 606, 504, 150 }
	};
	struct calibration now = calibration_by(&first, readings, ARRAY_SIZE(readings));

	(void)state;
	assert_float_equal(now.ns[SITE_EMULATED], 604, 0.01);
	/* Times what they are of the full ones of their moment. */
	assert_float_equal(now.lean_ns, 604 * (502 / 600. + 504 / 606.) / 2, 0.01);
	assert_float_equal(now.run_ns, 604 * (146 / 604. + 144 / 600.) / 2, 0.01);
	/* Measured beside the first 800, these were too much by as much. */
	assert_float_equal(now.ns[SITE_OPTIMISED], 302, 0.01);
	assert_float_equal(now.ns[SITE_SINGLE_STEP], 12080, 0.01);
	assert_float_equal(now.stack_ns, 906, 0.01);
}

static void alone_the_first_stands(void **state)
{
	const struct meter_reading reading = { 800, 650, 146 };
	struct calibration now = calibration_by(&first, &reading, 1), expected = first;

	(void)state;
	expected.run_ns = 146;
	assert_memory_equal(&now, &expected, sizeof(now));
}

static void a_hit_costs_as_the_dearest_site_and_more_among_many(void **state)
{
	const u8 classes[WIRE_FN_COUNT] = {
		[WIRE_FN_MAPASSIGN] = 1 << SITE_EMULATED,
		[WIRE_FN_MAPASSIGN_FAST64] = 1 << SITE_EMULATED | 1 << SITE_SINGLE_STEP,
	};
	struct duty_costs alone = costs_of(classes, &first, 0);
	struct duty_costs among = costs_of(classes, &first, 100);

	(void)state;
	assert_float_equal(alone.full_ns[WIRE_FN_MAPASSIGN], 800, 0.01);
	assert_float_equal(alone.lean_ns[WIRE_FN_MAPASSIGN], 650, 0.01);
	assert_float_equal(alone.full_ns[WIRE_FN_MAPASSIGN_FAST64], 16000, 0.01);
	assert_float_equal(among.full_ns[WIRE_FN_MAPASSIGN], 800 * (1 + 100 * 0.03), 0.01);
	assert_float_equal(among.lean_ns[WIRE_FN_MAPASSIGN], 650 + 800 * 100 * 0.03, 0.01);
}

static struct kern *open_kern(void)
{
	struct kern_features features;
	struct kern_options options = {
		.targets = SLOT + 1,
		.ring_bytes = 1 << 16,
		.groups = { [PROBE_MAP_WRITE] = true },
	};
	struct kern *kern = NULL;
	struct err err = { 0 };

	kern_features_probe(&features);
	if (features.bpf_err || !features.btf || !features.attach_cookie ||
	    (!features.uprobe_multi && features.perf_uprobe_err)) {
		print_message("needs BTF, CAP_BPF and uprobes\n");
		skip();
	}
	options.uprobe_multi = features.uprobe_multi;
	if (kern_open(&kern, &options, &err))
		fail_msg("%s", err.text);
	return kern;
}

static u64 writes_seen(struct kern *kern)
{
	struct wire_counters counters;
	struct err err = { 0 };

	if (kern_read_counters(kern, SLOT, &counters, &err))
		fail_msg("%s", err.text);
	return counters.hits[WIRE_FN_MAPASSIGN];
}

/* As if the first calibration had been a hundred times too slow. */
static void wrong_calibration_is_mended(void **state)
{
	CLEANUP(kern_closep) struct kern *kern = open_kern();
	CLEANUP(meter_freep) struct meter *meter = NULL;
	struct calibration cost = { .ns = { [SITE_EMULATED] = 50000, [SITE_SINGLE_STEP] = 1600000 },
				    .lean_ns = 50000 };
	struct err err = { 0 };
	u64 hits;

	(void)state;
	if (meter_new(&meter, kern, SLOT, &cost, &err))
		fail_msg("%s", err.text);
	for (u64 i = 1; i <= TICKS; i++)
		meter_tick(meter, i * NS_PER_S);
	assert_true(cost.ns[SITE_EMULATED] > 0 && cost.ns[SITE_EMULATED] < 25000);
	assert_true(cost.lean_ns > 0 && cost.lean_ns < 25000);
	/* The program is a part of the hit. */
	assert_true(cost.run_ns > 0 && cost.run_ns < cost.ns[SITE_EMULATED]);
	assert_float_equal(cost.ns[SITE_SINGLE_STEP] / cost.ns[SITE_EMULATED], 32, 0.001);
	/* It was the programs that it measured, and not oftener than once a second. */
	hits = writes_seen(kern);
	assert_true(hits >= TICKS);
	meter_tick(meter, TICKS * NS_PER_S + NS_PER_S / 2);
	assert_int_equal(writes_seen(kern), hits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slow_phase_is_outvoted),
		cmocka_unit_test(alone_the_first_stands),
		cmocka_unit_test(a_hit_costs_as_the_dearest_site_and_more_among_many),
		cmocka_unit_test(wrong_calibration_is_mended),
	};

	return cmocka_run_group_tests_name("meter", tests, NULL, NULL);
}
