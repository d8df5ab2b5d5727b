/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/selfstat.h"

#include "proc/self.h"

static void between(u64 cpu_ns, u64 from_ns, u64 now_ns, const struct proc_self *self,
		    struct window_agent *ret)
{
	double wall_ns = now_ns > from_ns ? (double)(now_ns - from_ns) : 0;

	ret->cpu_pct = wall_ns > 0 ? (double)(self->cpu_ns - cpu_ns) / wall_ns * 100 : 0;
	ret->rss_bytes = self->rss_bytes;
}

void selfstat_start(struct selfstat *s, u64 now_ns)
{
	struct proc_self self;

	proc_self_read(&self);
	*s = (struct selfstat) { self.cpu_ns, now_ns, self.cpu_ns, now_ns };
}

void selfstat_look(struct selfstat *s, u64 now_ns, struct window_agent *ret)
{
	struct proc_self self;

	proc_self_read(&self);
	between(s->cpu_ns, s->time_ns, now_ns, &self, ret);
	s->cpu_ns = self.cpu_ns;
	s->time_ns = now_ns;
}

void selfstat_total(const struct selfstat *s, u64 now_ns, struct window_agent *ret)
{
	struct proc_self self;

	proc_self_read(&self);
	between(s->first_cpu_ns, s->first_time_ns, now_ns, &self, ret);
}
