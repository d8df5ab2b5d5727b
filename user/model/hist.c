/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/hist.h"

#include <math.h>
#include <string.h>

enum {
	SUB_BITS = 5, /* 2^5 buckets an octave: a bucket is 1/32 of its lower bound wide */
	SUB = 1 << SUB_BITS,
	OCTAVES = 64 - SUB_BITS + 1,
	BUCKETS = OCTAVES * SUB,
};

/* Values of one kind lie within some octaves: the others take no memory. */
struct hist {
	u64 count, min, max, sum;
	u64 *octave[OCTAVES]; /* SUB buckets each; NULL: all are 0 */
};

struct hist *hist_new(void)
{
	return calloc(1, sizeof(struct hist));
}

void hist_free(struct hist *hist)
{
	for (size_t i = 0; hist && i < OCTAVES; i++)
		free(hist->octave[i]);
	free(hist);
}

static u64 bucket(const struct hist *hist, size_t i)
{
	const u64 *octave = hist->octave[i / SUB];

	return octave ? octave[i % SUB] : 0;
}

/* NULL: out of memory. */
static u64 *bucket_get(struct hist *hist, size_t i)
{
	u64 **octave = &hist->octave[i / SUB];

	if (!*octave)
		*octave = calloc(SUB, sizeof(**octave));
	return *octave ? &(*octave)[i % SUB] : NULL;
}

/* Values below SUB have a bucket each; above, the octave and the five bits under its top bit. */
static size_t bucket_of(u64 value)
{
	unsigned int octave;

	if (value < SUB)
		return (size_t)value;
	octave = 63 - (unsigned int)__builtin_clzll(value) - SUB_BITS;
	return (size_t)(octave + 1) * SUB + (size_t)(value >> octave & (SUB - 1));
}

static u64 bucket_middle(size_t i)
{
	unsigned int octave;

	if (i < SUB)
		return i;
	octave = (unsigned int)(i / SUB) - 1;
	return ((u64)(SUB + i % SUB) << octave) + ((1ULL << octave) >> 1);
}

/* What would not fit stays at the top: a sum that falls would read like a new beginning. */
static void add_to_sum(struct hist *hist, u64 value, u64 count)
{
	u64 added;

	if (__builtin_mul_overflow(value, count, &added) ||
	    __builtin_add_overflow(hist->sum, added, &hist->sum))
		hist->sum = ~0ULL;
}

void hist_add(struct hist *hist, u64 value, u64 count)
{
	u64 *into = count ? bucket_get(hist, bucket_of(value)) : NULL;

	if (!into)
		return;
	if (!hist->count || value < hist->min)
		hist->min = value;
	hist->max = MAX(hist->max, value);
	hist->count += count;
	add_to_sum(hist, value, count);
	*into += count;
}

void hist_merge(struct hist *into, const struct hist *from)
{
	for (size_t i = 0; i < BUCKETS; i++)
		if (bucket(from, i) && !bucket_get(into, i))
			return;
	if (!from->count)
		return;
	into->min = into->count ? MIN(into->min, from->min) : from->min;
	into->max = MAX(into->max, from->max);
	into->count += from->count;
	add_to_sum(into, from->sum, 1);
	for (size_t i = 0; i < BUCKETS; i++)
		if (bucket(from, i))
			*bucket_get(into, i) += bucket(from, i);
}

void hist_clear(struct hist *hist)
{
	hist->count = hist->min = hist->max = hist->sum = 0;
	for (size_t i = 0; i < OCTAVES; i++)
		if (hist->octave[i])
			memset(hist->octave[i], 0, SUB * sizeof(*hist->octave[i]));
}

u64 hist_count(const struct hist *hist)
{
	return hist->count;
}

u64 hist_max(const struct hist *hist)
{
	return hist->max;
}

u64 hist_sum(const struct hist *hist)
{
	return hist->sum;
}

u64 hist_count_at_most(const struct hist *hist, u64 value)
{
	u64 n = 0;

	if (value >= hist->max)
		return hist->count;
	for (size_t i = 0; i < BUCKETS && bucket_middle(i) <= value; i++)
		n += bucket(hist, i);
	return n;
}

u64 hist_quantile(const struct hist *hist, double q)
{
	u64 rank, seen = 0;
	size_t i = 0;

	if (!hist->count)
		return 0;
	rank = (u64)ceil(MIN(MAX(q, 0.0), 1.0) * (double)hist->count);
	rank = MIN(MAX(rank, 1), hist->count);
	while (i < BUCKETS - 1 && (seen += bucket(hist, i)) < rank)
		i++;
	return MIN(MAX(bucket_middle(i), hist->min), hist->max);
}
