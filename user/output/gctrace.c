/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * After gcMarkTermination in runtime/mgc.go, which prints the line; unchanged
 * from Go 1.15 to 1.27 but for "MB stacks, MB globals" (Go 1.18). All
 * arithmetic is modulo 2^64, as there.
 */
#include "output/gctrace.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/units.h"

/* Without the two words of the stacks and globals fields, which older versions lack. */
#define HAVE(word) (1ULL << (word))
static const u64 needed =
	HAVE(WIRE_GC_NUMGC) | HAVE(WIRE_GC_CPU_FRACTION) | HAVE(WIRE_GC_USER_FORCED) |
	HAVE(WIRE_GC_STWPROCS) | HAVE(WIRE_GC_MAXPROCS) | HAVE(WIRE_GC_T_SWEEP_TERM) |
	HAVE(WIRE_GC_T_MARK) | HAVE(WIRE_GC_T_MARK_TERM) | HAVE(WIRE_GC_T_END) |
	HAVE(WIRE_GC_HEAP0) | HAVE(WIRE_GC_HEAP1) | HAVE(WIRE_GC_HEAP2) | HAVE(WIRE_GC_HEAP_GOAL) |
	HAVE(WIRE_GC_ASSIST_NS) | HAVE(WIRE_GC_DEDICATED_NS) | HAVE(WIRE_GC_FRACTIONAL_NS) |
	HAVE(WIRE_GC_IDLE_NS) | HAVE(WIRE_GC_INIT_TIME);
static const u64 scans = HAVE(WIRE_GC_STACK_SCAN) | HAVE(WIRE_GC_GLOBALS_SCAN);

enum { MS_BUF = 24 };

/* runtime.fmtNSAsMS: whole ms from 10 ms on; else two digits, at most three decimals, truncated. */
static const char *fmt_ns_as_ms(char buf[static MS_BUF], u64 ns)
{
	static const unsigned int scale[] = { 1, 10, 100, 1000 };
	unsigned int decimals = 3;
	u64 x = ns / NS_PER_US;

	if (ns >= 10 * NS_PER_MS) {
		snprintf(buf, MS_BUF, "%llu", ns / NS_PER_MS);
		return buf;
	}
	if (x == 0)
		return "0";
	for (; x >= 100; x /= 10)
		decimals--;
	snprintf(buf, MS_BUF, "%llu.%0*llu", x / scale[decimals], (int)decimals,
		 x % scale[decimals]);
	return buf;
}

/* int(gc_cpu_fraction * 100). */
static int cpu_percent(u64 fraction_bits, int *ret)
{
	double fraction;

	memcpy(&fraction, &fraction_bits, sizeof(fraction));
	if (!(fraction > -1000 && fraction < 1000)) /* NaN too; the cast would be undefined */
		return -EBADMSG;
	*ret = (int)(fraction * 100);
	return 0;
}

static void fmt_scans(char *buf, size_t size, const struct event_gc_end *gc)
{
	buf[0] = '\0';
	if (gc->have & scans)
		snprintf(buf, size, "%llu MB stacks, %llu MB globals, ",
			 gc->word[WIRE_GC_STACK_SCAN] >> 20, gc->word[WIRE_GC_GLOBALS_SCAN] >> 20);
}

int gctrace_line(char buf[static GCTRACE_BUF], const struct event_gc_end *gc)
{
	const u64 *w = gc->word;
	u64 stw_procs = (u64)(s64)(s32)w[WIRE_GC_STWPROCS];
	u64 sweep_term = w[WIRE_GC_T_MARK] - w[WIRE_GC_T_SWEEP_TERM];
	u64 mark = w[WIRE_GC_T_MARK_TERM] - w[WIRE_GC_T_MARK];
	u64 mark_term = w[WIRE_GC_T_END] - w[WIRE_GC_T_MARK_TERM];
	u64 at_ms = (w[WIRE_GC_T_SWEEP_TERM] - w[WIRE_GC_INIT_TIME]) / NS_PER_MS;
	char ms[8][MS_BUF], scan[96];
	int util, rc;

	buf[0] = '\0';
	if ((gc->have & needed) != needed)
		return -ENODATA;
	if ((gc->have & scans) && (gc->have & scans) != scans)
		return -ENODATA;
	rc = cpu_percent(w[WIRE_GC_CPU_FRACTION], &util);
	if (rc)
		return rc;
	fmt_scans(scan, sizeof(scan), gc);

	snprintf(buf, GCTRACE_BUF,
		 "gc %u @%llu.%03llus %d%%%s: %s+%s+%s ms clock, %s+%s/%s/%s+%s ms cpu, "
		 "%llu->%llu->%llu MB, %llu MB goal, %s%d P%s",
		 (u32)w[WIRE_GC_NUMGC], at_ms / 1000, at_ms % 1000, util,
		 w[WIRE_GC_LEAK_CHECK] ? " (checking for goroutine leaks)" : "",
		 fmt_ns_as_ms(ms[0], sweep_term), fmt_ns_as_ms(ms[1], mark),
		 fmt_ns_as_ms(ms[2], mark_term), fmt_ns_as_ms(ms[3], stw_procs * sweep_term),
		 fmt_ns_as_ms(ms[4], w[WIRE_GC_ASSIST_NS]),
		 fmt_ns_as_ms(ms[5], w[WIRE_GC_DEDICATED_NS] + w[WIRE_GC_FRACTIONAL_NS]),
		 fmt_ns_as_ms(ms[6], w[WIRE_GC_IDLE_NS]),
		 fmt_ns_as_ms(ms[7], stw_procs * mark_term), w[WIRE_GC_HEAP0] >> 20,
		 w[WIRE_GC_HEAP1] >> 20, w[WIRE_GC_HEAP2] >> 20, w[WIRE_GC_HEAP_GOAL] >> 20, scan,
		 (s32)w[WIRE_GC_MAXPROCS], w[WIRE_GC_USER_FORCED] ? " (forced)" : "");
	return 0;
}
