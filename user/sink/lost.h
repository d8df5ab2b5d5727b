/* SPDX-License-Identifier: BSD-2-Clause */
/* That alerts were lost, as an alert of its own rule, so that whoever parses the others finds it.
 */
#ifndef SINK_LOST_H
#define SINK_LOST_H

#include "alert/alert.h"

/* agent_pid: of the agent, which it is about. */
void lost_alert(struct alert *ret, u64 lost, u64 now_ns, u32 agent_pid);

#endif
