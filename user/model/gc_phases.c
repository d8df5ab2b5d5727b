/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/gc_phases.h"

#include "base/units.h"
#include "gobin/probeset.h"

/* No phase, and no Ps times phase, is longer: what is, is no duration but garbage. */
static const u64 longest_ns = 1000 * NS_PER_HOUR;

bool gc_cycle_word(const struct gc_cycle *cycle, enum wire_gc_word word, u64 *ret)
{
	*ret = cycle->end.word[word];
	return cycle->end.have >> word & 1;
}

bool gc_cycle_forced(const struct gc_cycle *cycle)
{
	u64 forced;

	return gc_cycle_word(cycle, WIRE_GC_USER_FORCED, &forced) && forced;
}

/* Between two of the runtime's own times, whatever their clock. */
static bool between(const struct gc_cycle *cycle, enum wire_gc_word from, enum wire_gc_word to,
		    u64 *ret_ns)
{
	u64 start, end;

	if (!gc_cycle_word(cycle, from, &start) || !gc_cycle_word(cycle, to, &end) || end < start ||
	    end - start > longest_ns)
		return false;
	*ret_ns = end - start;
	return true;
}

const struct gc_stop *gc_cycle_last_stop(const struct gc_cycle *cycle)
{
	const struct gc_stop *stop = NULL;

	if (cycle->stop_count && !cycle->stops_left_out)
		stop = &cycle->stops[cycle->stop_count - 1];
	return stop && stop->reason == GO_STW_MARK_TERMINATION && stop->duration_ns ? stop : NULL;
}

static const struct gc_stop *first_stop(const struct gc_cycle *cycle)
{
	const struct gc_stop *stop = cycle->stop_count ? &cycle->stops[0] : NULL;

	return stop && stop->reason == GO_STW_SWEEP_TERMINATION && stop->duration_ns ? stop : NULL;
}

/* Back from the end that we saw: the runtime's clock may be another (a time namespace). */
bool gc_cycle_mark(const struct gc_cycle *cycle, u64 *ret_start_ns, u64 *ret_end_ns)
{
	const struct gc_stop *first = first_stop(cycle), *last = gc_cycle_last_stop(cycle);
	u64 mark_ns, termination_ns;

	if (between(cycle, WIRE_GC_T_MARK, WIRE_GC_T_MARK_TERM, &mark_ns) &&
	    between(cycle, WIRE_GC_T_MARK_TERM, WIRE_GC_T_END, &termination_ns) &&
	    mark_ns + termination_ns <= cycle->end_ns) {
		*ret_end_ns = cycle->end_ns - termination_ns;
		*ret_start_ns = *ret_end_ns - mark_ns;
		return true;
	}
	if (!first || !last || last->end_ns - last->duration_ns < first->end_ns)
		return false;
	*ret_start_ns = first->end_ns;
	*ret_end_ns = last->end_ns - last->duration_ns;
	return true;
}

static bool duration_of(const struct gc_stop *stop, u64 *ret_ns)
{
	if (stop)
		*ret_ns = stop->duration_ns;
	return stop;
}

bool gc_cycle_sweep_termination(const struct gc_cycle *cycle, u64 *ret_ns)
{
	return between(cycle, WIRE_GC_T_SWEEP_TERM, WIRE_GC_T_MARK, ret_ns) ||
	       duration_of(first_stop(cycle), ret_ns);
}

bool gc_cycle_mark_termination(const struct gc_cycle *cycle, u64 *ret_ns)
{
	return between(cycle, WIRE_GC_T_MARK_TERM, WIRE_GC_T_END, ret_ns) ||
	       duration_of(gc_cycle_last_stop(cycle), ret_ns);
}

static bool time_word(const struct gc_cycle *cycle, enum wire_gc_word word, u64 *ret_ns)
{
	return gc_cycle_word(cycle, word, ret_ns) && *ret_ns <= longest_ns;
}

bool gc_cycle_cpu(const struct gc_cycle *cycle, struct gc_cpu *ret)
{
	u64 dedicated_ns, fractional_ns;
	struct gc_cpu cpu;

	if (!time_word(cycle, WIRE_GC_ASSIST_NS, &cpu.assist_ns) ||
	    !time_word(cycle, WIRE_GC_DEDICATED_NS, &dedicated_ns) ||
	    !time_word(cycle, WIRE_GC_FRACTIONAL_NS, &fractional_ns) ||
	    !time_word(cycle, WIRE_GC_IDLE_NS, &cpu.idle_ns))
		return false;
	cpu.worker_ns = dedicated_ns + fractional_ns;
	*ret = cpu;
	return true;
}
