/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/attach.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "gobin/layout.h"
#include "gobin/modules.h"

enum { SMALL_GROWS_PER_S = 500 }; /* of each CPU; a record with its stack costs about 2 us */

const char attach_is_traced[] = "another tracer's breakpoint stands there";

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
		return in_memory[0] == 0xcc ? attach_is_traced
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

/* What stands at a site when no breakpoint does. */
struct armed_bytes {
	u64 addr; /* run-time */
	u8 size, insn[SITE_INSN_MAX];
};

/* A group's sites in one file, and their breakpoints while they stand. */
struct armed_file {
	char path[sizeof(((struct process *)0)->exe_path)];
	struct kern_site *sites;
	struct armed_bytes *bytes; /* of each site */
	size_t count;
	struct kern_probes *probes; /* NULL: detached */
};

struct armed_group {
	pthread_mutex_t lock;
	struct armed_file files[1 + GO_PLUGINS_MAX];
	size_t count;
	bool standing;
};

struct armed {
	struct kern *kern;
	u32 slot;
	const struct process *process;
	struct wire_target target;
	u8 classes[WIRE_FN_COUNT]; /* a bit for each enum site_class */
	struct armed_group groups[PROBE_GROUP_COUNT];
};

/* The hottest comes last, and goes first: it is hit hardly longer than it is observed. */
static const enum probe_group coldest_first[] = { PROBE_FAULT, PROBE_GC, PROBE_MAP_GROW,
						  PROBE_GOROUTINE, PROBE_MAP_WRITE };
_Static_assert(ARRAY_SIZE(coldest_first) == PROBE_GROUP_COUNT, "every group is armed");

int armed_new(struct armed **ret, struct kern *kern, u32 slot, const struct process *process,
	      const struct plan *plan, const struct go_process *p, struct err *err)
{
	CLEANUP(armed_freep) struct armed *armed = calloc(1, sizeof(*armed));
	int rc;

	if (!armed)
		return err_set(err, -ENOMEM, "out of memory");
	armed->kern = kern;
	armed->slot = slot;
	armed->process = process;
	for (size_t g = 0; g < PROBE_GROUP_COUNT; g++)
		pthread_mutex_init(&armed->groups[g].lock, NULL);
	describe(process, p, plan, &armed->target);
	rc = kern_set_target(kern, slot, &armed->target, err);
	if (!rc)
		*ret = TAKE_PTR(armed);
	return rc;
}

static void file_done(struct armed_file *file)
{
	free(file->sites);
	free(file->bytes);
}

void armed_free(struct armed *armed)
{
	if (!armed)
		return;
	armed_detach_all(armed);
	for (size_t g = 0; g < PROBE_GROUP_COUNT; g++) {
		for (size_t i = 0; i < armed->groups[g].count; i++)
			file_done(&armed->groups[g].files[i]);
		pthread_mutex_destroy(&armed->groups[g].lock);
	}
	free(armed);
}

/* Again each time: another tracer may have come, or the code been patched, while a group was off.
 */
static int compare_bytes(const struct armed *armed, const struct armed_file *file, struct err *err)
{
	u8 now[SITE_INSN_MAX];

	for (size_t i = 0; i < file->count; i++) {
		const struct armed_bytes *b = &file->bytes[i];

		if (process_read(armed->process, b->addr, now, b->size))
			return err_set(err, -EFAULT, "the bytes at a site can't be read any more");
		if (memcmp(now, b->insn, b->size))
			return err_set(err, -EBUSY,
				       "the bytes at a site have changed: another "
				       "tracer's breakpoint, or a patch");
	}
	return 0;
}

static int attach_file(const struct armed *armed, enum probe_group group, struct armed_file *file,
		       struct err *err)
{
	int rc = compare_bytes(armed, file, err);

	if (!rc)
		rc = kern_attach(armed->kern, group, armed->process->pid, file->path, file->sites,
				 file->count, &file->probes, err);

	/* Not on a process that got the PID meanwhile. */
	if (rc ? !process_gone(armed->process) : !process_exited(armed->process))
		return rc;
	kern_detach(TAKE_PTR(file->probes));
	return err_set(err, -ESRCH, "process %d exited while gosonde attached to it",
		       armed->process->pid);
}

static size_t count_sites(const struct plan *plan, enum probe_group group)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->probe_count; i++)
		n += plan->probes[i].spec->group == group;
	return n;
}

/* The sites of a group in a plan; count 0: none. */
static int sites_of(const struct armed *armed, const struct plan *plan, enum probe_group group,
		    const struct go_process *p, struct armed_file *ret, struct err *err)
{
	size_t n = count_sites(plan, group);

	ret->sites = calloc(n + 1, sizeof(*ret->sites));
	ret->bytes = calloc(n + 1, sizeof(*ret->bytes));
	if (!ret->sites || !ret->bytes)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < plan->probe_count; i++) {
		const struct plan_probe *probe = &plan->probes[i];

		if (probe->spec->group != group)
			continue;
		ret->bytes[ret->count] = (struct armed_bytes) {
			.addr = probe->addr + p->bias,
			.size = probe->site.insn_size,
		};
		memcpy(ret->bytes[ret->count].insn, probe->site.insn, SITE_INSN_MAX);
		ret->sites[ret->count++] = (struct kern_site) {
			.file_offset = probe->file_offset,
			.cookie = cookie_of(probe, armed->slot, gobin_info(p->bin)),
		};
	}
	return 0;
}

static int add_to_group(struct armed *armed, enum probe_group group, struct armed_file *file,
			struct err *err)
{
	struct armed_group *g = &armed->groups[group];
	int rc = 0;

	pthread_mutex_lock(&g->lock);
	if (g->count == ARRAY_SIZE(g->files))
		rc = err_set(err, -ENOSPC, "more than %zu files with probes", g->count);
	else if (g->standing)
		rc = attach_file(armed, group, file, err);
	if (!rc) {
		g->files[g->count++] = *file;
		file->sites = NULL;
		file->bytes = NULL;
	}
	pthread_mutex_unlock(&g->lock);
	return rc;
}

static void note_classes(struct armed *armed, const struct plan *plan)
{
	for (size_t i = 0; i < plan->probe_count; i++) {
		const struct plan_probe *probe = &plan->probes[i];

		armed->classes[probe->spec->fn] |= (u8)(1 << probe->site.class);
	}
}

const u8 *armed_classes(const struct armed *armed)
{
	return armed->classes;
}

int armed_add(struct armed *armed, const struct plan *plan, const char *path,
	      const struct go_process *p, struct err *err)
{
	int rc = 0;

	note_classes(armed, plan); /* should it fail, some of them may stand */
	for (size_t i = 0; i < PROBE_GROUP_COUNT && !rc; i++) {
		struct armed_file file = { .count = 0 };

		snprintf(file.path, sizeof(file.path), "%s", path);
		rc = sites_of(armed, plan, coldest_first[i], p, &file, err);
		if (!rc && file.count)
			rc = add_to_group(armed, coldest_first[i], &file, err);
		file_done(&file);
	}
	return rc;
}

static void detach_locked(struct armed_group *g)
{
	struct kern_probes *probes[ARRAY_SIZE(g->files)];

	for (size_t i = 0; i < g->count; i++)
		probes[i] = TAKE_PTR(g->files[i].probes);
	kern_detach_many(probes, g->count);
	g->standing = false;
}

int armed_attach(struct armed *armed, enum probe_group group, struct err *err)
{
	struct armed_group *g = &armed->groups[group];
	int rc = 0;

	pthread_mutex_lock(&g->lock);
	for (size_t i = 0; i < g->count && !rc && !g->standing; i++)
		rc = attach_file(armed, group, &g->files[i], err);
	g->standing = !rc;
	if (rc)
		detach_locked(g);
	pthread_mutex_unlock(&g->lock);
	return rc;
}

int armed_attach_all(struct armed *armed, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < PROBE_GROUP_COUNT && !rc; i++)
		rc = armed_attach(armed, coldest_first[i], err);
	if (rc)
		armed_detach_all(armed);
	return rc;
}

void armed_detach(struct armed *armed, enum probe_group group)
{
	struct armed_group *g = &armed->groups[group];

	pthread_mutex_lock(&g->lock);
	detach_locked(g);
	pthread_mutex_unlock(&g->lock);
}

enum { PROBES_MAX = PROBE_GROUP_COUNT * (1 + GO_PLUGINS_MAX) };

/* What stands of one process, the hottest first. Returns how many. */
static size_t take_all(struct armed *armed, struct kern_probes *ret[static PROBES_MAX])
{
	size_t n = 0;

	for (size_t i = PROBE_GROUP_COUNT; i-- > 0;) {
		struct armed_group *g = &armed->groups[coldest_first[i]];

		pthread_mutex_lock(&g->lock);
		for (size_t k = 0; k < g->count; k++)
			if (g->files[k].probes)
				ret[n++] = TAKE_PTR(g->files[k].probes);
		g->standing = false;
		pthread_mutex_unlock(&g->lock);
	}
	return n;
}

void armed_detach_all(struct armed *armed)
{
	struct kern_probes *probes[PROBES_MAX];
	size_t n = take_all(armed, probes);

	kern_detach_many(probes, n);
}

void armed_stop_counting(struct armed *armed)
{
	armed->target.tgid = 0;
	(void)kern_set_target(armed->kern, armed->slot, &armed->target, NULL);
}

void armed_detach_together(struct armed *const *armed, size_t count)
{
	CLEANUP(freep)
	struct kern_probes **probes = calloc(count * PROBES_MAX, sizeof(struct kern_probes *));
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		if (probes)
			n += take_all(armed[i], probes + n);
		else
			armed_detach_all(armed[i]);
	}
	kern_detach_many(probes, n);
}
