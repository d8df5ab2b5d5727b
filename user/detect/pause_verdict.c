/* SPDX-License-Identifier: BSD-2-Clause */
#include "detect/pause_verdict.h"

#include "base/units.h"

static const struct {
	const char *name, *advice;
} parts[] = {
	[PAUSE_UNKNOWN] = {
		"unknown",
		"look for a goroutine without a preemption point (a large copy, a tight loop)",
	},
	[PAUSE_THROTTLED] = {
		"throttled",
		"raise the CPU limit of the control group, or set GOMAXPROCS to it (Go does so by "
		"itself from 1.25 on): more threads than that spend a period's quota early, and "
		"then all of them stand still",
	},
	[PAUSE_CPU_WAIT] = {
		"cpu-wait",
		"the machine's CPUs are overcommitted: take load off it or give this process a "
		"larger share; a GOMAXPROCS above the CPUs that it gets makes it worse",
	},
	[PAUSE_SLOW_TO_STOP] = {
		"slow-to-stop",
		"a goroutine had no preemption point for so long: find, with a CPU profile of "
		"that time, a copy or clearing of much memory, assembly, or, before Go 1.14 and "
		"with asyncpreemptoff=1, a loop without calls; system calls and cgo do not hold "
		"up a stop, page faults do",
	},
	[PAUSE_LONG_STOPPED] = {
		"long-stopped",
		"what is done while the world stands still took long: sweep termination sweeps "
		"what the last cycle left over, mark termination flushes every P; or the thread "
		"that does it waited for a page (swap) or for a virtual machine's CPU; `gosonde "
		"gctrace` shows the phases of each cycle",
	},
};

static const char *const lacks[] = {
	[CPU_LACK_NOT_KNOWN] = "not known",
	[CPU_LACK_RULED_OUT] = "ruled out",
	[CPU_LACK_POSSIBLE] = "possible",
	[CPU_LACK_LIKELY] = "likely",
};

/*
 * all_ns: added up, of which there can't be less if the pause was for that; one_ns: what one
 * thread, or the group, may have waited at a time.
 */
static enum cpu_lack weigh(bool known, u64 all_ns, u64 one_ns, const struct gc_stop *stop)
{
	u64 read_ns = stop->cpu_wait.until_ns - stop->cpu_wait.since_ns;

	if (!known)
		return CPU_LACK_NOT_KNOWN;
	if (all_ns < stop->duration_ns / 2)
		return CPU_LACK_RULED_OUT;
	if (one_ns >= stop->duration_ns / 2 &&
	    (read_ns / 2 <= stop->duration_ns || one_ns >= read_ns / 2))
		return CPU_LACK_LIKELY;
	return CPU_LACK_POSSIBLE;
}

static enum cpu_lack together(enum cpu_lack a, enum cpu_lack b)
{
	if (MAX(a, b) >= CPU_LACK_POSSIBLE)
		return MAX(a, b);
	return MIN(a, b);
}

struct pause_verdict pause_verdict(const struct gc_stop *stop)
{
	const struct event_cpu_wait *wait = &stop->cpu_wait;
	struct pause_verdict v = {
		.throttled =
			weigh(wait->has_throttling, wait->throttled_ns, wait->throttled_ns, stop),
		.runqueue = weigh(wait->has_runqueue, wait->runqueue_ns, wait->runqueue_longest_ns,
				  stop),
	};

	v.lack = together(v.throttled, v.runqueue);
	if (v.throttled == CPU_LACK_LIKELY)
		v.part = PAUSE_THROTTLED;
	else if (v.runqueue == CPU_LACK_LIKELY)
		v.part = PAUSE_CPU_WAIT;
	else if (stop->split_known)
		v.part = stop->stopping_ns > stop->stopped_ns ? PAUSE_SLOW_TO_STOP
							      : PAUSE_LONG_STOPPED;
	return v;
}

void pause_explain(const struct gc_stop *stop, struct explanation *ret)
{
	const struct event_cpu_wait *wait = &stop->cpu_wait;
	struct pause_verdict v = pause_verdict(stop);

	explain_text(ret, "verdict", "%s", parts[v.part].name);
	explain_text(ret, "cpu_lack", "%s", lacks[v.lack]);
	explain_number(ret, "pause_ns", (double)stop->duration_ns);
	if (stop->split_known) {
		explain_number(ret, "stop_latency_ns", (double)stop->stopping_ns);
		explain_number(ret, "stopped_ns", (double)stop->stopped_ns);
	}
	if (wait->has_throttling)
		explain_number(ret, "throttled_ns", (double)wait->throttled_ns);
	if (wait->has_runqueue)
		explain_number(ret, "runqueue_ns", (double)wait->runqueue_ns);
	if (wait->has_throttling || wait->has_runqueue)
		explain_number(ret, "cpu_read_over_ns", (double)(wait->until_ns - wait->since_ns));
}

/* What dominates when it is not for lack of CPU. */
static void summarise_part(const struct gc_stop *stop, const struct pause_verdict *v,
			   const char *whose, char *buf, size_t size)
{
	bool slow = v->part == PAUSE_SLOW_TO_STOP;
	char part[UNITS_BUF], of_cpu[64] = "";

	if (v->lack == CPU_LACK_POSSIBLE)
		explain_write(of_cpu, sizeof(of_cpu), "; %s may have added to it",
			      v->throttled == CPU_LACK_POSSIBLE ? "CPU throttling"
								: "waiting for a CPU");
	else
		explain_write(of_cpu, sizeof(of_cpu), "; a lack of CPU is %s", lacks[v->lack]);
	if (v->part == PAUSE_UNKNOWN) {
		explain_write(buf, size, "which part was long is not known%s", of_cpu);
		return;
	}
	fmt_duration_ns(part, slow ? stop->stopping_ns : stop->stopped_ns);
	explain_write(buf, size, "%s of %s %s%s", part, whose,
		      slow ? "waited for a goroutine to stop" : "the world stood still", of_cpu);
}

void pause_summary(const struct gc_stop *stop, const char *whose, char *buf, size_t size)
{
	const struct event_cpu_wait *wait = &stop->cpu_wait;
	struct pause_verdict v = pause_verdict(stop);
	char waited[UNITS_BUF], all[UNITS_BUF], over[UNITS_BUF];

	fmt_duration_ns(over, wait->until_ns - wait->since_ns);
	if (v.part == PAUSE_THROTTLED)
		explain_write(buf, size,
			      "likely for lack of quota: its control group was throttled for %s "
			      "(CPUs added up, %llu periods) in the %s around %s",
			      fmt_duration_ns(waited, wait->throttled_ns), wait->throttled_periods,
			      over, whose);
	else if (v.part == PAUSE_CPU_WAIT)
		explain_write(buf, size,
			      "likely for lack of CPU: one of its threads waited %s for one, all "
			      "together %s, in the %s around %s",
			      fmt_duration_ns(waited, wait->runqueue_longest_ns),
			      fmt_duration_ns(all, wait->runqueue_ns), over, whose);
	else
		summarise_part(stop, &v, whose, buf, size);
}

void pause_advice(const struct gc_stop *stop, char *buf, size_t size)
{
	struct pause_verdict v = pause_verdict(stop);
	bool sure = v.lack == CPU_LACK_LIKELY || v.lack == CPU_LACK_RULED_OUT;

	explain_write(buf, size, "%s%s",
		      sure ? ""
			   : "see first whether it lacked CPU (cpu.stat's nr_throttled, the load); "
			     "else ",
		      parts[v.part].advice);
}
