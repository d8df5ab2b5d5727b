/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What would be probed in a binary: each function of the wanted groups, with
 * the site chosen for it; and what is left out, with the reason. Pure.
 */
#ifndef PROBE_PLAN_H
#define PROBE_PLAN_H

#include <stdbool.h>

#include "gobin/gobin.h"
#include "gobin/probeset.h"
#include "insn/site.h"

enum {
	PLAN_PROBES_MAX = 48,
	PLAN_OMITTED_MAX = 48,
};

struct plan_probe {
	const struct probe_spec *spec;
	struct gobin_func func;
	struct site site;
	u64 addr;	 /* of the site, link-time */
	u64 file_offset; /* of the site */
};

struct plan_omission {
	const struct probe_spec *spec;
	char reason[sizeof(((struct err *)0)->text)];
};

struct plan {
	struct plan_probe probes[PLAN_PROBES_MAX];
	size_t probe_count;
	struct plan_omission omitted[PLAN_OMITTED_MAX];
	size_t omitted_count;
};

/* Which groups are wanted, by enum probe_group. */
struct probe_groups {
	bool want[PROBE_GROUP_COUNT];
};

/*
 * Plans the groups' probes. A function that the linker dropped is normal and is
 * no omission; one that is there but can't be probed correctly is.
 */
void plan_make(const struct gobin *bin, const struct probe_groups *groups, struct plan *ret);

/* Leaves probe i out after all, for the reason given. */
void plan_omit(struct plan *plan, size_t i, const char *reason);

/* Whether a group has any probe. */
bool plan_has_group(const struct plan *plan, enum probe_group group);

#endif
