/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Breakpoints that outlive an owner killed while it was setting them: provoked on
 * a child with the same text, by so many places that the kill comes in between.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "kern/features.h"
#include "kern/kern.h"
#include "probe/calibrate.h"
#include "proc/process.h"
#include "proc/survivor.h"

enum { PLACES = 2000, TRIES = 50, PUSH_RBP = 0x55, INT3 = 0xcc };

/* PLACES times push %rbp. */
__attribute__((naked, noinline, used)) static void places(void)
{
	__asm__ volatile(".rept 2000\n\tpush %rbp\n\t.endr\n\tud2");
}

static struct kern_site sites[PLACES];

static void find_sites(void)
{
	for (size_t i = 0; i < PLACES; i++)
		sites[i].file_offset = self_file_offset(places) + i;
	assert_true(sites[0].file_offset > 0);
}

static struct kern *open_kern(void)
{
	struct kern_options options = { .targets = 1, .ring_bytes = 1 << 16 };
	struct kern_features features;
	struct kern *kern = NULL;
	struct err err = { 0 };

	kern_features_probe(&features);
	if (features.bpf_err || !features.btf || !features.attach_cookie ||
	    (!features.uprobe_multi && features.perf_uprobe_err)) {
		print_message("needs BTF, CAP_BPF and uprobes\n");
		skip();
	}
	options.uprobe_multi = features.uprobe_multi;
	options.groups[PROBE_GC] = true;
	if (kern_open(&kern, &options, &err))
		fail_msg("%s", err.text);
	return kern;
}

/* Has the same text, and never runs into the places. */
static struct process start_target(void)
{
	struct process process;
	struct err err = { 0 };
	pid_t pid = fork();

	assert_true(pid >= 0);
	while (pid == 0)
		pause();
	if (process_open(&process, pid, &err))
		fail_msg("%s", err.text);
	return process;
}

static void end_target(struct process *target)
{
	kill(target->pid, SIGKILL);
	waitpid(target->pid, NULL, 0);
	process_close(target);
}

static size_t breakpoints(const struct process *target)
{
	u8 text[PLACES];
	size_t n = 0;

	assert_int_equal(process_read(target, (u64)(unsigned long)places, text, sizeof(text)), 0);
	for (size_t i = 0; i < PLACES; i++) {
		assert_true(text[i] == PUSH_RBP || text[i] == INT3);
		n += text[i] == INT3;
	}
	return n;
}

/* Returns how many breakpoints are left of an owner that was killed while it was setting them. */
static size_t kill_an_owner(struct kern *kern, const struct process *target)
{
	struct kern_probes *probes;
	pid_t owner = fork();

	assert_true(owner >= 0);
	if (owner == 0)
		_exit(kern_attach(kern, PROBE_GC, target->pid, PROC_SELF_EXE, sites, PLACES,
				  &probes, NULL) != 0);
	while (!breakpoints(target) && !waitpid(owner, NULL, WNOHANG))
		;
	kill(owner, SIGKILL);
	waitpid(owner, NULL, 0);
	return breakpoints(target);
}

static void touching_takes_out_what_a_killed_owner_left(void **state)
{
	struct kern *kern = open_kern();
	struct process target = start_target();
	struct err err = { 0 };
	size_t left = 0;

	(void)state;
	for (int i = 0; i < TRIES && !left; i++)
		left = kill_an_owner(kern, &target);
	print_message("%zu breakpoints left\n", left);
	if (kern_touch(kern, target.pid, PROC_SELF_EXE, sites, PLACES, &err))
		fail_msg("%s", err.text);
	assert_int_equal(breakpoints(&target), 0);
	end_target(&target);
	kern_close(kern);
	if (!left) {
		print_message("this kernel left none\n");
		skip();
	}
}

static void touching_leaves_another_owners_breakpoints(void **state)
{
	struct kern *kern = open_kern();
	struct process target = start_target();
	struct kern_probes *probes = NULL;
	struct err err = { 0 };

	(void)state;
	if (kern_attach(kern, PROBE_GC, target.pid, PROC_SELF_EXE, sites, 3, &probes, &err) ||
	    kern_touch(kern, target.pid, PROC_SELF_EXE, sites, 5, &err))
		fail_msg("%s", err.text);
	assert_int_equal(breakpoints(&target), 3);
	kern_detach(probes);
	assert_int_equal(breakpoints(&target), 0);
	end_target(&target);
	kern_close(kern);
}

static void say_so(void *shared)
{
	__atomic_store_n((int *)shared, 1, __ATOMIC_SEQ_CST);
}

/* Whether a process's survivor did its work, by the signal that ended the process; 0: none. */
static bool survivor_worked(int violently)
{
	int *shared =
		mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t owner = fork();
	bool worked;

	assert_true(owner >= 0 && shared != MAP_FAILED);
	if (owner == 0) {
		struct survivor s;

		if (survivor_start(&s, say_so, shared, NULL))
			_exit(1);
		if (violently) {
			signal(violently, SIG_DFL); /* cmocka has a handler */
			raise(violently);
		}
		survivor_end(&s);
		_exit(0);
	}
	waitpid(owner, NULL, 0);
	for (int i = 0; i < (violently ? 500 : 20) && !__atomic_load_n(shared, __ATOMIC_SEQ_CST);
	     i++)
		usleep(10000);
	worked = *shared;
	munmap(shared, sizeof(int));
	return worked;
}

static void survivor_works_only_after_a_violent_end(void **state)
{
	(void)state;
	assert_true(survivor_worked(SIGKILL));
	assert_true(survivor_worked(SIGSEGV));
	assert_false(survivor_worked(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(touching_takes_out_what_a_killed_owner_left),
		cmocka_unit_test(touching_leaves_another_owners_breakpoints),
		cmocka_unit_test(survivor_works_only_after_a_violent_end),
	};

	find_sites();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
