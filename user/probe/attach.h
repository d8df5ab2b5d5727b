/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plan on a live process: each site's bytes compared with the file's, the
 * target described to the BPF programs, and the sites of each probe group kept,
 * so that a group can be attached and detached as a whole and again.
 */
#ifndef PROBE_ATTACH_H
#define PROBE_ATTACH_H

#include "gobin/live.h"
#include "kern/kern.h"
#include "probe/plan.h"
#include "proc/process.h"

/* Why a site is left out where somebody else's breakpoint stands. */
extern const char attach_is_traced[];

/*
 * Takes out of the plan what differs in memory from the file: somebody else's
 * breakpoint, a patched function, another binary than we read.
 */
void attach_verify(struct plan *plan, const struct go_process *p);

/* The sites in one process. Thread-safe, group by group. */
struct armed;

/*
 * Describes the process to the programs, by the plan of its executable; attaches nothing.
 * kern and process are borrowed and must outlive ret, which armed_free() also detaches.
 */
int armed_new(struct armed **ret, struct kern *kern, u32 slot, const struct process *process,
	      const struct plan *plan, const struct go_process *p, struct err *err);
void armed_free(struct armed *armed);
DEFINE_FREEP(struct armed, armed_free)

/*
 * Adds a file's sites to their groups: the executable's, or a plugin's that path
 * reaches and whose code p describes. Groups that stand attached get them attached
 * too. On failure what stood before still stands.
 * Returns 0, -ENOSPC (more than GO_PLUGINS_MAX + 1 files), or as armed_attach().
 */
int armed_add(struct armed *armed, const struct plan *plan, const char *path,
	      const struct go_process *p, struct err *err);

/* By enum wire_fn: a bit for each enum site_class among its sites, in any of the files. Borrowed;
 * not while files are added. */
const u8 *armed_classes(const struct armed *armed);

/*
 * Attaches a group to all of its sites; one without sites stands at once.
 * Returns 0, -ESRCH (the process exited meanwhile), -EPERM, or what the kernel
 * said; nothing of the group stays attached then.
 */
int armed_attach(struct armed *armed, enum probe_group group, struct err *err);

/* Every group that was added, the hottest last. As armed_attach(); nothing stays attached then. */
int armed_attach_all(struct armed *armed, struct err *err);

/*
 * From now on no hit counts. Breakpoints go one by one, within milliseconds: of calls that come in
 * pairs, as goroutines that begin and end, one kind would be counted for longer. Should the kernel
 * refuse it, they are counted until they are out.
 */
void armed_stop_counting(struct armed *armed);

/* Takes a group out; see kern_detach() for how long that takes. */
void armed_detach(struct armed *armed, enum probe_group group);

/* Takes all groups out, the hottest first. */
void armed_detach_all(struct armed *armed);

/* The same for several processes, which takes about as long as for one. */
void armed_detach_together(struct armed *const *armed, size_t count);

#endif
