/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a process runs: in which container, and in which pod of Kubernetes. */
#ifndef ALERT_PLACEMENT_H
#define ALERT_PLACEMENT_H

/* Raw and borrowed; "" or NULL where there is none, or it is not known. */
struct placement {
	const char *container; /* its id; of systemd-nspawn and LXC its name */
	const char *pod_uid;   /* as the Kubernetes API has it */
	const char *qos;       /* "Guaranteed", "Burstable", "BestEffort" */
};

#endif
