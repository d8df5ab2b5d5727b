/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a hit costs on this machine: the real map-write program, attached to
 * functions of our own, one for each class of site, and called some hundred
 * times. The trap, the program and its user read are all in the figure.
 */
#ifndef PROBE_CALIBRATE_H
#define PROBE_CALIBRATE_H

#include "insn/site.h"
#include "kern/features.h"
#include "kern/kern.h"

struct calibration {
	double ns[SITE_SINGLE_STEP + 1]; /* by enum site_class; 0: not measured */
};

/*
 * Takes some 30 ms, most of it attaching and detaching. Uses a slot of its own,
 * whose target is this process meanwhile; the group map-write must be loaded.
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

/* File offset of a function of this program, in PROC_SELF_EXE; 0 if it is not found. */
u64 self_file_offset(void (*fn)(void));

#endif
