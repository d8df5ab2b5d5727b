/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the runtime's variables are. By symbol where there is one; else by the
 * operand of a known instruction in a known function (go-runtime facts, C.1),
 * believed only if it lies in the data that moduledata names.
 */
#ifndef GOBIN_GLOBALS_H
#define GOBIN_GLOBALS_H

#include "gobin/gobin.h"

enum go_global {
	GO_WORK,	  /* runtime.work */
	GO_MEMSTATS,	  /* runtime.memstats */
	GO_SCHED,	  /* runtime.sched */
	GO_GC_CONTROLLER, /* runtime.gcController */
	GO_ALLGLEN,	  /* runtime.allglen */
	GO_ALLGS,	  /* runtime.allgptr, in 1.15 allgs: its first word points to the *g's */
	GO_ALLP,	  /* runtime.allp: a slice header */
	GO_INIT_TIME,	  /* runtime.runtimeInitTime */
	GO_GLOBAL_COUNT
};

struct go_global_place {
	u64 addr;	 /* link-time */
	const char *how; /* "symbol", or the instruction that named it; static text */
};

/*
 * Returns 0, -ENOENT (the function that would tell is not in the binary, or it
 * has not the expected instruction) or -EBADMSG (the address is implausible).
 */
int gobin_global(const struct gobin *bin, enum go_global which, struct go_global_place *ret,
		 struct err *err);

/*
 * The same without a look at the symbols, as if the binary were stripped; for
 * tests, which compare it with the symbols. Same returns.
 */
int go_global_mine(const struct gobin *bin, enum go_global which, struct go_global_place *ret,
		   struct err *err);

/* "runtime.work" …: its symbol. */
const char *go_global_name(enum go_global which);

#endif
