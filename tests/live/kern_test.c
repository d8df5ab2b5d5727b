/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel side on this very process: what is counted is exact, over threads,
 * and nobody else's; both kinds of link give the same.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/units.h"
#include "daemon/loop.h"
#include "govern/bursts.h"
#include "kern/features.h"
#include "kern/kern.h"
#include "probe/calibrate.h"
#include "proc/process.h"

enum { THREADS = 8, CALLS = 20000, SLOT = 0 };

/* Stands for a function of the Go runtime. */
__attribute__((naked, noinline)) static void probed(void)
{
	__asm__ volatile("push %rbp\n\tpop %rbp\n\tret");
}

/* Its stack check is about to fail: CF set at the jbe, which is taken. */
__attribute__((naked, noinline)) static void probed_growing(void)
{
	__asm__ volatile("stc\n\tjbe 1f\n1:\tret");
}

__attribute__((naked, noinline)) static void probed_roomy(void)
{
	__asm__ volatile("test %rsp, %rsp\n\tjbe 1f\n1:\tret");
}

static struct kern *open_kern(bool multi)
{
	const struct kern_options options = {
		.targets = 2,
		.ring_bytes = 1 << 16,
		.uprobe_multi = multi,
		.groups = { [PROBE_MAP_WRITE] = true },
	};
	struct kern *kern = NULL;
	struct err err = { 0 };

	if (kern_open(&kern, &options, &err))
		fail_msg("%s", err.text);
	return kern;
}

static bool can_use(bool multi)
{
	struct kern_features features;

	kern_features_probe(&features);
	if (features.bpf_err || !features.btf || !features.attach_cookie ||
	    (multi ? !features.uprobe_multi : features.perf_uprobe_err)) {
		print_message("needs BTF, CAP_BPF, attach cookies and %s\n",
			      multi ? "uprobe_multi" : "perf-event uprobes");
		return false;
	}
	return true;
}

/* The kind of link that gosonde would take here. */
static struct kern *open_usual_kern(void)
{
	struct kern_features features;

	kern_features_probe(&features);
	if (!can_use(features.uprobe_multi))
		skip();
	return open_kern(features.uprobe_multi);
}

static struct kern_probes *watch_self(struct kern *kern, void (*fn)(void), u32 skip,
				      enum wire_fn as, u32 flags)
{
	struct kern_probes *probes = NULL;
	const struct wire_target self = { .tgid = (u32)getpid() };
	const struct kern_site site = { .file_offset = self_file_offset(fn) + skip,
					.cookie = WIRE_COOKIE(SLOT, as, flags, 0) };
	struct err err = { 0 };

	assert_true(site.file_offset > skip);
	if (kern_set_target(kern, SLOT, &self, &err) ||
	    kern_attach(kern, PROBE_MAP_WRITE, getpid(), PROC_SELF_EXE, &site, 1, &probes, &err))
		fail_msg("%s", err.text);
	return probes;
}

static struct wire_counters counters(struct kern *kern)
{
	struct wire_counters ret;
	struct err err = { 0 };

	if (kern_read_counters(kern, SLOT, &ret, &err))
		fail_msg("%s", err.text);
	return ret;
}

static void *call_often(void *arg)
{
	(void)arg;
	for (int i = 0; i < CALLS; i++)
		probed();
	return NULL;
}

static void add_count(void *arg, const struct wire_map_site *site, u64 count)
{
	assert_int_equal(WIRE_SITE_FN(site->site), WIRE_FN_MAPDELETE);
	*(u64 *)arg += count;
}

/* More threads than CPUs: they preempt each other within the program. */
static void count_is_exact_over_threads(bool multi)
{
	struct kern *kern = open_kern(multi);
	struct wire_counters c;
	pthread_t threads[THREADS];
	struct kern_probes *probes;
	struct err err = { 0 };
	u64 by_site = 0;

	probes = watch_self(kern, probed, 0, WIRE_FN_MAPDELETE, 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, call_often, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	kern_detach(probes);
	probed(); /* not counted any more */
	c = counters(kern);
	assert_int_equal(c.hits[WIRE_FN_MAPDELETE], THREADS * CALLS);
	assert_int_equal(c.hits[WIRE_FN_MAPASSIGN], 0);
	assert_int_equal(c.lost[WIRE_LOSS_READ], 0);
	assert_int_equal(c.lost[WIRE_LOSS_TABLE], 0);
	assert_int_equal(kern_each_map_site(kern, false, add_count, &by_site, &err), 0);
	assert_int_equal(by_site, THREADS * CALLS);
	kern_close(kern);
}

static void multi_link_counts_exactly(void **state)
{
	(void)state;
	if (!can_use(true))
		skip();
	count_is_exact_over_threads(true);
}

static void perf_event_counts_exactly(void **state)
{
	(void)state;
	if (!can_use(false))
		skip();
	count_is_exact_over_threads(false);
}

/* A child has the same text, and inherits the breakpoint's page: its calls are its own. */
static void other_process_is_not_counted(void **state)
{
	struct kern_probes *probes;
	struct kern *kern;
	int status;
	pid_t child;

	(void)state;
	kern = open_usual_kern();
	probes = watch_self(kern, probed, 0, WIRE_FN_MAPASSIGN, 0);
	child = fork();
	if (child == 0) {
		for (int i = 0; i < 100; i++)
			probed();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	probed();
	assert_int_equal(counters(kern).hits[WIRE_FN_MAPASSIGN], 1);
	kern_detach(probes);
	kern_close(kern);
}

/* At a jbe that is about to be taken the function will start over: that hit does not count. */
static void failing_stack_check_does_not_count(void **state)
{
	struct kern_probes *probes[2];
	struct kern *kern;
	struct wire_counters c;

	(void)state;
	kern = open_usual_kern();
	probes[0] = watch_self(kern, probed_growing, 1, WIRE_FN_MAPASSIGN, WIRE_SITE_FLAGS_TEST);
	probes[1] = watch_self(kern, probed_roomy, 3, WIRE_FN_MAPDELETE, WIRE_SITE_FLAGS_TEST);
	for (int i = 0; i < 5; i++)
		probed_growing();
	for (int i = 0; i < 7; i++)
		probed_roomy();
	c = counters(kern);
	assert_int_equal(c.hits[WIRE_FN_MAPASSIGN], 0);
	assert_int_equal(c.regrown[WIRE_FN_MAPASSIGN], 5);
	assert_int_equal(c.hits[WIRE_FN_MAPDELETE], 7);
	assert_int_equal(c.regrown[WIRE_FN_MAPDELETE], 0);
	kern_detach_many(probes, 2);
	kern_close(kern);
}

static void stay_on_this_cpu(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
}

static void burst(int calls)
{
	usleep(2000);
	for (int i = 0; i < calls; i++)
		probed();
}

/* On a slow machine the last call was a while ago. */
static bool runs(const void *arg, u32 tid)
{
	(void)arg;
	assert_int_equal(tid, gettid());
	return true;
}

/* Three of them, the last of which goes on. */
static struct bursts bursts_in_window(struct kern *kern, u64 *seen, u32 window)
{
	const struct wire_gate gate = { .window = window };
	CLEANUP(freep) struct wire_window *windows = calloc(kern_cpus(), sizeof(*windows));
	struct bursts_config config = { .open_ns = now_monotonic_ns(), .runs = runs };
	struct kern_spread spread = {
		.group = WIRE_GROUP_MAP_WRITE,
		.first = WIRE_FN_MAPASSIGN,
		.last = WIRE_FN_MAPCLEAR,
		.window = window,
		.seen = seen,
		.windows = windows,
	};
	struct wire_counters c;

	assert_non_null(windows);

	kern_set_gate(kern, SLOT, PROBE_MAP_WRITE, &gate);
	burst(1000);
	burst(2000);
	burst(500);
	config.now_ns = now_monotonic_ns();
	assert_int_equal(kern_read_spread(kern, SLOT, &c, &spread, NULL), 0);
	assert_int_equal(spread.cpus, 1);
	return bursts_of(&config, windows, spread.hit_cpus);
}

static bool about(double is, double expected)
{
	return is + WIRE_BURST_STRIDE >= expected && is <= expected + WIRE_BURST_STRIDE;
}

/* On a busy machine the hits of a burst may be spread out: so it is tried again. */
static bool are_the_three(const struct bursts *b)
{
	return b->whole == 2 && about(b->whole_hits, 3000) && b->going == 1 &&
	       about(b->going_hits, 500) && b->going_ns > 0 && b->cycles == 1 &&
	       about(b->cycles_hits, 2000) && b->cycles_ns > 2e6 && b->lasting_hits <= 0;
}

static void bursts_are_told_apart(void **state)
{
	struct kern_probes *probes;
	struct kern *kern = open_usual_kern();
	struct bursts b;
	cpu_set_t all;
	u64 *seen = test_calloc(kern_cpus(), sizeof(*seen));
	bool found = false;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	stay_on_this_cpu();
	probes = watch_self(kern, probed, 0, WIRE_FN_MAPASSIGN, 0);
	for (u32 window = 1; window <= 200 && !found; window++) {
		b = bursts_in_window(kern, seen, window);
		found = are_the_three(&b);
	}
	if (!found)
		fail_msg("whole %g/%g, going %g/%g for %g ns, lasting %g, cycles %g/%g for %g ns",
			 b.whole, b.whole_hits, b.going, b.going_hits, b.going_ns, b.lasting_hits,
			 b.cycles, b.cycles_hits, b.cycles_ns);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
	kern_detach(probes);
	kern_close(kern);
	test_free(seen);
}

/* What the only CPU that is hit saw of window 1, after hits of so long. */
static struct wire_window window_after(struct kern *kern, u64 *seen, struct wire_window *windows,
				       u64 ns)
{
	struct kern_spread spread = {
		.group = WIRE_GROUP_MAP_WRITE, .window = 1, .seen = seen, .windows = windows
	};
	u64 end_ns = now_monotonic_ns() + ns;
	struct wire_counters c;

	while (now_monotonic_ns() < end_ns)
		probed();
	assert_int_equal(kern_read_spread(kern, SLOT, &c, &spread, NULL), 0);
	assert_int_equal(spread.hit_cpus, 1);
	return windows[0];
}

static s64 thread_cpu_ns(void)
{
	struct timespec used;

	assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used), 0);
	return used.tv_sec * (s64)NS_PER_S + used.tv_nsec;
}

/* By the clock of tasks, at most a tick ago; ticks of a virtual machine may be late. It goes on at
 * least as this thread does, and as time at most: what a hypervisor steals is not in it. */
static void cpu_time_is_told_at_ticks(void **state)
{
	const struct wire_gate gate = { .window = 1 };
	CLEANUP(freep) u64 *seen = calloc(kern_cpus(), sizeof(*seen));
	CLEANUP(freep) struct wire_window *windows = calloc(kern_cpus(), sizeof(*windows));
	struct kern_probes *probes;
	struct kern *kern = open_usual_kern();
	struct wire_window before, after;
	cpu_set_t all;
	s64 later_ns, told_later_ns, ran_ns;

	(void)state;
	assert_true(seen && windows);
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	stay_on_this_cpu();
	probes = watch_self(kern, probed, 0, WIRE_FN_MAPASSIGN, 0);
	kern_set_gate(kern, SLOT, PROBE_MAP_WRITE, &gate);
	before = window_after(kern, seen, windows, 20 * NS_PER_MS);
	ran_ns = -thread_cpu_ns();
	after = window_after(kern, seen, windows, 500 * NS_PER_MS);
	ran_ns += thread_cpu_ns();
	later_ns = (s64)(after.seen_ns - before.seen_ns);
	told_later_ns = (s64)(after.told_until_ns - before.told_until_ns);
	assert_int_equal(before.tid, gettid());
	assert_int_equal(after.tid, gettid());
	assert_true(later_ns > (s64)(400 * NS_PER_MS));
	assert_true(told_later_ns > ran_ns - (s64)(200 * NS_PER_MS));
	assert_true(told_later_ns < later_ns + (s64)(200 * NS_PER_MS));
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
	kern_detach(probes);
	kern_close(kern);
}

/* Whoever is held up for the whole of a measurement finds out nothing: the next one may not be. */
static void calibrate_with(bool multi)
{
	struct kern *kern = open_kern(multi);
	struct calibration cost;
	struct err err = { 0 };
	bool dearer = false;

	for (int i = 0; i < 10 && !dearer; i++) {
		if (calibrate(kern, 1, &cost, &err))
			fail_msg("%s", err.text);
		assert_true(cost.ns[SITE_EMULATED] > 0);
		assert_true(cost.lean_ns > 0 && cost.ns[SITE_OPTIMISED] > 0);
		dearer = cost.ns[SITE_SINGLE_STEP] > cost.ns[SITE_EMULATED];
	}
	assert_true(dearer);
	kern_close(kern);
}

static void calibration_measures_both_classes(void **state)
{
	bool multi = can_use(true), perf = can_use(false);

	(void)state;
	if (multi)
		calibrate_with(true);
	if (perf)
		calibrate_with(false);
	if (!multi && !perf)
		skip();
}

/* What was told of one process, in order. */
struct life {
	u32 pid;
	u32 told[4];
	size_t count;
};

static void on_process(void *arg, const struct wire_process *process)
{
	struct life *life = arg;

	if (process->pid == life->pid && life->count < 4)
		life->told[life->count++] = process->life;
}

/* A thread's end is none of a process. */
static void processes_are_told(void **state)
{
	const struct kern_options options = { .targets = 1,
					      .ring_bytes = 1 << 16,
					      .processes = true };
	struct kern *kern = NULL;
	struct err err = { 0 };
	struct life life = { 0 };
	pthread_t thread;
	pid_t pid;

	(void)state;
	kern_close(open_usual_kern()); /* or skips */
	if (kern_open(&kern, &options, &err) || kern_watch_processes(kern, &err))
		fail_msg("%s", err.text);
	pid = fork();
	if (pid == 0) {
		if (pthread_create(&thread, NULL, call_often, NULL) || pthread_join(thread, NULL))
			_exit(1);
		execlp("true", "true", NULL);
		_exit(127);
	}
	life.pid = (u32)pid;
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(kern_processes_consume(kern, on_process, &life), 0);
	assert_int_equal(life.count, 2);
	assert_int_equal(life.told[0], WIRE_LIFE_EXEC);
	assert_int_equal(life.told[1], WIRE_LIFE_EXIT);
	assert_int_equal(kern_processes_lost(kern), 0);
	kern_close(kern);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(multi_link_counts_exactly),
		cmocka_unit_test(perf_event_counts_exactly),
		cmocka_unit_test(other_process_is_not_counted),
		cmocka_unit_test(failing_stack_check_does_not_count),
		cmocka_unit_test(bursts_are_told_apart),
		cmocka_unit_test(cpu_time_is_told_at_ticks),
		cmocka_unit_test(calibration_measures_both_classes),
		cmocka_unit_test(processes_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
