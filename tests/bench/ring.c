/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many records a second the agent takes in on one core, and its CPU at 100,000 a second, as
 * rows of a Markdown table. The consumer is the agent's own: its ring and loop, decoder, model,
 * detectors and default rules. A BPF program of the bench writes the records into that ring, on
 * another CPU where there is one; its time is not counted.
 *
 * QUICK=1: shorter. Needs root.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "alert/watch.h"
#include "base/macros.h"
#include "base/units.h"
#include "daemon/loop.h"
#include "event/decode.h"
#include "kern/features.h"
#include "kern/kern.h"
#include "model/trend.h"

#include "ring.h"
#include "tests/bench/ring.skel.h"

enum {
	RING_BYTES = 4 << 20, /* as the daemon's: session.c */
	BATCH = 8192,	      /* records of 360 bytes fit into the ring */
	WARM_UP = 8,	      /* batches */
	BATCHES = 200,
	BATCHES_QUICK = 30,
	STEADY_PER_S = 100000,
	STEADY_S = 2,
	STEADY_TURNS = 7,
	STEADY_TURNS_QUICK = 1,

	SITES = 50,
	FRAMES = 8,
	GROWS_OF_A_MAP = 4,
	MAPS_AT_ONCE = 64, /* grow in turns */
};

/* The records' mix: one in `gc_every` is of a collection, the others are growths; 0: none is. */
struct mix {
	const char *name;
	u32 gc_every;
};

struct bench {
	struct kern *kern;
	struct ring_bpf *producer;
	struct watch *watch;
	u64 produced, consumed, refused, names_asked, alerts;
	atomic_bool stop; /* of the steady producer */
	double behind_max_ns;
	int producer_rc;
};

static double clock_of(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* The consumer runs on the first CPU that we may use, the producer on the last. */
static void pin(bool last)
{
	cpu_set_t set, one;
	int cpu = -1;

	sched_getaffinity(0, sizeof(set), &set);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set) && (last || cpu < 0))
			cpu = i;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
}

/* Names are asked for when an alert is raised, not at an event: counted here, to prove that. */
static int name_pc(void *arg, u64 pc, bool return_address, char *buf, size_t size)
{
	struct bench *bench = arg;

	(void)return_address;
	bench->names_asked++;
	snprintf(buf, size, "main.f%llx main.go:1", pc);
	return 0;
}

static int name_frame_at(void *arg, u64 pc, bool return_address, size_t depth, char *buf,
			 size_t size)
{
	if (depth)
		return -ENOENT;
	(void)name_pc(arg, pc, return_address, buf, size);
	return FRAME_PROGRAM;
}

static int name_type(void *arg, u64 type, char *buf, size_t size)
{
	struct bench *bench = arg;

	bench->names_asked++;
	snprintf(buf, size, "map[string]*main.T%llx", type);
	return 0;
}

static int read_nothing(void *arg, u64 addr, void *buf, size_t len)
{
	(void)arg, (void)addr, (void)buf, (void)len;
	return -EFAULT;
}

static int name_string(void *arg, u64 ptr, u64 len, char *buf, size_t size)
{
	struct bench *bench = arg;

	(void)ptr, (void)len, (void)size;
	bench->names_asked++;
	buf[0] = 0;
	return -EFAULT;
}

static struct names names_of(struct bench *bench)
{
	return (struct names) {
		.arg = bench,
		.frame = name_pc,
		.frame_at = name_frame_at,
		.func = name_pc,
		.type = name_type,
		.read = read_nothing,
		.string = name_string,
	};
}

static struct names names;

static void on_alert(void *arg, const struct alert *alert)
{
	struct bench *bench = arg;

	(void)alert;
	bench->alerts++;
}

/* As session.c does it. */
static void on_record(void *arg, const void *record, size_t size)
{
	struct bench *bench = arg;
	struct event event;

	bench->consumed++;
	if (event_decode(record, size, &names, &event))
		bench->refused++;
	else
		(void)watch_event(bench->watch, &event);
}

static int on_records(void *arg, struct err *err)
{
	struct bench *bench = arg;

	return kern_ring_consume(bench->kern, on_record, bench, err);
}

static int on_tick(void *arg, u64 now_ns, struct err *err)
{
	struct bench *bench = arg;
	struct window window;

	watch_tick(bench->watch, now_ns, &window);
	return on_records(bench, err);
}

/* Maps that double a few times each, each below one of SITES stacks; other maps at every use. */
static void make_growth(u32 i, struct wire_map_grow *ret)
{
	u32 at_once = MAPS_AT_ONCE, nth = i / at_once % GROWS_OF_A_MAP;
	u64 map = i / at_once / GROWS_OF_A_MAP * at_once + i % at_once, site = map % SITES;
	u64 slots = 256ULL << nth; /* Go <= 1.23 */

	*ret = (struct wire_map_grow) {
		.hdr = { .kind = WIRE_MAP_GROW, .fn = WIRE_FN_HASH_GROW, .tid = 1000 + i % 8 },
		.map = 0xc000000000 + map * 0x30,
		.type = 0x500000 + site % 10 * 0x60,
		.entries = slots / 16 * 13,
		.moved = slots / 16 * 13,
		.slots_before = slots,
		.slots_after = 2 * slots,
		.grow = WIRE_GROW_DOUBLE,
		.stack = { .frames = FRAMES },
	};
	for (u64 f = 0; f < FRAMES; f++)
		ret->stack.pc[f] = 0x400000 + f * 0x1000 + (f < 3 ? site * 0x20 : site % 7 * 0x10);
}

/* A cycle is a start, two stops and an end. */
static void make_collection(u32 i, struct ring_template *ret)
{
	const struct wire_hdr hdr = { .tid = 1000 };

	if (i % 4 == 0) {
		ret->start = (struct wire_gc_start) { .hdr = hdr };
		ret->hdr.kind = WIRE_GC_START;
	} else if (i % 4 == 3) {
		ret->end = (struct wire_gc_end) { .hdr = hdr, .have = (1 << WIRE_GC_WORDS) - 1 };
		ret->hdr.kind = WIRE_GC_END;
		for (u64 w = 0; w < WIRE_GC_WORDS; w++)
			ret->end.word[w] = 1000000 + w;
		ret->end.word[WIRE_GC_USER_FORCED] = 0;
	} else {
		ret->stop = (struct wire_stop) { .hdr = hdr, .reason = 3 - i % 4 };
		ret->hdr.kind = WIRE_STOP;
	}
}

static int make_templates(struct bench *bench, const struct mix *mix, struct err *err)
{
	int rc = 0;

	for (u32 i = 0, gc = 0, grow = 0; i < RING_TEMPLATES && !rc; i++) {
		struct ring_template t = { 0 };

		if (mix->gc_every && i % mix->gc_every == 0)
			make_collection(gc++, &t);
		else
			make_growth(grow++, &t.grow);
		rc = bpf_map__update_elem(bench->producer->maps.templates, &i, sizeof(i), &t,
					  sizeof(t), BPF_ANY);
	}
	return rc ? err_set(err, rc, "can't write the records' templates: %s", strerror(-rc)) : 0;
}

/* Writes so many records into the ring. */
static int produce(struct bench *bench, u64 count)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct ring_bpf__bss *args = bench->producer->bss;
	int rc;

	args->first = bench->produced;
	args->count = count;
	rc = bpf_prog_test_run_opts(bpf_program__fd(bench->producer->progs.produce), &opts);
	bench->produced += count;
	return rc;
}

static void *produce_batch(void *arg)
{
	struct bench *bench = arg;

	pin(true);
	bench->producer_rc = produce(bench, BATCH);
	return NULL;
}

/* One after the other, so that the ring never fills and nobody waits. Returns events per second of
 * the consumer's CPU. */
static int take_batch(struct bench *bench, double *ret_per_s, struct err *err)
{
	u64 before = bench->consumed;
	pthread_t thread;
	double from;
	int rc = pthread_create(&thread, NULL, produce_batch, bench);

	if (rc)
		return err_set(err, -rc, "can't start a thread: %s", strerror(rc));
	pthread_join(thread, NULL);
	if (bench->producer_rc)
		return err_set(err, bench->producer_rc, "the producer failed: %s",
			       strerror(-bench->producer_rc));
	from = clock_of(CLOCK_THREAD_CPUTIME_ID);
	rc = on_records(bench, err);
	*ret_per_s = (double)(bench->consumed - before) * 1e9 /
		     (clock_of(CLOCK_THREAD_CPUTIME_ID) - from);
	return rc;
}

/* A new model each time. */
static int open_watch(struct bench *bench, struct err *err)
{
	const struct watch_config config = {
		.model = {
			.pid = 1000,
			.attach_ns = now_monotonic_ns(),
			.has_map_grow = true,
			.has_gc = true,
		},
		.names = &names,
		.alert = on_alert,
		.arg = bench,
	};

	watch_free(bench->watch);
	names = names_of(bench);
	bench->watch = watch_new(&config);
	bench->produced = bench->consumed = bench->names_asked = bench->alerts = 0;
	return bench->watch ? 0 : err_set(err, -ENOMEM, "out of memory");
}

static int check(const struct bench *bench, struct err *err)
{
	u64 lost = bench->producer->bss->lost;

	if (lost || bench->refused || bench->consumed != bench->produced)
		return err_set(err, -EIO, "%llu of %llu records taken in, %llu lost, %llu refused",
			       bench->consumed, bench->produced, lost, bench->refused);
	fprintf(stderr, "ring: %llu records, %llu alerts, names asked for %llu times\n",
		bench->consumed, bench->alerts, bench->names_asked);
	return 0;
}

static int measure_rate(struct bench *bench, const struct mix *mix, int batches, struct err *err)
{
	double per_s[BATCHES], ignored;
	int rc = make_templates(bench, mix, err);

	if (!rc)
		rc = open_watch(bench, err);
	for (int i = 0; i < WARM_UP && !rc; i++)
		rc = take_batch(bench, &ignored, err);
	for (int i = 0; i < batches && !rc; i++) {
		rc = take_batch(bench, &per_s[i], err);
		if (!rc && i % 8 == 7)
			rc = on_tick(bench, now_monotonic_ns(), err);
	}
	if (!rc)
		rc = check(bench, err);
	if (!rc)
		printf("| ring events/s that one core takes in, none lost: %s | ≥ 1 000 000 | %.0f "
		       "|\n",
		       mix->name, median(per_s, (size_t)batches));
	return rc;
}

/* The other CPU may be a thread of the consumer's core, and the waiting not be at its expense. */
static void relax(void)
{
#if defined(__x86_64__)
	for (int i = 0; i < 16; i++)
		__builtin_ia32_pause();
#endif
}

/* One record each 10 µs, as if the probed threads wrote them, not in batches; what it is late with
 * is made up for. */
static void *produce_steadily(void *arg)
{
	const double step_ns = 1e9 / STEADY_PER_S;
	struct bench *bench = arg;
	double start = clock_of(CLOCK_MONOTONIC), late;

	pin(true);
	while (!bench->stop && !bench->producer_rc) {
		late = clock_of(CLOCK_MONOTONIC) - start - (double)bench->produced * step_ns;
		if (late < 0) {
			relax();
			continue;
		}
		bench->behind_max_ns = MAX(bench->behind_max_ns, late);
		bench->producer_rc = produce(bench, (u64)(late / step_ns) + 1);
	}
	return NULL;
}

static int run_loop(struct bench *bench, u64 seconds, struct err *err)
{
	CLEANUP(fd_closep) int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
	const struct loop_config loop = {
		.ring_fd = kern_ring_fd(bench->kern),
		.pidfd = self,
		.interval_ns = NS_PER_S,
		.for_ns = seconds * NS_PER_S,
	};
	const struct loop_handlers handlers = { .arg = bench,
						.records = on_records,
						.tick = on_tick };
	int rc;

	if (self < 0)
		return err_set(err, -errno, "can't open a pidfd: %s", strerror(errno));
	rc = loop_run(&loop, &handlers, err);
	return MIN(rc, 0);
}

/* Of the consumer's thread, in percent of a CPU. */
static int take_steadily(struct bench *bench, double *ret_cpu_pct, struct err *err)
{
	double cpu_ns = clock_of(CLOCK_THREAD_CPUTIME_ID), from_ns = clock_of(CLOCK_MONOTONIC);
	int rc = run_loop(bench, STEADY_S, err);

	*ret_cpu_pct = (clock_of(CLOCK_THREAD_CPUTIME_ID) - cpu_ns) /
		       (clock_of(CLOCK_MONOTONIC) - from_ns) * 100;
	return rc;
}

static int measure_steady(struct bench *bench, const struct mix *mix, int turns, struct err *err)
{
	double cpu_pct[STEADY_TURNS];
	pthread_t thread;
	int rc = make_templates(bench, mix, err);

	if (!rc)
		rc = open_watch(bench, err);
	if (rc)
		return rc;
	rc = pthread_create(&thread, NULL, produce_steadily, bench);
	if (rc)
		return err_set(err, -rc, "can't start a thread: %s", strerror(rc));
	for (int i = 0; i < turns && !rc; i++)
		rc = take_steadily(bench, &cpu_pct[i], err);
	bench->stop = true;
	pthread_join(thread, NULL);
	if (!rc)
		rc = on_records(bench, err);
	if (!rc)
		rc = check(bench, err);
	fprintf(stderr, "ring: the producer was late by %.1f ms at most\n",
		bench->behind_max_ns / 1e6);
	if (!rc)
		printf("| agent's CPU at %d ring events/s, %% of one | ≤ 2 | %.2f |\n",
		       STEADY_PER_S, median(cpu_pct, (size_t)turns));
	return rc;
}

/* The agent's ring, whose descriptor only it knows: found among our own. */
static int find_ring(void)
{
	for (int fd = 3; fd < 256; fd++) {
		struct bpf_map_info info = { 0 };
		u32 size = sizeof(info);

		if (!bpf_map_get_info_by_fd(fd, &info, &size) &&
		    info.type == BPF_MAP_TYPE_RINGBUF && !strcmp(info.name, "events"))
			return fd;
	}
	return -ENOENT;
}

/* Of all maps that emit.bpf.h brings along only the ring is used. */
static int load_producer(struct bench *bench)
{
	struct bpf_map *map;
	int rc, ring = find_ring();

	bench->producer = ring_bpf__open();
	if (!bench->producer || ring < 0)
		return -ENOENT;
	bpf_object__for_each_map(map,
				 bench->producer->obj) if (!bpf_map__is_internal(map) &&
							   map != bench->producer->maps.templates &&
							   map != bench->producer->maps.events)
		bpf_map__set_autocreate(map, false);
	rc = bpf_map__reuse_fd(bench->producer->maps.events, ring);
	return rc ? rc : ring_bpf__load(bench->producer);
}

static int open_bench(struct bench *bench, struct err *err)
{
	struct kern_features features;
	struct kern_options options = {
		.targets = 1,
		.ring_bytes = RING_BYTES,
		.groups = { [PROBE_MAP_GROW] = true },
	};
	int rc;

	kern_features_probe(&features);
	options.uprobe_multi = features.uprobe_multi;
	rc = kern_open(&bench->kern, &options, err);
	if (rc)
		return rc;
	rc = load_producer(bench);
	return rc ? err_set(err, rc, "can't load the producer: %s", strerror(-rc)) : 0;
}

int main(void)
{
	static const struct mix both = { "growths, 1 in 16 of a collection", 16 },
				grows = { "growths only", 0 };
	const char *env = getenv("QUICK");
	bool quick = env && strcmp(env, "0");
	int batches = quick ? BATCHES_QUICK : BATCHES, rc;
	struct bench bench = { 0 };
	struct err err = { 0 };

	loop_block_signals(false);
	rc = open_bench(&bench, &err);
	if (!rc)
		rc = measure_rate(&bench, &grows, batches, &err);
	if (!rc)
		rc = measure_rate(&bench, &both, batches, &err);
	if (!rc)
		rc = measure_steady(&bench, &both, quick ? STEADY_TURNS_QUICK : STEADY_TURNS, &err);
	if (rc)
		fprintf(stderr, "ring: %s\n", err.text);
	watch_free(bench.watch);
	ring_bpf__destroy(bench.producer);
	kern_close(bench.kern);
	return rc ? 1 : 0;
}
