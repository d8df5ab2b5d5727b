// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs that begin and processes that end, so that nobody has to go through /proc again and
 * again. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include <gosonde/wire.h>

/* 8,000 of them; who reads it comes each WIRE_POLL_MS without being woken. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 128 << 10);
} lives SEC(".maps");

/* For which the ring had no room. */
u64 lives_lost;

static __always_inline int tell(enum wire_life life, u32 pid)
{
	struct wire_process *rec = bpf_ringbuf_reserve(&lives, sizeof(*rec), 0);

	if (!rec) {
		__sync_fetch_and_add(&lives_lost, 1);
		return 0;
	}
	rec->life = life;
	rec->pid = pid;
	bpf_ringbuf_submit(rec, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("raw_tp/sched_process_exec")
int process_exec(const void *ctx)
{
	(void)ctx;
	return tell(WIRE_LIFE_EXEC, bpf_get_current_pid_tgid() >> 32);
}

/* Comes for each thread; the first one's is taken for the process's. */
SEC("raw_tp/sched_process_exit")
int process_exit(const void *ctx)
{
	u64 id = bpf_get_current_pid_tgid();

	(void)ctx;
	return (u32)id == id >> 32 ? tell(WIRE_LIFE_EXIT, (u32)id) : 0;
}
