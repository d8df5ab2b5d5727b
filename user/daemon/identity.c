/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/identity.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>

static void read_user(int pid, struct identity *ret)
{
	char buf[1024];
	struct passwd entry, *found = NULL;
	s64 uid = process_uid(pid);

	if (uid < 0)
		return;
	if (!getpwuid_r((uid_t)uid, &entry, buf, sizeof(buf), &found) && found)
		snprintf(ret->user, sizeof(ret->user), "%s", found->pw_name);
	else
		snprintf(ret->user, sizeof(ret->user), "%lld", uid);
}

/* Without what the kernel puts after the path of a file that was deleted. */
static void read_exe(const struct process *process, struct identity *ret)
{
	static const char deleted[] = " (deleted)";
	size_t len = strlen(process->exe), tail = strlen(deleted);

	memcpy(ret->exe, process->exe, len + 1);
	if (len > tail && !strcmp(ret->exe + len - tail, deleted))
		ret->exe[len - tail] = '\0';
}

void identity_read(const struct target *target, struct identity *ret)
{
	const struct process *process = &target->process;

	*ret = (struct identity) { .exe = "" };
	read_exe(process, ret);
	process_cgroup(process->pid, ret->cgroup, sizeof(ret->cgroup));
	read_user(process->pid, ret);
	ret->candidate = (struct daemon_candidate) {
		.exe = ret->exe,
		.module = gobin_info(target->bin)->module,
		.container = target->container.id,
		.pod = target->container.pod.uid,
		.qos = target->container.pod.qos,
		.cgroup = ret->cgroup,
		.user = ret->user,
	};
}

void identity_rules(const struct target *target, const struct ruleset *set, struct rules *ret)
{
	struct rule_target matched;
	struct identity id;

	*ret = *rules_default();
	if (!set)
		return;
	identity_read(target, &id);
	matched = (struct rule_target) {
		.exe = id.candidate.exe,
		.module = id.candidate.module,
		.container = id.candidate.container,
		.pod = id.candidate.pod,
		.qos = id.candidate.qos,
	};
	ruleset_resolve(set, &matched, ret);
}
