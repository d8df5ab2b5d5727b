/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Go's register ABI (cmd/compile/abi-internal.md), amd64, Go >= 1.17: integer
 * arguments in RAX, RBX, RCX, RDI, RSI, R8…, the goroutine in R14.
 */
#ifndef GOABI_BPF_H
#define GOABI_BPF_H

#include "vmlinux.h"
#include <gosonde/types.h>

#if !defined(__TARGET_ARCH_x86)
#error "the Go register map of this architecture is not written yet"
#endif

/* Volatile, or the compiler folds two loads into one from a computed address, which the verifier
 * does not allow for a context. */
#define REGISTER(ctx, name) ((u64)(*(volatile unsigned long *)&(ctx)->name))

#define GO_ARG0(ctx)  REGISTER(ctx, ax)
#define GO_ARG1(ctx)  REGISTER(ctx, bx)
#define GO_ARG2(ctx)  REGISTER(ctx, cx)
#define GO_ARG3(ctx)  REGISTER(ctx, di)
#define GO_G(ctx)     REGISTER(ctx, r14)
#define GO_SP(ctx)    REGISTER(ctx, sp)
#define GO_FLAGS(ctx) REGISTER(ctx, flags)

#define FLAGS_CF 0x01
#define FLAGS_ZF 0x40

#endif
