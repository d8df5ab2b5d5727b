/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DBSCAN (Ester, Kriegel, Sander, Xu 1996) on a line. A point is a core if at
 * least min_weight points lie within eps of it, itself included; cores within
 * eps of each other are one cluster; what is no core but within eps of one
 * belongs to its cluster, and everything else is noise.
 *
 * On a line a cluster is an interval: so once the points are sorted (O(n log n),
 * the caller's), one pass with two fingers counts neighbours, and cores of one
 * cluster follow each other: O(n), where the plane takes an index or O(n^2).
 *
 * Points may stand for many: a weight counts as so many points in one place.
 */
#ifndef MODEL_DBSCAN_H
#define MODEL_DBSCAN_H

#include <stddef.h>

#include <gosonde/types.h>

enum { DBSCAN_NOISE = 0 };

struct dbscan_point {
	double x;
	u64 weight;
	u32 cluster; /* set: DBSCAN_NOISE, or 1 … in the order of x */
};

/*
 * The points ascend in x. Of two clusters that a border point could belong to
 * (the algorithm leaves that open) it gets the one whose core is nearer; if both
 * are as near, the first. Returns how many clusters there are.
 */
u32 dbscan_line(struct dbscan_point *points, size_t n, double eps, u64 min_weight);

#endif
