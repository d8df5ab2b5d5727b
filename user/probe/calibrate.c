/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/calibrate.h"

#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/macros.h"
#include "proc/process.h"

enum {
	BATCHES = 7,	       /* the fastest counts: a slower one was interrupted */
	HITS_EMULATED = 300,   /* 0.2 ms a batch in a virtual machine */
	HITS_SINGLE_STEP = 30, /* 0.4 ms */
};

#if defined(__x86_64__)
/* Their first instruction is probed: a push is emulated, a long nop becomes a call from kernel 6.18
 * on, a test is single-stepped. */
__attribute__((naked, noinline)) static void begins_with_push(void)
{
	__asm__ volatile("push %rbp\n\tpop %rbp\n\tret");
}

__attribute__((naked, noinline)) static void begins_with_nop(void)
{
	__asm__ volatile(".byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n\tret");
}

__attribute__((naked, noinline)) static void begins_with_test(void)
{
	__asm__ volatile("test %eax, %eax\n\tret");
}

__attribute__((naked, noinline)) static void stands_for_hash_grow(void)
{
	__asm__ volatile("push %rbp\n\tpop %rbp\n\tret");
}

/* The head of an empty runtime.hmap with one bucket, which hashGrow's program reads. */
static const u64 small_hmap[8] = { 1 };

/* f(t, h): RAX and RBX of Go's register ABI. One map, as nearly all writes in a row are to. */
static void call_with_map(void (*fn)(void))
{
	const void *type = NULL, *map = small_hmap;

	__asm__ volatile("call *%2" : "+a"(type), "+b"(map) : "r"(fn) : "memory", "cc");
}
#else
#error "calibration functions of this architecture are not written yet"
#endif

struct self_lookup {
	u64 addr;
	u64 file_offset;
};

/* The first object is the program itself (dl_iterate_phdr(3)). */
static int find_offset(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct self_lookup *lookup = arg;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *seg = &info->dlpi_phdr[i];
		u64 start = info->dlpi_addr + seg->p_vaddr;

		if (seg->p_type == PT_LOAD && lookup->addr >= start &&
		    lookup->addr - start < seg->p_filesz)
			lookup->file_offset = lookup->addr - start + seg->p_offset;
	}
	return 1;
}

u64 self_file_offset(void (*fn)(void))
{
	struct self_lookup lookup = { .addr = (u64)(unsigned long)fn };

	dl_iterate_phdr(find_offset, &lookup);
	return lookup.file_offset;
}

static u64 elapsed_ns(const struct timespec *from, const struct timespec *to)
{
	return (u64)(to->tv_sec - from->tv_sec) * 1000000000 + (u64)to->tv_nsec -
	       (u64)from->tv_nsec;
}

/* Calls of one function of ours, standing for a probed one. */
struct run {
	enum probe_group group;
	void (*probed)(void);
	enum wire_fn as;
	int calls; /* in each batch */
	bool lean;
	double best_ns; /* per call, of the fastest batch */
};

enum { RUN_PUSH, RUN_LEAN, RUN_NOP, RUN_STEP, RUN_STACK, RUNS };

struct bench {
	struct kern *kern;
	u32 slot;
	struct run runs[RUNS];
};

double calibrate_batch(void (*probed)(void), int calls)
{
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < calls; i++)
		call_with_map(probed);
	clock_gettime(CLOCK_MONOTONIC, &to);
	return (double)elapsed_ns(&from, &to) / calls;
}

static void run_batch(struct bench *bench, struct run *run, bool first)
{
	const struct wire_gate gate = { .window = 1, .lean = run->lean };
	double ns;

	if (!run->calls)
		return;
	kern_set_gate(bench->kern, bench->slot, run->group, &gate);
	ns = calibrate_batch(run->probed, run->calls);
	run->best_ns = first ? ns : MIN(run->best_ns, ns);
}

/* In turns, so that a slow millisecond of the machine is in no run's figure alone. */
static void *run_all(void *arg)
{
	struct bench *bench = arg;

	for (int batch = 0; batch < BATCHES; batch++)
		for (int i = 0; i < RUNS; i++)
			run_batch(bench, &bench->runs[i], batch == 0);
	return NULL;
}

/* On a thread that is not the process's first: the kernel's PID filter must let it through. */
static int run_on_thread(struct bench *bench, struct err *err)
{
	pthread_t thread;
	int rc = pthread_create(&thread, NULL, run_all, bench);

	if (rc)
		return err_set(err, -rc, "can't start a thread: %s", strerror(rc));
	pthread_join(thread, NULL);
	return 0;
}

static int check_all_seen(struct bench *bench, struct err *err)
{
	u64 called[WIRE_FN_COUNT] = { 0 };
	struct wire_counters counters;
	int rc = kern_read_counters(bench->kern, bench->slot, &counters, err);

	for (int i = 0; i < RUNS; i++)
		called[bench->runs[i].as] += (u64)bench->runs[i].calls * BATCHES;
	for (int fn = 0; fn < WIRE_FN_COUNT && !rc; fn++)
		if (counters.hits[fn] < called[fn])
			rc = err_set(err, -ENOTSUP,
				     "%llu of %llu hits of a second thread were seen: the "
				     "kernel's PID filter covers one thread only",
				     counters.hits[fn], called[fn]);
	return rc;
}

/* All functions of a group at once: attaching and detaching take longer than all the hits. */
static int attach_runs(const struct bench *bench, enum probe_group group, struct kern_probes **ret,
		       struct err *err)
{
	struct kern_site sites[RUNS];
	size_t n = 0;

	for (int i = 0; i < RUNS; i++) {
		const struct run *run = &bench->runs[i];

		if (run->group != group || !run->calls || run->lean)
			continue;
		sites[n] = (struct kern_site) { .file_offset = self_file_offset(run->probed),
						.cookie = WIRE_COOKIE(bench->slot, run->as, 0, 0) };
		if (!sites[n++].file_offset)
			return err_set(err, -ENOENT,
				       "can't find a function of our own in our file");
	}
	return n ? kern_attach(bench->kern, group, getpid(), PROC_SELF_EXE, sites, n, ret, err) : 0;
}

static void discard(void *arg, const void *record, size_t size)
{
	(void)arg, (void)record, (void)size;
}

static int measure(struct bench *bench, struct err *err)
{
	struct kern_probes *writes = NULL, *grows = NULL;
	int rc = attach_runs(bench, PROBE_MAP_WRITE, &writes, err);

	if (!rc)
		rc = attach_runs(bench, PROBE_MAP_GROW, &grows, err);
	if (!rc)
		rc = run_on_thread(bench, err);
	kern_detach_later(writes);
	kern_detach_later(grows);
	if (!rc)
		rc = check_all_seen(bench, err);
	(void)kern_ring_consume(bench->kern, discard, NULL, NULL);
	return rc;
}

int calibrate(struct kern *kern, u32 slot, struct calibration *ret, struct err *err)
{
	const struct wire_target self = { .tgid = (u32)getpid(), .small_grows_per_s = ~0U };
	const int grows = kern_has_group(kern, PROBE_MAP_GROW) ? HITS_EMULATED / 3 : 0;
	struct bench bench = {
		.kern = kern,
		.slot = slot,
		.runs = {
			[RUN_PUSH] = { PROBE_MAP_WRITE, begins_with_push, WIRE_FN_MAPASSIGN,
				       HITS_EMULATED, false, 0 },
			[RUN_LEAN] = { PROBE_MAP_WRITE, begins_with_push, WIRE_FN_MAPASSIGN,
				       HITS_EMULATED, true, 0 },
			[RUN_NOP] = { PROBE_MAP_WRITE, begins_with_nop, WIRE_FN_MAPCLEAR,
				      HITS_EMULATED, false, 0 },
			[RUN_STEP] = { PROBE_MAP_WRITE, begins_with_test, WIRE_FN_MAPDELETE,
				       HITS_SINGLE_STEP, false, 0 },
			[RUN_STACK] = { PROBE_MAP_GROW, stands_for_hash_grow, WIRE_FN_HASH_GROW,
					grows, false, 0 },
		},
	};
	int rc = kern_set_target(kern, slot, &self, err), reset;

	memset(ret, 0, sizeof(*ret));
	if (rc)
		return rc;
	rc = measure(&bench, err);
	/* Their breakpoints are on their way out, and only we could hit them. */
	reset = kern_clear_slot(kern, slot, rc ? NULL : err);
	if (rc || reset)
		return rc ? rc : reset;
	*ret = (struct calibration) {
		.ns = { [SITE_EMULATED] = bench.runs[RUN_PUSH].best_ns,
			[SITE_OPTIMISED] = bench.runs[RUN_NOP].best_ns,
			[SITE_SINGLE_STEP] = bench.runs[RUN_STEP].best_ns },
		.lean_ns = bench.runs[RUN_LEAN].best_ns,
		.stack_ns = MAX(bench.runs[RUN_STACK].best_ns - bench.runs[RUN_PUSH].best_ns, 0),
	};
	return 0;
}

bool probe_leaves_stack(enum probe_group group)
{
	return group == PROBE_MAP_GROW || group == PROBE_FAULT;
}

bool probe_is_timed(enum probe_group group)
{
	return group == PROBE_MAP_WRITE || group == PROBE_GOROUTINE;
}

double calibration_ns(const struct calibration *c, enum site_class class, bool lean, bool stack)
{
	double ns = c->ns[class];

	if (lean)
		ns -= MAX(c->ns[SITE_EMULATED] - c->lean_ns, 0);
	return ns + (stack && ns > 0 ? c->stack_ns : 0);
}

int calibrate_here(const struct kern_features *features, struct calibration *ret, struct err *err)
{
	const struct kern_options options = {
		.targets = 1,
		.ring_bytes = 1 << 16,
		.uprobe_multi = features->uprobe_multi,
		.groups = { [PROBE_MAP_WRITE] = true, [PROBE_MAP_GROW] = true },
	};
	CLEANUP(kern_closep) struct kern *kern = NULL;
	int rc = kern_open(&kern, &options, err);

	*ret = (struct calibration) { 0 };
	return rc ? rc : calibrate(kern, 0, ret, err);
}
