/* SPDX-License-Identifier: BSD-2-Clause */
#include "kern/percpu.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

enum { BATCH_ROWS = 256 };

static void sum_over_cpus(const u64 *values, size_t words, size_t cpus, u64 *ret)
{
	memset(ret, 0, words * sizeof(*ret));
	for (size_t cpu = 0; cpu < cpus; cpu++)
		for (size_t i = 0; i < words; i++)
			ret[i] += values[cpu * words + i];
}

int percpu_read_sum(int map_fd, const void *key, u64 *ret, size_t words,
		    void (*each)(void *arg, size_t cpu, const u64 *value), void *arg,
		    struct err *err)
{
	int cpus = libbpf_num_possible_cpus(), rc;
	CLEANUP(freep) u64 *values = NULL;

	if (cpus <= 0)
		return err_set(err, -EIO, "can't tell the number of CPUs");
	values = calloc((size_t)cpus, words * sizeof(*values));
	if (!values)
		return err_set(err, -ENOMEM, "out of memory");
	rc = bpf_map_lookup_elem(map_fd, key, values);
	if (rc)
		return err_set(err, rc, "can't read a counter map: %s", strerror(-rc));
	sum_over_cpus(values, words, (size_t)cpus, ret);
	for (size_t cpu = 0; each && cpu < (size_t)cpus; cpu++)
		each(arg, cpu, values + cpu * words);
	return 0;
}

struct batch {
	u8 *keys;
	u64 *values;
	u64 *sum;
};

static void batch_done(struct batch *b)
{
	free(b->keys);
	free(b->values);
	free(b->sum);
}

static int batch_init(struct batch *b, size_t key_size, size_t words, size_t cpus, struct err *err)
{
	b->keys = calloc(BATCH_ROWS, key_size);
	b->values = calloc(BATCH_ROWS, words * cpus * sizeof(u64));
	b->sum = calloc(words, sizeof(u64));
	return b->keys && b->values && b->sum ? 0 : err_set(err, -ENOMEM, "out of memory");
}

/* In batches: two system calls for a few hundred rows instead of two a row. */
int percpu_each_sum(int map_fd, size_t key_size, size_t words, bool take,
		    void (*fn)(void *arg, const void *key, const u64 *sum), void *arg,
		    struct err *err)
{
	CLEANUP(batch_done) struct batch b = { 0 };
	int cpus = libbpf_num_possible_cpus(), rc;
	u32 position = 0, *in = NULL, rows;

	if (cpus <= 0)
		return err_set(err, -EIO, "can't tell the number of CPUs");
	rc = batch_init(&b, key_size, words, (size_t)cpus, err);
	if (rc)
		return rc;
	do {
		rows = BATCH_ROWS;
		if (take)
			rc = bpf_map_lookup_and_delete_batch(map_fd, in, &position, b.keys,
							     b.values, &rows, NULL);
		else
			rc = bpf_map_lookup_batch(map_fd, in, &position, b.keys, b.values, &rows,
						  NULL);
		if (rc && rc != -ENOENT) /* ENOENT: these were the last */
			return err_set(err, rc, "can't read an aggregate: %s", strerror(-rc));
		for (u32 i = 0; i < rows; i++) {
			sum_over_cpus(b.values + i * words * (size_t)cpus, words, (size_t)cpus,
				      b.sum);
			fn(arg, b.keys + i * key_size, b.sum);
		}
		in = &position;
	} while (!rc);
	return 0;
}

struct dropping {
	int map_fd;
	bool (*drops)(const void *arg, const void *key);
	const void *arg;
};

/* It can only fail where the row has gone already. */
static void drop_row(void *arg, const void *key, const u64 *sum)
{
	const struct dropping *d = arg;

	(void)sum;
	if (d->drops(d->arg, key))
		(void)bpf_map_delete_elem(d->map_fd, key);
}

int percpu_drop(int map_fd, size_t key_size, size_t words,
		bool (*drops)(const void *arg, const void *key), const void *arg, struct err *err)
{
	struct dropping dropping = { map_fd, drops, arg };

	return percpu_each_sum(map_fd, key_size, words, false, drop_row, &dropping, err);
}

/* Each CPU has a copy of whole words. */
int percpu_zero_row(const struct bpf_map *map, u32 slot, struct err *err)
{
	bool percpu = bpf_map__type(map) == BPF_MAP_TYPE_PERCPU_ARRAY;
	int cpus = libbpf_num_possible_cpus();
	size_t copies = percpu ? (size_t)MAX(cpus, 0) : 1;
	size_t row_bytes = bpf_map__value_size(map) + 7UL;
	CLEANUP(freep) void *zeros = NULL;
	int rc;

	if (!copies)
		return err_set(err, -EIO, "can't tell the number of CPUs");
	zeros = calloc(copies, row_bytes / 8 * 8);
	if (!zeros)
		return err_set(err, -ENOMEM, "out of memory");
	rc = bpf_map_update_elem(bpf_map__fd(map), &slot, zeros, BPF_ANY);
	return rc ? err_set(err, rc, "can't clear slot %u of %s: %s", slot, bpf_map__name(map),
			    strerror(-rc))
		  : 0;
}
