/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a hit costs with each BPF program, beside one with a program that does nothing, as a
 * Markdown table. The probed functions are ours; registers and memory are what the programs expect,
 * so that each goes its full way: what was counted and recorded proves it, or the run fails.
 *
 * The programs take turns on one site in each round. QUICK=1: fewer rounds. Needs root and a kernel
 * that has uprobe_multi (6.6).
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/macros.h"
#include "kern/features.h"
#include "kern/kern.h"
#include "base/robust.h"
#include "probe/calibrate.h"
#include "proc/process.h"

/* BPF_TRACE_UPROBE_MULTI of include/uapi/linux/bpf.h, since 6.6: Debian 12's headers are older. */
#define TRACE_UPROBE_MULTI ((enum bpf_attach_type)48)

enum {
	SLOT = 0,
	ROUNDS = 21,
	ROUNDS_QUICK = 5,
	WARM_UP = 200, /* calls, after each attach */
	HITS = 5000,   /* timed, in each round */
	FRAMES = 8,
	RING_BYTES = 8 << 20, /* holds the records of a turn */
};

#if defined(__x86_64__)
/* What stands in the registers at a hit. */
struct registers {
	u64 ax, bx, cx, di, r14, bp;
	void (*probed)(void);
};

/* Their push is emulated by the kernel, as that of a Go function. */
__attribute__((naked, noinline, aligned(64))) static void probed(void)
{
	__asm__ volatile("push %rbp\n\tpop %rbp\n\tret");
}

__attribute__((naked, noinline, aligned(64))) static void probed_too(void)
{
	__asm__ volatile("push %rbp\n\tpop %rbp\n\tret");
}

__attribute__((naked, noinline)) static void call(const struct registers *registers)
{
	(void)registers;
	__asm__ volatile("push %rbx\n\tpush %rbp\n\tpush %r14\n\t"
			 "mov 0(%rdi), %rax\n\t"
			 "mov 8(%rdi), %rbx\n\t"
			 "mov 16(%rdi), %rcx\n\t"
			 "mov 32(%rdi), %r14\n\t"
			 "mov 40(%rdi), %rbp\n\t"
			 "mov 48(%rdi), %r11\n\t"
			 "mov 24(%rdi), %rdi\n\t"
			 "call *%r11\n\t"
			 "pop %r14\n\tpop %rbp\n\tpop %rbx\n\tret");
}
#else
#error "the calling code of this architecture is not written yet"
#endif

/* What a Go program has in memory. */
static u64 frame[FRAMES][2];			      /* saved frame pointer, return address */
static const u64 go_type[8] = { 8 };		      /* some type descriptor */
static const u64 funcval = 0x401000;		      /* its first word is the function's code */
static const u64 g[8] = { 0, 7, 0x402000, 0x401000 }; /* goid, gopc, startpc: see self() */
static const char message[] = "a message of some length, as panics have";
static const u64 panic_value[4] = { (u64)(unsigned long)message, sizeof(message) - 1 };

/* A classic map with 2048 slots in 256 buckets, about to double. */
static const struct {
	u64 count;
	u8 flags, B;
	u16 noverflow;
	u32 hash0;
} hmap = { .count = 1664, .B = 8 };

static u64 address(const void *p)
{
	return (u64)(unsigned long)p;
}

static const struct wire_target *self(void)
{
	static struct wire_target target = {
		.stw_abi = WIRE_STW_FULL,
		.g_goid_off = 8,
		.g_gopc_off = 16,
		.g_startpc_off = 24,
		.small_grows_per_s = ~0U,
		.creator_pc_arg = 2,
	};

	target.tgid = (u32)getpid();
	return &target;
}

/* One row of the table. A call hits `as`, then, unless it is 0, `then` at a second site. */
struct program {
	const char *name;
	bool empty, lean;
	enum probe_group group;
	enum wire_fn as, then;
	enum wire_kind record; /* that a call leaves; 0: none */
	struct registers registers;
	double ns[ROUNDS], ratio[ROUNDS];
};

static struct program programs[] = {
	{ .name = "empty", .empty = true },
	{ .name = "map_write, counting only",
	  .group = PROBE_MAP_WRITE,
	  .lean = true,
	  .as = WIRE_FN_MAPASSIGN },
	{ .name = "map_write", .group = PROBE_MAP_WRITE, .as = WIRE_FN_MAPASSIGN },
	{ .name = "goroutine, create", .group = PROBE_GOROUTINE, .as = WIRE_FN_GO_CREATE },
	{ .name = "goroutine, exit", .group = PROBE_GOROUTINE, .as = WIRE_FN_GO_EXIT },
	{ .name = "gc, stop and start",
	  .group = PROBE_GC,
	  .as = WIRE_FN_STOP_WORLD,
	  .then = WIRE_FN_START_WORLD,
	  .record = WIRE_STOP },
	{ .name = "map_grow, record and stack",
	  .group = PROBE_MAP_GROW,
	  .as = WIRE_FN_HASH_GROW,
	  .record = WIRE_MAP_GROW },
	{ .name = "fault, record and stack",
	  .group = PROBE_FAULT,
	  .as = WIRE_FN_GOPANIC,
	  .record = WIRE_FAULT },
};

static void set_registers(struct program *program)
{
	struct registers *r = &program->registers;

	*r = (struct registers) {
		.ax = address(go_type), .r14 = address(g), .bp = address(frame), .probed = probed
	};
	switch (program->as) {
	case WIRE_FN_GO_CREATE:
		r->ax = address(&funcval);
		r->cx = 0x402000;
		break;
	case WIRE_FN_GO_EXIT:
		r->ax = address(g);
		break;
	case WIRE_FN_MAPASSIGN:
	case WIRE_FN_HASH_GROW:
		r->bx = address(&hmap);
		break;
	case WIRE_FN_GOPANIC:
		r->bx = address(panic_value);
		break;
	case WIRE_FN_STOP_WORLD:
		r->bx = 1; /* of startTheWorldWithSema: the reason */
		break;
	default:
		break;
	}
}

static void make_frames(void)
{
	for (int i = 0; i < FRAMES; i++) {
		frame[i][0] = i + 1 < FRAMES ? address(frame[i + 1]) : 0;
		frame[i][1] = 0x403000 + (u64)i;
	}
}

/* What all calls so far must have left behind. */
struct seen {
	u64 calls[WIRE_FN_COUNT];
	u64 writes, created, exited;	    /* by site */
	u64 records, wrong, records_wanted; /* of the ring */
};

struct bench {
	struct kern *kern;
	int empty; /* program */
	struct seen want, have;
};

static void count_write(void *arg, const struct wire_map_site *site, u64 count)
{
	struct seen *have = arg;

	if (site->type == address(go_type) && site->map == address(&hmap) &&
	    WIRE_SITE_PC(site->site))
		have->writes += count;
}

static void count_goroutines(void *arg, const struct wire_go_site *site,
			     const struct wire_go_count *count)
{
	struct seen *have = arg;

	if (site->gopc != 0x402000 || site->startpc != 0x401000)
		return;
	have->created += count->created;
	have->exited += count->exited;
}

static bool is_whole(const void *record, size_t size)
{
	const struct wire_map_grow *grow = record;
	const struct wire_fault *fault = record;
	const struct wire_stop *stop = record;
	const struct wire_hdr *hdr = record;

	if (size >= sizeof(*grow) && hdr->kind == WIRE_MAP_GROW)
		return grow->entries == hmap.count && grow->grow == WIRE_GROW_DOUBLE &&
		       grow->stack.frames >= FRAMES;
	if (size >= sizeof(*fault) && hdr->kind == WIRE_FAULT)
		return fault->goid == g[1] && fault->text_read == sizeof(message) - 1 &&
		       fault->stack.frames >= FRAMES;
	return size >= sizeof(*stop) && hdr->kind == WIRE_STOP && stop->requested_ns;
}

static void count_record(void *arg, const void *record, size_t size)
{
	struct seen *have = arg;

	have->records++;
	have->wrong += !is_whole(record, size);
}

static int missing(struct err *err, const char *what, u64 have, u64 want)
{
	return err_set(err, -EIO, "%s: %llu, but %llu were to be", what, have, want);
}

/* After each turn: every hit counted, aggregated and recorded, and no read failed. */
static int check(struct bench *bench, struct err *err)
{
	struct seen *have = &bench->have, *want = &bench->want;
	struct wire_counters counters;
	int rc = kern_read_counters(bench->kern, SLOT, &counters, err);

	have->writes = have->created = have->exited = 0;
	if (!rc)
		rc = kern_ring_consume(bench->kern, count_record, have, err);
	if (!rc)
		rc = kern_each_map_site(bench->kern, false, count_write, have, err);
	if (!rc)
		rc = kern_each_go_site(bench->kern, count_goroutines, have, err);
	for (int fn = 0; fn < WIRE_FN_COUNT && !rc; fn++)
		if (counters.hits[fn] != want->calls[fn])
			rc = missing(err, "hits", counters.hits[fn], want->calls[fn]);
	for (int i = 0; i < WIRE_LOSS_COUNT && !rc; i++)
		if (counters.lost[i])
			rc = missing(err, "losses", counters.lost[i], 0);
	for (int k = 0; k < PROBE_GROUP_COUNT && !rc; k++)
		if (kern_missed(bench->kern, (enum probe_group)k))
			rc = missing(err, "missed", kern_missed(bench->kern, (enum probe_group)k),
				     0);
	if (!rc && counters.foreign)
		rc = missing(err, "foreign", counters.foreign, 0);
	if (!rc && have->writes != want->writes)
		rc = missing(err, "map writes by site", have->writes, want->writes);
	if (!rc && (have->created != want->created || have->exited != want->exited))
		rc = missing(err, "goroutines by site", have->created + have->exited,
			     want->created + want->exited);
	if (!rc && (have->records != want->records_wanted || have->wrong))
		rc = missing(err, "whole records", have->records - have->wrong,
			     want->records_wanted);
	return rc;
}

static void expect(struct seen *want, const struct program *program, u64 calls)
{
	if (program->empty)
		return;
	want->calls[program->as] += calls;
	if (program->then)
		want->calls[program->then] += calls;
	want->writes += program->group == PROBE_MAP_WRITE && !program->lean ? calls : 0;
	want->created += program->as == WIRE_FN_GO_CREATE ? calls : 0;
	want->exited += program->as == WIRE_FN_GO_EXIT ? calls : 0;
	want->records_wanted += program->record ? calls : 0;
}

/* `return 0` */
static int load_empty(struct err *err)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = TRACE_UPROBE_MULTI);
	int fd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "gosonde_empty", "GPL", code, ARRAY_SIZE(code),
			       &opts);

	return fd < 0 ? err_set(err, fd, "can't load the empty program: %s", strerror(-fd)) : fd;
}

/* What stands at the site during a turn. */
struct attached {
	struct kern_probes *probes;
	int link;
};

static int attach_empty(const struct bench *bench, struct attached *ret, struct err *err)
{
	const unsigned long offset = self_file_offset(probed);
	LIBBPF_OPTS(bpf_link_create_opts, opts, .uprobe_multi.path = PROC_SELF_EXE,
		    .uprobe_multi.offsets = &offset, .uprobe_multi.cnt = 1,
		    .uprobe_multi.pid = (u32)getpid());

	ret->link = bpf_link_create(bench->empty, -1, TRACE_UPROBE_MULTI, &opts);
	return ret->link < 0 ? err_set(err, ret->link, "can't attach the empty program: %s",
				       strerror(-ret->link))
			     : 0;
}

static int attach(const struct bench *bench, const struct program *program, struct attached *ret,
		  struct err *err)
{
	const struct wire_gate gate = { .window = 1, .lean = program->lean };
	const struct kern_site sites[] = {
		{ self_file_offset(probed), WIRE_COOKIE(SLOT, program->as, 0, 0) },
		{ self_file_offset(probed_too), WIRE_COOKIE(SLOT, program->then, 0, 0) },
	};

	*ret = (struct attached) { .link = -1 };
	if (program->empty)
		return attach_empty(bench, ret, err);
	kern_set_gate(bench->kern, SLOT, program->group, &gate);
	return kern_attach(bench->kern, program->group, getpid(), PROC_SELF_EXE, sites,
			   program->then ? 2 : 1, &ret->probes, err);
}

static void detach(struct attached *attached)
{
	fd_closep(&attached->link);
	kern_detach(attached->probes);
}

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* Nanoseconds of a hit. */
static double run(const struct program *program, u64 hits)
{
	struct registers second = program->registers;
	u64 calls = program->then ? hits / 2 : hits;
	double from = now_ns();

	second.probed = probed_too;
	for (u64 i = 0; i < calls; i++) {
		call(&program->registers);
		if (program->then)
			call(&second);
	}
	return (now_ns() - from) / (double)hits;
}

static int take_turn(struct bench *bench, struct program *program, int round, struct err *err)
{
	struct attached attached;
	int rc = attach(bench, program, &attached, err);

	if (rc)
		return rc;
	(void)run(program, WARM_UP);
	program->ns[round] = run(program, HITS);
	detach(&attached);
	expect(&bench->want, program, (WARM_UP + HITS) / (program->then ? 2 : 1));
	rc = check(bench, err);
	return rc ? err_prefix(err, rc, "%s", program->name) : 0;
}

/* The first of programs[] is the empty one. */
static int take_turns(struct bench *bench, int rounds, struct err *err)
{
	int rc = 0;

	for (int round = 0; round < rounds; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(programs) && !rc; i++) {
			rc = take_turn(bench, &programs[i], round, err);
			programs[i].ratio[round] = programs[i].ns[round] / programs[0].ns[round];
		}
	}
	return rc;
}

static int open_bench(struct bench *bench, struct err *err)
{
	const struct kern_options options = {
		.targets = 1,
		.ring_bytes = RING_BYTES,
		.uprobe_multi = true,
		.groups = { true, true, true, true, true },
	};
	struct kern_features features;
	int rc;

	kern_features_probe(&features);
	if (!features.uprobe_multi)
		return err_set(err, -ENOSYS, "needs root, and uprobe_multi (kernel 6.6)");
	rc = kern_open(&bench->kern, &options, err);
	if (!rc)
		rc = kern_set_target(bench->kern, SLOT, self(), err);
	if (rc)
		return rc;
	bench->empty = load_empty(err);
	return MIN(bench->empty, 0);
}

static void print(int rounds)
{
	printf("| program | ns per hit | ÷ empty |\n|---|---|---|\n");
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		struct program *p = &programs[i];

		printf("| %s | %.0f | %.2f |\n", p->name, median(p->ns, (size_t)rounds),
		       median(p->ratio, (size_t)rounds));
	}
}

int main(void)
{
	const char *quick = getenv("QUICK");
	int rounds = quick && strcmp(quick, "0") ? ROUNDS_QUICK : ROUNDS, rc;
	struct bench bench = { .empty = -1 };
	struct err err = { 0 };

	make_frames();
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		set_registers(&programs[i]);
	rc = open_bench(&bench, &err);
	if (!rc)
		rc = take_turns(&bench, rounds, &err);
	if (!rc)
		print(rounds);
	else
		fprintf(stderr, "programs: %s\n", err.text);
	fd_closep(&bench.empty);
	kern_close(bench.kern);
	return rc ? 1 : 0;
}
