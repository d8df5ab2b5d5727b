/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/fleet.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/identity.h"
#include "daemon/loop.h"

struct member {
	struct target *target;
	struct observed *observed;
	struct window last;
	u32 slot;
};

struct fleet {
	struct fleet_config config;
	struct binaries *binaries;
	struct member *by_slot[FLEET_MAX];
	struct member *members[FLEET_MAX];
	size_t count;
};

static u32 others_of_binary(const struct fleet *fleet, const struct binary *binary)
{
	u32 n = 0;

	for (size_t i = 0; i < fleet->count; i++)
		n += fleet->members[i]->target->binary == binary;
	return n - 1;
}

/* After each change of who is observed. */
static void share_budget(struct fleet *fleet)
{
	const struct daemon_config *c = fleet->config.daemon;
	double budget = c->budget;

	if (c->host_budget > 0 && fleet->count)
		budget = MIN(budget, c->host_budget / (double)fleet->count);
	for (size_t i = 0; i < fleet->count; i++) {
		const struct member *m = fleet->members[i];

		observed_set_budget(m->observed, budget);
		observed_set_others(m->observed, others_of_binary(fleet, m->target->binary));
	}
}

struct fleet *fleet_new(const struct fleet_config *config)
{
	CLEANUP(fleet_freep) struct fleet *fleet = calloc(1, sizeof(*fleet));

	if (!fleet)
		return NULL;
	fleet->config = *config;
	fleet->binaries = binaries_new();
	return fleet->binaries ? TAKE_PTR(fleet) : NULL;
}

static void member_free(struct member *m)
{
	observed_free(m->observed);
	target_free(m->target);
	free(m);
}

static void remove_member(struct fleet *fleet, size_t i)
{
	struct member *m = fleet->members[i];

	fleet->config.pids[m->slot] = 0;
	fleet->by_slot[m->slot] = NULL;
	fleet->members[i] = fleet->members[--fleet->count];
	member_free(m);
	share_budget(fleet);
}

void fleet_free(struct fleet *fleet)
{
	if (!fleet)
		return;
	/* None, but for what could not begin. */
	while (fleet->count)
		remove_member(fleet, fleet->count - 1);
	binaries_free(fleet->binaries);
	free(fleet);
}

static int pid_of(const struct member *m)
{
	return m->target->process.pid;
}

static bool has(const struct fleet *fleet, int pid)
{
	for (size_t i = 0; i < fleet->count; i++)
		if (pid_of(fleet->members[i]) == pid)
			return true;
	return false;
}

static int free_slot(const struct fleet *fleet)
{
	for (u32 slot = 0; slot < MIN(fleet->config.daemon->max_targets, (u32)FLEET_MAX); slot++)
		if (!fleet->by_slot[slot])
			return (int)slot;
	return -ENOSPC;
}

static void ignore_event(void *arg, const struct observed *o, const struct event *event)
{
	(void)arg, (void)o, (void)event;
}

static int observe(struct fleet *fleet, struct member *m, struct err *err)
{
	const struct daemon_config *c = fleet->config.daemon;
	const struct observed_config config = {
		.ground = fleet->config.ground,
		.harvest = fleet->config.harvest,
		.slot = m->slot,
		.target = m->target,
		.groups = c->groups,
		.budget = c->budget,
		.rules = c->rules,
		.dry_run = c->dry_run,
		.alert = fleet->config.alert,
		.event = ignore_event,
		.arg = fleet->config.arg,
	};

	return observed_new(&m->observed, &config, err);
}

static int take_on(struct fleet *fleet, struct member *m, struct err *err)
{
	int slot = free_slot(fleet), rc;

	if (slot < 0)
		return err_set(err, -ENOSPC, "max_targets: %u are observed already",
			       fleet->config.daemon->max_targets);
	m->slot = (u32)slot;
	/* Before the first breakpoint: should we be killed right after it. */
	fleet->config.pids[slot] = pid_of(m);
	rc = observe(fleet, m, err);
	if (rc) {
		fleet->config.pids[slot] = 0;
		return rc;
	}
	fleet->by_slot[slot] = m;
	fleet->members[fleet->count++] = m;
	share_budget(fleet);
	fleet->config.told(fleet->config.arg, pid_of(m), "is observed");
	return 1;
}

static bool is_wanted(const struct fleet *fleet, const struct target *target)
{
	struct identity id;

	identity_read(target, &id);
	return daemon_config_wants(fleet->config.daemon, &id.candidate);
}

int fleet_consider(struct fleet *fleet, int pid, struct err *err)
{
	struct member *m;
	int rc;

	if (has(fleet, pid))
		return 0;
	m = calloc(1, sizeof(*m));
	if (!m)
		return err_set(err, -ENOMEM, "out of memory");
	rc = target_open_shared(&m->target, fleet->binaries, pid, err);
	if (!rc)
		rc = is_wanted(fleet, m->target) ? take_on(fleet, m, err) : 0;
	else if (rc != -EPERM && rc != -EACCES)
		rc = 0; /* it is gone, or no Go program: both are usual */
	if (rc <= 0)
		member_free(m);
	return rc == -ESRCH ? 0 : rc;
}

void fleet_record(struct fleet *fleet, const void *record, size_t size)
{
	const struct wire_hdr *hdr = record;
	struct member *m;

	if (size < sizeof(*hdr) || hdr->slot >= FLEET_MAX)
		return;
	m = fleet->by_slot[hdr->slot];
	/* One of a process that had the slot before is nobody's. */
	if (m && hdr->tgid == (u32)pid_of(m))
		observed_record(m->observed, record, size);
}

struct leaving {
	struct member *member[FLEET_MAX];
	size_t count;
};

static size_t index_of(const struct fleet *fleet, const struct member *m)
{
	size_t i = 0;

	while (fleet->members[i] != m)
		i++;
	return i;
}

static u64 detach(const struct leaving *leaving)
{
	struct observed *observed[FLEET_MAX];

	for (size_t i = 0; i < leaving->count; i++)
		observed[i] = leaving->member[i]->observed;
	return observed_detach_together(observed, leaving->count);
}

/* what: for people; NULL: nobody is told. */
static void dismiss(struct fleet *fleet, const struct leaving *leaving, const char *what)
{
	for (size_t i = 0; i < leaving->count; i++) {
		int pid = pid_of(leaving->member[i]);

		remove_member(fleet, index_of(fleet, leaving->member[i]));
		if (what)
			fleet->config.told(fleet->config.arg, pid, what);
	}
}

/* All together: the kernel takes as long for many as for one. What came between the last look at
 * the ring and the last breakpoint is theirs still. */
static void let_go(struct fleet *fleet, const struct leaving *leaving, const char *what)
{
	u64 now_ns;

	if (!leaving->count)
		return;
	now_ns = detach(leaving);
	(void)fleet->config.drain(fleet->config.arg, NULL);
	(void)harvest_read(fleet->config.harvest, NULL);
	for (size_t i = 0; i < leaving->count; i++) {
		struct member *m = leaving->member[i];

		(void)observed_tick(m->observed, now_ns, &m->last, NULL);
		if (what)
			observed_end(m->observed, now_ns);
	}
	dismiss(fleet, leaving, what);
}

void fleet_reconfigure(struct fleet *fleet, const struct daemon_config *config, u64 now_ns)
{
	struct leaving unwanted = { .count = 0 };

	fleet->config.daemon = config;
	for (size_t i = 0; i < fleet->count; i++) {
		struct member *m = fleet->members[i];

		if (is_wanted(fleet, m->target))
			observed_set_rules(m->observed, config->rules, config->dry_run, now_ns);
		else
			unwanted.member[unwanted.count++] = m;
	}
	let_go(fleet, &unwanted, "is not wanted any more");
	share_budget(fleet);
}

void fleet_recall(struct fleet *fleet, u64 now_ns, const char *why)
{
	for (size_t i = 0; i < fleet->count; i++)
		observed_recall(fleet->members[i]->observed, now_ns, why);
}

void fleet_end(struct fleet *fleet)
{
	struct leaving all = { .count = 0 };

	while (all.count < fleet->count) {
		all.member[all.count] = fleet->members[all.count];
		all.count++;
	}
	let_go(fleet, &all, NULL);
}

void fleet_wake(struct fleet *fleet, u64 now_ns)
{
	struct leaving leaving = { .count = 0 };

	for (size_t i = 0; i < fleet->count; i++) {
		struct member *m = fleet->members[i];

		if (process_exited(&m->target->process))
			leaving.member[leaving.count++] = m;
		else
			observed_wake(m->observed, now_ns);
	}
	let_go(fleet, &leaving, "has exited");
}

void fleet_tick(struct fleet *fleet, u64 now_ns, void (*replaced)(void *arg, int pid), void *arg)
{
	for (size_t i = fleet->count; i-- > 0;) {
		struct member *m = fleet->members[i];
		struct leaving alone = { { m }, 1 };
		struct err err = { 0 };
		int pid = pid_of(m), rc = observed_tick(m->observed, now_ns, &m->last, &err);

		if (rc == 0)
			continue;
		let_go(fleet, &alone, rc > 0 ? "has executed another program" : err.text);
		if (rc > 0)
			replaced(arg, pid);
	}
}

bool fleet_has_room(const struct fleet *fleet)
{
	return free_slot(fleet) >= 0;
}

size_t fleet_count(const struct fleet *fleet)
{
	return fleet->count;
}

const struct observed *fleet_at(const struct fleet *fleet, size_t i, const struct window **ret_last)
{
	*ret_last = &fleet->members[i]->last;
	return fleet->members[i]->observed;
}
