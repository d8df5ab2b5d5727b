/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What ring.c tells ring.bpf.c to write. */
#ifndef TESTS_BENCH_RING_H
#define TESTS_BENCH_RING_H

#include <gosonde/wire.h>

#define RING_TEMPLATES 4096 /* a power of two: they are written in turn, again and again */

/* One record, to be written with the time of the moment. */
struct ring_template {
	union {
		struct wire_hdr hdr;
		struct wire_map_grow grow;
		struct wire_stop stop;
		struct wire_gc_start start;
		struct wire_gc_end end;
	};
};

/* Each time a template is used its map is another one, so far away. */
#define RING_MAP_STEP (1ULL << 24)

#endif
