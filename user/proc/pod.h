/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which Kubernetes pod a control group belongs to, as its path tells. Pure.
 *
 * The kubelet names a pod's group after the pod's UID, below its class of quality of
 * service (pkg/kubelet/cm/pod_container_manager_linux.go, cgroup_manager_linux.go):
 *   cgroupfs   /kubepods/burstable/podUID, a guaranteed pod's right below kubepods
 *   systemd    /kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podUID.slice,
 *              with "_" for each "-" of the UID
 * A kubelet that has another root puts its name before: kubelet-kubepods-podUID.slice.
 */
#ifndef PROC_POD_H
#define PROC_POD_H

#include <stdbool.h>
#include <stddef.h>

enum { POD_UID_CHARS = 36 };

struct pod {
	/* As the API has it, with "-". A static pod's, which is read from a file of the node, is 32
	 * hexadecimal digits. "": in none. */
	char uid[POD_UID_CHARS + 1];
	/* "Guaranteed", "Burstable" or "BestEffort", as the API writes it; "": not known, which it
	 * is not where the path begins below the class. Static. */
	const char *qos;
};

/* The innermost pod of the path. Returns whether there is one; *ret is filled in either case. */
bool pod_from_path(const char *path, size_t len, struct pod *ret);

#endif
