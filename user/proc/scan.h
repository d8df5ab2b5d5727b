/* SPDX-License-Identifier: BSD-2-Clause */
/* All processes of the machine: who they are, and which of them are Go programs. */
#ifndef PROC_SCAN_H
#define PROC_SCAN_H

#include <limits.h>
#include <stdbool.h>

#include "base/err.h"
#include "gobin/gobin.h"
#include "proc/container.h"

/* What one can say of the executable; from SCAN_OTHER on it was looked into. */
enum scan_kind {
	SCAN_NO_EXE,	 /* kernel thread or zombie */
	SCAN_UNREADABLE, /* somebody else's; rc and why tell */
	SCAN_OTHER,	 /* not a Go program */
	SCAN_GO,	 /* a Go program that is understood */
	SCAN_GO_REFUSED, /* a Go program that is not; rc and why tell */
};

/* One process. All texts but why are raw. */
struct scan_process {
	int pid;
	u32 uid; /* effective; of the process, not of its /proc files */
	char comm[64];
	char exe[PATH_MAX]; /* what /proc/PID/exe points to; "" if that can't be read */
	u64 start_ns;	    /* since boot (CLOCK_BOOTTIME) */
	struct container container;

	enum scan_kind kind;
	int rc; /* why it was refused or unreadable; else 0 */
	struct err why;

	/* SCAN_GO only. */
	char version_text[64], module[256];
	struct goversion version;
	bool pie, stripped, swiss_maps;
};

struct scan;

/*
 * Starts to go through root ("/proc"). Returns 0, -ENOMEM, or what open(2) says.
 */
int scan_open(struct scan **ret, const char *root, struct err *err);
void scan_close(struct scan *scan);
DEFINE_FREEP(struct scan, scan_close)

/*
 * The next process, in no order; one that vanishes meanwhile is passed over.
 * An executable that several processes run is looked into once.
 * Returns 1; 0 at the end; a negative errno if root can't be read.
 */
int scan_next(struct scan *scan, struct scan_process *ret, struct err *err);

#endif
