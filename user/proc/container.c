/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/container.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "proc/machine.h"
#include "proc/process.h"

enum { CGROUP_BYTES = 16384 }; /* of /proc/PID/cgroup: a line per hierarchy */

/*
 * What stands right before the id:
 *   cgroupfs driver   /docker/ID, /kubepods/burstable/podUID/ID
 *   systemd driver    docker-ID.scope, cri-containerd-ID.scope, crio-ID.scope, libpod-ID.scope
 */
static const struct {
	const char *prefix, *engine;
} engines[] = {
	{ "docker-", "docker" },
	{ "docker/", "docker" },
	{ "cri-containerd-", "containerd" },
	{ "cri-containerd:", "containerd" },
	{ "nerdctl-", "containerd" },
	{ "crio-", "cri-o" },
	{ "libpod-", "podman" },
};

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* conmon watches over a container from outside, in a cgroup named after it. */
static bool is_monitor(const char *line, const char *id)
{
	static const char conmon[] = "conmon-";
	size_t len = strlen(conmon);

	return (size_t)(id - line) >= len && memcmp(id - len, conmon, len) == 0;
}

static void name_engine(const char *line, const char *id, struct container *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(engines); i++) {
		size_t len = strlen(engines[i].prefix);

		if ((size_t)(id - line) < len || memcmp(id - len, engines[i].prefix, len) != 0)
			continue;
		snprintf(ret->engine, sizeof(ret->engine), "%s", engines[i].engine);
		return;
	}
}

/* The last run of exactly 64 hexadecimal digits in the line; NULL if it has none. */
static const char *last_id(const char *line, size_t len)
{
	const char *found = NULL;
	size_t run = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i < len && is_hex(line[i])) {
			run++;
			continue;
		}
		if (run == CONTAINER_ID_CHARS)
			found = line + i - run;
		run = 0;
	}
	return found;
}

/* A line of one hierarchy: what is found in it, if anything. */
static void read_line(const char *line, size_t len, struct container *ret)
{
	const char *id = last_id(line, len), *engine = NULL;

	*ret = (struct container) { .id = "" };
	/* A pod that the container makes for itself, below its own group, is not the one it is in.
	 */
	(void)pod_from_path(line, id ? (size_t)(id - line) : len, &ret->pod);
	ret->kubernetes = ret->pod.uid[0] || memmem(line, len, "kubepods", strlen("kubepods"));
	if (id && !is_monitor(line, id)) {
		memcpy(ret->id, id, CONTAINER_ID_CHARS);
		name_engine(line, id, ret);
	} else if (!id && (engine = machine_from_path(line, len, ret->id))) {
		snprintf(ret->engine, sizeof(ret->engine), "%s", engine);
	}
}

bool container_from_cgroup(const char *text, struct container *ret)
{
	*ret = (struct container) { .pod.qos = "" };

	for (const char *line = text; *line && !ret->id[0];) {
		size_t len = strcspn(line, "\n");
		struct container found;

		read_line(line, len, &found);
		if (found.id[0] || !ret->kubernetes)
			*ret = found;
		line += len + (line[len] == '\n');
	}
	return ret->id[0] != '\0';
}

bool container_of_process(int pid, struct container *ret)
{
	char path[sizeof(PROC_ROOT) + 32], text[CGROUP_BYTES];
	CLEANUP(fd_closep) int fd = -1;
	size_t len = 0;
	ssize_t n;

	snprintf(path, sizeof(path), PROC_ROOT "/%d/cgroup", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && (n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	return container_from_cgroup(text, ret);
}
