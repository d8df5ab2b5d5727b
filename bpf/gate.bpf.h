/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How every probe begins: whose hit is it, and does it count? A program body
 * then reads: gate, read, count or emit.
 */
#ifndef GATE_BPF_H
#define GATE_BPF_H

#include "maps.bpf.h"
#include "goabi.bpf.h"

struct hit {
	u32 slot;
	u32 fn; /* enum wire_fn */
	u32 sp_shift;
	u32 room;     /* wire_gate.room */
	u64 began_ns; /* 0: this run is not timed */
	bool stack_abi;
	bool lean; /* only counted: the program is done with it */
	struct wire_target *target;
	struct wire_counters *counters;
};

/* Atomic although per CPU: see struct wire_counters. */
#define COUNT(place, n) __sync_fetch_and_add(&(place), (n))

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} no_programs __weak SEC(".maps");

static const volatile bool never; /* known to the verifier, not to the compiler */

/*
 * From 6.13 on kernels give a kprobe's program that uses 64 bytes of stack or more one stack per
 * CPU (bpf_enable_priv_stack in kernel/bpf/verifier.c). A uprobe's program is of that type, but may
 * be preempted, and another thread's then writes over its variables. With preemption "lazy", the
 * default of Debian's 7.3, one goroutine in two thousand was counted for another site. Programs
 * that have a tail call keep the stack of their thread; the verifier takes this one out again.
 */
static __always_inline void keep_own_stack(struct pt_regs *ctx)
{
	if (never)
		bpf_tail_call(ctx, &no_programs, 0);
}

static __always_inline void trip(u32 slot, u32 group, u32 window)
{
	struct wire_trip *rec = bpf_ringbuf_reserve(&trips, sizeof(*rec), 0);

	/* Full: user space has been woken already. */
	if (!rec)
		return;
	*rec = (struct wire_trip) { .slot = slot, .group = group, .window = window };
	bpf_ringbuf_submit(rec, BPF_RB_FORCE_WAKEUP);
}

static __always_inline void note_seen(struct wire_window *w, struct task_struct *task, u64 now_ns)
{
	w->seen_ns = now_ns;
	w->tid = (u32)task->pid;
	w->switches = task->nvcsw;
	w->told_until_ns = task->se.exec_start;
}

static __always_inline void note_burst(struct wire_window *w, u64 hits, u64 now_ns)
{
	u32 i = w->count;

	w->count++;
	if (i >= WIRE_BURSTS)
		i = WIRE_BURSTS - 1;
	w->begun[i] = (struct wire_burst) {
		.begin_ns = now_ns,
		.hits = (u32)hits,
		.gap_ns = (u32)(now_ns - w->seen_ns),
	};
}

static __always_inline void look_for_gap(struct wire_window *w, u64 hits, u64 now_ns)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (now_ns - w->seen_ns > WIRE_BURST_GAP_NS &&
	    (w->tid != (u32)task->pid || w->switches != task->nvcsw))
		note_burst(w, hits, now_ns);
	note_seen(w, task, now_ns);
}

/* The number last: who preempts this run begins the window itself, instead of counting on from the
 * hits of the one before, which may be beyond the cap. */
static __always_inline void begin_window(struct wire_window *w, u32 number)
{
	w->hits = 0;
	w->count = 0;
	w->hit_ns = bpf_ktime_get_ns();
	note_seen(w, bpf_get_current_task_btf(), w->hit_ns);
	barrier();
	w->number = number;
}

/* Wakes user space when the hits of a window, on this CPU, pass its cap. By the number that this
 * run itself wrote: one that was preempted and read it again could find it beyond the cap, as would
 * the run that preempted it. */
static __always_inline void breaker(struct hit *hit, u32 group)
{
	u32 index = WIRE_GATE(hit->slot, group);
	struct wire_gate *gate = bpf_map_lookup_elem(&gates, &index);
	struct wire_window *w = &hit->counters->windows[group];
	u64 hits;

	if (!gate)
		return;
	hit->lean = gate->lean;
	hit->room = gate->room;
	if (w->number != gate->window)
		begin_window(w, gate->window);
	hits = ++w->hits;
	if (hit->began_ns && hits % WIRE_BURST_STRIDE == 0)
		look_for_gap(w, hits, hit->began_ns);
	if (hits == gate->cap)
		trip(hit->slot, group, gate->window);
}

/* To ask for the time costs 15 ns. */
static __always_inline void begin_run(struct hit *hit, u32 group)
{
	hit->began_ns = 0;
	if ((hit->counters->windows[group].hits + 1) % WIRE_BURST_STRIDE == 0)
		hit->began_ns = bpf_ktime_get_ns();
}

static __always_inline void end_run(struct hit *hit, u32 group)
{
	struct wire_runs *runs = &hit->counters->runs[group];
	u64 ns;

	if (!hit->began_ns)
		return;
	ns = bpf_ktime_get_ns() - hit->began_ns;
	COUNT(runs->count, 1);
	COUNT(runs->ns, ns < WIRE_MAX_RUN_NS ? ns : WIRE_MAX_RUN_NS);
}

/* The attach cookie says which site this is; the tgid is checked although the link has a PID
 * filter, because that of kernels 6.6 to 6.9 matched a thread, not a process. */
static __always_inline bool gate(struct pt_regs *ctx, struct hit *hit, u32 group)
{
	u64 cookie;
	u32 fn;

	/* First, while nothing else is held: 6.1 forgets the bounds of what is kept over a call. */
	keep_own_stack(ctx);
	cookie = bpf_get_attach_cookie(ctx);
	fn = WIRE_COOKIE_FN(cookie);
	hit->lean = false;
	hit->room = 0;
	hit->slot = WIRE_COOKIE_SLOT(cookie);
	hit->fn = fn;
	hit->sp_shift = WIRE_COOKIE_SP_SHIFT(cookie);
	hit->stack_abi = WIRE_COOKIE_FLAGS(cookie) & WIRE_SITE_STACK_ABI;
	hit->counters = bpf_map_lookup_elem(&counters, &hit->slot);
	if (!hit->counters || fn >= WIRE_FN_COUNT)
		return false;
	begin_run(hit, group);
	hit->target = bpf_map_lookup_elem(&targets, &hit->slot);
	if (!hit->target)
		return false;
	if (hit->target->tgid != bpf_get_current_pid_tgid() >> 32) {
		if (hit->target->tgid)
			COUNT(hit->counters->foreign, 1);
		return false;
	}
	breaker(hit, group);
	if ((WIRE_COOKIE_FLAGS(cookie) & WIRE_SITE_FLAGS_TEST) &&
	    (GO_FLAGS(ctx) & (FLAGS_CF | FLAGS_ZF))) {
		COUNT(hit->counters->regrown[fn], 1);
		return false;
	}
	COUNT(hit->counters->hits[fn], 1);
	return true;
}

static __always_inline void count_loss(struct hit *hit, enum wire_loss why)
{
	COUNT(hit->counters->lost[why], 1);
}

/* Reads the target's memory; a fault is counted and leaves zeros. */
static __always_inline bool read_target(struct hit *hit, void *to, u32 size, u64 from)
{
	if (!bpf_probe_read_user(to, size, (const void *)from))
		return true;
	count_loss(hit, WIRE_LOSS_READ);
	return false;
}

/* The return address of the probed function: the line that called it. 0 if it can't be read. */
static __always_inline u64 return_pc(struct pt_regs *ctx, struct hit *hit)
{
	u64 pc = 0;

	read_target(hit, &pc, sizeof(pc), GO_SP(ctx) + hit->sp_shift);
	return pc;
}

/* The i-th word of the probed function's arguments. 0 if it can't be read. */
static __always_inline u64 go_arg(struct pt_regs *ctx, struct hit *hit, u32 i)
{
	u64 word = 0;

	if (!hit->stack_abi)
		return go_register_arg(ctx, i);
	read_target(hit, &word, sizeof(word), GO_SP(ctx) + hit->sp_shift + GO_STACK_ARG_BYTES(i));
	return word;
}

/* The current g. 0 if it is unknown. */
static __always_inline u64 go_g(struct pt_regs *ctx, struct hit *hit)
{
	u64 g = 0;

	if (!hit->stack_abi)
		return GO_G(ctx);
	if (!hit->target->g_tls_off)
		return 0;
	/* Saved whenever the base is set by a system call, as Go and glibc do, not only when the
	 * thread is switched out (arch/x86/kernel/process_64.c, do_arch_prctl_64). */
	read_target(hit, &g, sizeof(g),
		    bpf_get_current_task_btf()->thread.fsbase + hit->target->g_tls_off);
	return g;
}

#endif
