// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Writes records into the agent's ring, as its programs do, as many as are asked for. */
#include "emit.bpf.h"
#include "ring.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RING_TEMPLATES);
	__type(key, u32);
	__type(value, struct ring_template);
} templates SEC(".maps");

/* Set by user space before a run, but for lost. */
u64 first, count, lost;

#define WRITE(type, from)                                                                          \
	({                                                                                         \
		type *rec = bpf_ringbuf_reserve(&events, sizeof(type), 0);                         \
		if (rec) {                                                                         \
			*rec = *(from);                                                            \
			record_end(rec);                                                           \
		} else {                                                                           \
			lost++;                                                                    \
		}                                                                                  \
	})

static long write_one(u32 i, void *arg)
{
	u32 key = (first + i) & (RING_TEMPLATES - 1);
	struct ring_template *t = bpf_map_lookup_elem(&templates, &key);
	u64 now_ns = bpf_ktime_get_ns();

	(void)arg;
	if (!t)
		return 1;
	t->hdr.time_ns = now_ns;
	if (t->hdr.kind == WIRE_MAP_GROW) {
		t->grow.map += RING_MAP_STEP;
		WRITE(struct wire_map_grow, &t->grow);
	} else if (t->hdr.kind == WIRE_STOP) {
		t->stop.stopped_ns = now_ns - 40000;
		t->stop.requested_ns = now_ns - 60000 - (i & 0x3fff);
		WRITE(struct wire_stop, &t->stop);
	} else if (t->hdr.kind == WIRE_GC_START) {
		WRITE(struct wire_gc_start, &t->start);
	} else {
		WRITE(struct wire_gc_end, &t->end);
	}
	return 0;
}

SEC("syscall")
int produce(void *ctx)
{
	(void)ctx;
	bpf_loop(count, write_one, NULL, 0);
	return 0;
}
