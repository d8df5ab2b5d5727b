/* SPDX-License-Identifier: BSD-2-Clause */
/* What a goroutine is about: g.atomicstatus (runtime/runtime2.go, 1.15 to 1.27). */
#ifndef GOBIN_GSTATE_H
#define GOBIN_GSTATE_H

#include <stdbool.h>

#include <gosonde/types.h>

enum go_state {
	GO_STATE_IDLE = 0, /* just made */
	GO_STATE_RUNNABLE = 1,
	GO_STATE_RUNNING = 2,
	GO_STATE_SYSCALL = 3,
	GO_STATE_WAITING = 4,
	GO_STATE_DEAD = 6,
	GO_STATE_COPYSTACK = 8,
	GO_STATE_PREEMPTED = 9,
	GO_STATE_LEAKED = 10,	 /* from 1.26 */
	GO_STATE_DEADEXTRA = 11, /* from 1.26: for a thread of C's, not in use */
};

/* The state in the word, without the mark of a stack scan (_Gscan). */
static inline u32 go_state_of(u32 status)
{
	return status & ~0x1000u;
}

/* Whether the g holds a goroutine; of one that does not, nothing but the state means anything. */
static inline bool go_state_alive(u32 state)
{
	return state != GO_STATE_IDLE && state != GO_STATE_DEAD && state != GO_STATE_DEADEXTRA;
}

#endif
