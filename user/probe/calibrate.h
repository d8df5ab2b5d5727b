/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a hit costs on this machine: the real programs, attached to functions of
 * our own, one for each class of site, and called some hundred times. The trap,
 * the program and its user reads are all in the figure.
 */
#ifndef PROBE_CALIBRATE_H
#define PROBE_CALIBRATE_H

#include "insn/site.h"
#include "kern/features.h"
#include "kern/kern.h"

/* ns per hit; 0: not measured. */
struct calibration {
	double ns[SITE_SINGLE_STEP + 1]; /* by enum site_class, with the map-write program */
	double lean_ns;	 /* of an emulated site whose program only counts (wire_gate.lean) */
	double stack_ns; /* beside: what a record with its user stack costs more */
	double run_ns;	 /* of the first: how long the program itself took, as it tells (struct
			    wire_runs); measured by probe/meter */
};

/* Whether the hits of a group leave a record with a stack each. */
bool probe_leaves_stack(enum probe_group group);

/* Whether its program tells how long it took (struct wire_runs). */
bool probe_is_timed(enum probe_group group);

/* Of a hit on a site of that class: a lean window's, or one that leaves a record with a stack. */
double calibration_ns(const struct calibration *c, enum site_class class, bool lean, bool stack);

/*
 * Takes some 20 ms, of which up to 16 are the kernel's wait before the first
 * breakpoint stands. Uses a slot of its own, whose target is this process
 * meanwhile; the group map-write must be loaded. Records in the ring are
 * consumed.
 *
 * Returns 0; -ENOTSUP: hits of a second thread are not all seen, as with the
 * uprobe_multi of kernels 6.6 to 6.9, whose PID filter matched a thread and not
 * a process (counts would be too low: use perf-event uprobes); or another
 * negative errno. ret then holds zeros.
 */
int calibrate(struct kern *kern, u32 slot, struct calibration *ret, struct err *err);

/*
 * The same for whoever loads no programs otherwise: loads the one that it takes, and unloads it.
 * Returns what kern_open() and calibrate() return; ret then holds zeros.
 */
int calibrate_here(const struct kern_features *features, struct calibration *ret, struct err *err);

/* Calls a probed function so many times, as Go calls one that writes a map. Returns ns per call. */
double calibrate_batch(void (*probed)(void), int calls);

/* File offset of a function of this program, in PROC_SELF_EXE; 0 if it is not found. */
u64 self_file_offset(void (*fn)(void));

#endif
