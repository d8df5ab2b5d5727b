/* SPDX-License-Identifier: BSD-2-Clause */
/* What is done for a target when the agent that observed it was killed: see proc/survivor.h. */
#ifndef DAEMON_AFTERMATH_H
#define DAEMON_AFTERMATH_H

#include "daemon/target.h"

/*
 * Takes out the breakpoints that the kernel left in the target and in its
 * plugins, and says so on stderr, since nobody is there any more to be told.
 * target: a struct target.
 */
void aftermath(void *target);

#endif
