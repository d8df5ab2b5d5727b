/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/lost.h"

#include <stdio.h>

void lost_alert(struct alert *ret, u64 lost, u64 now_ns, u32 agent_pid)
{
	*ret = (struct alert) {
		.pid = agent_pid,
		.time_ns = now_ns,
		.since_ns = now_ns,
		.rule = "alerts-lost",
		.state = ALERT_FIRING,
		.severity = SEVERITY_WARNING,
		.value = (double)lost,
		.unit = "alerts",
	};
	snprintf(ret->subject, sizeof(ret->subject), "gosonde");
	snprintf(ret->summary, sizeof(ret->summary),
		 "%llu alerts were lost on their way to this receiver", lost);
}
