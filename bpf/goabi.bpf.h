/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Go's register ABI (cmd/compile/abi-internal.md), amd64, Go >= 1.17: integer
 * arguments in RAX, RBX, RCX, RDI, RSI, R8…, the goroutine in R14. Before that
 * (doc/asm: ABI0): arguments on the stack above the return address, the goroutine
 * in the thread's local storage.
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

#define GO_G(ctx)     REGISTER(ctx, r14)
#define GO_SP(ctx)    REGISTER(ctx, sp)
#define GO_FLAGS(ctx) REGISTER(ctx, flags)

#define FLAGS_CF 0x01
#define FLAGS_ZF 0x40

/* Argument i of a function of ABIInternal. i is a constant wherever this is inlined. */
static __always_inline u64 go_register_arg(struct pt_regs *ctx, u32 i)
{
	switch (i) {
	case 0:
		return REGISTER(ctx, ax);
	case 1:
		return REGISTER(ctx, bx);
	case 2:
		return REGISTER(ctx, cx);
	case 3:
		return REGISTER(ctx, di);
	case 4:
		return REGISTER(ctx, si);
	}
	return 0;
}

/* Of ABI0, as RSP stood at the entry: the return address, then the arguments, eight bytes each. */
#define GO_STACK_ARG_BYTES(i) (8 + 8 * (u64)(i))

#endif
