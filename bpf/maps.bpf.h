/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps that all programs share. Weak: each object defines them, the linker
 * makes them one. User space sets max_entries before the load.
 */
#ifndef MAPS_BPF_H
#define MAPS_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include <gosonde/wire.h>

/* What a target's probes must know; written by user space only. Index: slot. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WIRE_MAX_TARGETS);
	__type(key, u32);
	__type(value, struct wire_target);
} targets __weak SEC(".maps");

/* Index: slot. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, WIRE_MAX_TARGETS);
	__type(key, u32);
	__type(value, struct wire_counters);
} counters __weak SEC(".maps");

/* Mapped into user space, which writes it without a system call. Index: WIRE_GATE(slot, group). */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, WIRE_MAX_TARGETS *WIRE_GROUPS);
	__type(key, u32);
	__type(value, struct wire_gate);
} gates __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} trips __weak SEC(".maps");

/* By map too, as long as there is room; then by site alone, in the next. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, WIRE_MAX_MAPS);
	__type(key, struct wire_map_site);
	__type(value, u64);
} maps __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, WIRE_MAX_SITES);
	__type(key, struct wire_map_site);
	__type(value, u64);
} map_sites __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, WIRE_MAX_SITES);
	__type(key, struct wire_go_site);
	__type(value, struct wire_go_count);
} go_sites __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events __weak SEC(".maps");

/*
 * Where a target's collector is in its cycle. Stops of the world are serialised
 * by the runtime's worldsema, so one state per target serves without a lock.
 */
struct gc_state {
	u64 requested_ns;	    /* of the stop that goes on; 0: none seen */
	u64 reason_ptr, reason_len; /* Go <= 1.20: what stopTheWorld was last called with */
	u32 reasons_waiting;	    /* Go <= 1.20: calls of stopTheWorld whose stop is not over */
	u32 reason;		    /* Go 1.21: runtime.stwReason */
	u8 cycle_running;	    /* startCycle seen, gcMarkTermination not yet */
	u8 cycle_began;		    /* startCycle seen in this stop: it is the sweep termination */
	u8 cycle_ending;	    /* gcMarkTermination seen: the next restart ends the cycle */
	u8 mark_told, sweep_told; /* runtime.stwReason of stops whose reason was proven; 0: none */
	u8 leak_check;		  /* work.goroutineLeak.done as gcMarkTermination began */
	u8 leak_known;		  /* it could be read */
	u8 pad[1];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WIRE_MAX_TARGETS);
	__type(key, u32);
	__type(value, struct gc_state);
} gc_states __weak SEC(".maps");

#endif
