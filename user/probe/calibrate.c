/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/calibrate.h"

#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proc/process.h"

enum {
	BATCHES = 5,	       /* the fastest counts: a slower one was interrupted */
	HITS_EMULATED = 400,   /* 0.2 ms a batch in a virtual machine */
	HITS_SINGLE_STEP = 40, /* 0.6 ms */
};

#if defined(__x86_64__)
/* Their first instruction is probed: a push is emulated, a test is single-stepped. */
__attribute__((naked, noinline)) static void begins_with_push(void)
{
	__asm__ volatile("push %rbp\n\tpop %rbp\n\tret");
}

__attribute__((naked, noinline)) static void begins_with_test(void)
{
	__asm__ volatile("test %eax, %eax\n\tret");
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
	void (*fn)(void);
	enum wire_fn as;
	int calls;	/* in each batch */
	double best_ns; /* per call, of the fastest batch */
};

enum { RUNS = 2 };

static void run_batches(struct run *run)
{
	for (int batch = 0; batch < BATCHES; batch++) {
		struct timespec from, to;
		double ns;

		clock_gettime(CLOCK_MONOTONIC, &from);
		for (int i = 0; i < run->calls; i++)
			run->fn();
		clock_gettime(CLOCK_MONOTONIC, &to);
		ns = (double)elapsed_ns(&from, &to) / run->calls;
		if (batch == 0 || ns < run->best_ns)
			run->best_ns = ns;
	}
}

static void *run_all(void *arg)
{
	struct run *runs = arg;

	for (int i = 0; i < RUNS; i++)
		run_batches(&runs[i]);
	return NULL;
}

/* On a thread that is not the process's first: the kernel's PID filter must let it through. */
static int run_on_thread(struct run runs[static RUNS], struct err *err)
{
	pthread_t thread;
	int rc = pthread_create(&thread, NULL, run_all, runs);

	if (rc)
		return err_set(err, -rc, "can't start a thread: %s", strerror(rc));
	pthread_join(thread, NULL);
	return 0;
}

static int check_all_seen(struct kern *kern, u32 slot, const struct run *run, struct err *err)
{
	struct wire_counters counters;
	int rc = kern_read_counters(kern, slot, &counters, err);

	if (rc || counters.hits[run->as] >= (u64)run->calls * BATCHES)
		return rc;
	return err_set(err, -ENOTSUP,
		       "%llu of %d hits of a second thread were seen: the kernel's PID filter "
		       "covers one thread only",
		       counters.hits[run->as], run->calls * BATCHES);
}

/* Both functions at once: attaching and detaching take longer than all the hits. */
static int measure(struct kern *kern, u32 slot, struct run runs[static RUNS], struct err *err)
{
	struct kern_site sites[RUNS];
	int rc;

	for (int i = 0; i < RUNS; i++) {
		sites[i] = (struct kern_site) { .file_offset = self_file_offset(runs[i].fn),
						.cookie = WIRE_COOKIE(slot, runs[i].as, 0, 0) };
		if (!sites[i].file_offset)
			return err_set(err, -ENOENT,
				       "can't find a function of our own in our file");
	}
	rc = kern_attach(kern, PROBE_MAP_WRITE, getpid(), PROC_SELF_EXE, sites, RUNS, err);
	if (rc)
		return rc;
	rc = run_on_thread(runs, err);
	kern_detach_all(kern);
	for (int i = 0; i < RUNS && !rc; i++)
		rc = check_all_seen(kern, slot, &runs[i], err);
	return rc;
}

int calibrate(struct kern *kern, u32 slot, struct calibration *ret, struct err *err)
{
	const struct wire_target self = { .tgid = (u32)getpid() }, nobody = { 0 };
	struct run runs[RUNS] = {
		{ .fn = begins_with_push, .as = WIRE_FN_MAPASSIGN, .calls = HITS_EMULATED },
		{ .fn = begins_with_test, .as = WIRE_FN_MAPDELETE, .calls = HITS_SINGLE_STEP },
	};
	int rc = kern_set_target(kern, slot, &self, err), reset;

	memset(ret, 0, sizeof(*ret));
	if (rc)
		return rc;
	rc = measure(kern, slot, runs, err);
	reset = kern_set_target(kern, slot, &nobody, rc ? NULL : err);
	if (rc || reset)
		return rc ? rc : reset;
	ret->ns[SITE_EMULATED] = runs[0].best_ns;
	ret->ns[SITE_SINGLE_STEP] = runs[1].best_ns;
	return 0;
}

int calibrate_here(const struct kern_features *features, struct calibration *ret, struct err *err)
{
	const struct kern_options options = {
		.targets = 1,
		.ring_bytes = 1 << 16,
		.uprobe_multi = features->uprobe_multi,
		.groups = { [PROBE_MAP_WRITE] = true },
	};
	CLEANUP(kern_closep) struct kern *kern = NULL;
	int rc = kern_open(&kern, &options, err);

	*ret = (struct calibration) { 0 };
	return rc ? rc : calibrate(kern, 0, ret, err);
}
