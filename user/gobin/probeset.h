/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which functions of the Go runtime are probed, per version: data, not code.
 * Symbols and signatures are go-runtime facts A and B.
 */
#ifndef GOBIN_PROBESET_H
#define GOBIN_PROBESET_H

#include <gosonde/wire.h>

#include "gobin/gobin.h"

/* A group is armed, governed and reported as one. */
enum probe_group {
	PROBE_MAP_WRITE = WIRE_GROUP_MAP_WRITE,
	PROBE_MAP_GROW = WIRE_GROUP_MAP_GROW,
	PROBE_GC = WIRE_GROUP_GC,
	PROBE_GOROUTINE = WIRE_GROUP_GOROUTINE,
	PROBE_FAULT = WIRE_GROUP_FAULT,
	PROBE_GROUP_COUNT
};

struct probe_spec {
	enum wire_fn fn;
	enum probe_group group;
	const char *symbol;
	u16 min_minor, max_minor; /* Go 1.min … 1.max, both included; UINT16_MAX: and later */
	u8 maps;		  /* 0: any; 1: classic maps only; 2: Swiss maps only */
	u8 int_args;		  /* argument words that its program reads, from the first */
};

/* The i-th row of the table, NULL past its end. */
const struct probe_spec *probe_spec_at(size_t i);

/* Whether this binary's version and kind of map have the row. */
bool probe_spec_applies(const struct probe_spec *spec, const struct gobin_info *info);

/* "map-write" …: the names of `--probes`. */
const char *probe_group_name(enum probe_group group);

/* Returns the group of that name, or -ENOENT. */
int probe_group_by_name(const char *name);

/* The group's functions lie from *ret_first to *ret_last, and no other group's between them. */
void probe_group_functions(enum probe_group group, enum wire_fn *ret_first, enum wire_fn *ret_last);

/*
 * What is taken for granted in this binary because its Go is newer than any that was checked,
 * in plain words that go on after the version; NULL: nothing. Static text.
 */
const char *probe_assumption(const struct gobin_info *info);

/* What startTheWorldWithSema has in its registers in this version. */
enum wire_stw_abi go_stw_abi(const struct goversion *version);

/* Which argument of newproc1, counted from 0, is the creation site. */
u32 go_creator_pc_arg(const struct goversion *version);

/* Whether a goroutine that starts in this function is the runtime's own
 * (runtime.isSystemGoroutine). */
bool go_is_system_goroutine(const char *start_function);

/* Whether a function, or what begins with its name, is of the runtime and no user code. */
bool go_is_runtime_code(const char *function);

/* runtime.stwReason of the stops that are a GC cycle's, Go 1.21 to 1.27 (runtime/proc.go). */
enum { GO_STW_UNKNOWN = 0, GO_STW_MARK_TERMINATION = 1, GO_STW_SWEEP_TERMINATION = 2 };

/* "gc sweep termination" …: runtime.stwReason.String(), Go 1.21 to 1.27. "unknown" for others. */
const char *go_stw_reason(u32 reason);

#endif
