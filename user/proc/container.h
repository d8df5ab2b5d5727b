/* SPDX-License-Identifier: BSD-2-Clause */
/* Which container a process is in, as its cgroup's name tells. */
#ifndef PROC_CONTAINER_H
#define PROC_CONTAINER_H

#include <stdbool.h>

enum { CONTAINER_ID_CHARS = 64 }; /* SHA-256 in hexadecimal */

struct container {
	char id[CONTAINER_ID_CHARS + 1]; /* "": in none */
	char engine[16];		 /* "docker", "containerd", "podman", "cri-o", else "" */
	bool kubernetes;		 /* the cgroup belongs to a pod */
};

/*
 * Reads the text of /proc/PID/cgroup, of cgroups v1, v2 or both. Engines name
 * their cgroup after the container's id; the innermost one counts. A process
 * that sees itself from within a cgroup namespace has the path "/" and shows as
 * in no container.
 *
 * Returns whether it is in a container; *ret is filled in either case.
 */
bool container_from_cgroup(const char *text, struct container *ret);

/* The same of a process that runs. One whose cgroup can't be read shows as in no container. */
bool container_of_process(int pid, struct container *ret);

#endif
