/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fixed-width integers for both sides of the wire. Defined here because a BPF
 * program can't include <stdint.h>, and as `long long` because the kernel's
 * own __u64 is: printf takes %llu for u64 on every architecture.
 */
#ifndef GOSONDE_TYPES_H
#define GOSONDE_TYPES_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long long s64;

_Static_assert(sizeof(u8) == 1 && sizeof(u16) == 2 && sizeof(u32) == 4 && sizeof(u64) == 8,
	       "fixed-width types");

#endif
