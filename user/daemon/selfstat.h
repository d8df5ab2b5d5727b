/* SPDX-License-Identifier: BSD-2-Clause */
/* The agent's own cost, beside the figures that it paid for. */
#ifndef DAEMON_SELFSTAT_H
#define DAEMON_SELFSTAT_H

#include "model/window.h"

struct selfstat {
	u64 cpu_ns, time_ns;		 /* at the last look */
	u64 first_cpu_ns, first_time_ns; /* at the start */
};

void selfstat_start(struct selfstat *s, u64 now_ns);

/* Since the last look, or the start. */
void selfstat_look(struct selfstat *s, u64 now_ns, struct window_agent *ret);

/* Since the start. */
void selfstat_total(const struct selfstat *s, u64 now_ns, struct window_agent *ret);

#endif
