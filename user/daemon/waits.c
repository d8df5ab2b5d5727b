/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/waits.h"

#include "base/units.h"
#include "daemon/loop.h"
#include "model/gc.h"

/* Shorter pauses are of no detector's interest. */
#define LONG_PAUSE_NS NS_PER_MS

static void take_reading(struct waits *w)
{
	struct cpu_waits_reading reading = { .begin_ns = now_monotonic_ns() };
	int pid = w->process->pid;

	/* Its PID may be another's by now. */
	if (process_exited(w->process) || !cpu_waits_may_read(&w->readings, reading.begin_ns))
		return;
	reading.has_throttling = !throttling_read(&w->throttling, pid, NULL);
	reading.has_runqueue = !runqueue_read(&w->runqueue, pid, NULL);
	reading.throttled_ns = w->throttling.total.ns;
	reading.throttled_periods = w->throttling.total.periods;
	reading.runqueue_ns = w->runqueue.total_ns;
	reading.runqueue_longest_ns = w->runqueue.longest_ns;
	reading.end_ns = now_monotonic_ns();
	cpu_waits_add(&w->readings, &reading);
}

void waits_start(struct waits *w, const struct process *process)
{
	w->process = process;
	w->throttling.proc_root = w->runqueue.proc_root = PROC_ROOT;
	take_reading(w);
}

void waits_tick(struct waits *w)
{
	take_reading(w);
}

void waits_fill(struct waits *w, struct event *event)
{
	const struct event_stop *stop = &event->stop;

	if (event->kind != EVENT_STOP || !gc_is_pause(stop->reason) || !stop->requested_ns ||
	    event->time_ns < stop->requested_ns + LONG_PAUSE_NS)
		return;
	if (!cpu_waits_read_after(&w->readings, event->time_ns))
		take_reading(w);
	event->stop.cpu_wait = cpu_waits_over(&w->readings, stop->requested_ns, event->time_ns);
}
