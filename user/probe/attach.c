/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/attach.h"

#include <errno.h>
#include <string.h>

#include "gobin/layout.h"

enum { SMALL_GROWS_PER_S = 500 }; /* of each CPU; a record with its stack costs about 2 us */

/* NULL if the process has the file's bytes at the site, else why it is left out. */
static const char *site_mismatch(const struct plan_probe *probe, const struct go_process *p)
{
	struct bytes in_file = gobin_bytes(p->bin, probe->addr, probe->site.insn_size);
	u8 in_memory[SITE_INSN_MAX];

	if (!in_file.data || probe->site.insn_size > sizeof(in_memory))
		return "its bytes are not in the file";
	if (p->mem.read(p->mem.arg, probe->addr + p->bias, in_memory, in_file.size))
		return "its bytes can't be read in the process";
	if (memcmp(in_memory, in_file.data, in_file.size))
		return in_memory[0] == 0xcc ? "another tracer's breakpoint stands there"
					    : "its bytes in the process differ from the file's";
	return NULL;
}

void attach_verify(struct plan *plan, const struct go_process *p)
{
	for (size_t i = 0; i < plan->probe_count;) {
		const char *why = site_mismatch(&plan->probes[i], p);

		if (why)
			plan_omit(plan, i, why);
		else
			i++;
	}
}

static u32 offset_or_0(const struct go_process *p, enum go_field field)
{
	struct go_offset off;

	return go_layout_offset(p->layout, field, &off) ? 0 : off.offset;
}

/* Every stack check of ABI0 loads g from the same place. */
static s32 tls_offset_or_0(const struct plan *plan)
{
	for (size_t i = 0; i < plan->probe_count; i++)
		if (plan->probes[i].site.g_tls_offset)
			return plan->probes[i].site.g_tls_offset;
	return 0;
}

/* Where the code is unknown too, nothing is believed: the range holds no address. */
static void believe_code_only(const struct go_process *p, struct wire_target *target)
{
	const struct gobin_info *info = gobin_info(p->bin);

	target->text_start = target->text_end = 1;
	if (info->text_end) {
		target->text_start = info->text_start + p->bias;
		target->text_end = info->text_end + p->bias;
	}
}

static void describe(const struct process *process, const struct go_process *p,
		     const struct plan *plan, struct wire_target *ret)
{
	const struct gobin_info *info = gobin_info(p->bin);

	*ret = (struct wire_target) {
		.tgid = (u32)process->pid,
		.stw_abi = go_stw_abi(&info->version),
		.g_goid_off = offset_or_0(p, GO_G_GOID),
		.g_gopc_off = offset_or_0(p, GO_G_GOPC),
		.g_startpc_off = offset_or_0(p, GO_G_STARTPC),
		.g_m_off = offset_or_0(p, GO_G_M),
		.m_curg_off = offset_or_0(p, GO_M_CURG),
		.small_grows_per_s = SMALL_GROWS_PER_S,
		.creator_pc_arg = go_creator_pc_arg(&info->version),
		.g_tls_off = tls_offset_or_0(plan),
	};
	if (probe_assumption(info))
		believe_code_only(p, ret);
	/* A word that is not found has size 0 and stays out of the records. */
	(void)go_gc_sources(p, ret->gc, NULL);
}

static u64 cookie_of(const struct plan_probe *probe, u32 slot, const struct gobin_info *info)
{
	u32 flags = 0;

	if (probe->site.flags_test)
		flags |= WIRE_SITE_FLAGS_TEST;
	if (!info->register_abi)
		flags |= WIRE_SITE_STACK_ABI;
	return WIRE_COOKIE(slot, probe->spec->fn, flags, probe->site.sp_shift);
}

static int arm_group(struct kern *kern, u32 slot, const struct plan *plan, enum probe_group group,
		     const struct process *process, const char *path, const struct go_process *p,
		     struct err *err)
{
	struct kern_site sites[PLAN_PROBES_MAX];
	size_t n = 0;

	for (size_t i = 0; i < plan->probe_count; i++) {
		const struct plan_probe *probe = &plan->probes[i];

		if (probe->spec->group != group)
			continue;
		sites[n++] = (struct kern_site) {
			.file_offset = probe->file_offset,
			.cookie = cookie_of(probe, slot, gobin_info(p->bin)),
		};
	}
	return kern_attach(kern, group, process->pid, path, sites, n, err);
}

/* The hottest comes last, and goes first: it is hit hardly longer than it is observed. */
static const enum probe_group coldest_first[] = { PROBE_FAULT, PROBE_GC, PROBE_MAP_GROW,
						  PROBE_GOROUTINE, PROBE_MAP_WRITE };
_Static_assert(ARRAY_SIZE(coldest_first) == PROBE_GROUP_COUNT, "every group is armed");

int attach_sites(struct kern *kern, u32 slot, const struct plan *plan,
		 const struct process *process, const char *path, const struct go_process *p,
		 struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(coldest_first) && !rc; i++)
		rc = arm_group(kern, slot, plan, coldest_first[i], process, path, p, err);
	if (rc && process_gone(process))
		return err_set(err, -ESRCH, "process %d exited while gosonde attached to it",
			       process->pid);
	return rc;
}

int attach_arm(struct kern *kern, u32 slot, const struct plan *plan, const struct process *process,
	       const struct go_process *p, struct err *err)
{
	struct wire_target target;
	int rc;

	describe(process, p, plan, &target);
	rc = kern_set_target(kern, slot, &target, err);
	if (!rc)
		rc = attach_sites(kern, slot, plan, process, process->exe_path, p, err);
	if (rc)
		kern_detach_all(kern);
	return rc;
}
