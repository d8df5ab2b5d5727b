/* SPDX-License-Identifier: BSD-2-Clause */
/* Which container, and which pod of Kubernetes, a process is in, as its cgroup's name tells. */
#ifndef PROC_CONTAINER_H
#define PROC_CONTAINER_H

#include <stdbool.h>

#include "proc/pod.h"

enum { CONTAINER_ID_CHARS = 64 }; /* SHA-256 in hexadecimal */

struct container {
	/* Of systemd-nspawn and LXC the container's name; "": in none. */
	char id[CONTAINER_ID_CHARS + 1];
	/* "docker", "containerd", "podman", "cri-o", "lxc", "systemd-nspawn", else "" */
	char engine[16];
	bool kubernetes; /* the cgroup is one of the kubelet's */
	struct pod pod;	 /* known also of what serves a pod from outside of its containers */
};

/*
 * Reads the text of /proc/PID/cgroup, of cgroups v1, v2 or both. Engines name
 * their cgroup after the container's id; the innermost one counts. Names are as seen from the
 * reader's cgroup namespace: "/" is all that a process sees of itself from within its own, and of
 * its neighbours' "/../cri-containerd-ID.scope".
 *
 * Returns whether it is in a container; *ret is filled in either case. What is in it are digits,
 * letters, ".", "_" and "-".
 */
bool container_from_cgroup(const char *text, struct container *ret);

/* The same of a process that runs. One whose cgroup can't be read shows as in no container. */
bool container_of_process(int pid, struct container *ret);

#endif
