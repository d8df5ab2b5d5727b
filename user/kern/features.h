/* SPDX-License-Identifier: BSD-2-Clause */
/* What this kernel lets this process do, found out by trying it, not by its version. */
#ifndef KERN_FEATURES_H
#define KERN_FEATURES_H

#include <stdbool.h>

struct kern_features {
	bool btf;	     /* the kernel's types are readable: CO-RE programs can be loaded */
	int bpf_err;	     /* 0, or why a BPF program can't be loaded (-EPERM…) */
	bool attach_cookie;  /* a program learns which of its sites was hit (kernel >= 5.15) */
	bool uprobe_multi;   /* one link for many sites, per process (kernel >= 6.6) */
	int perf_uprobe_err; /* 0, or why a perf-event uprobe can't be opened (-EACCES, -EPERM…) */
};

/* Tries each feature. */
void kern_features_probe(struct kern_features *ret);

#endif
