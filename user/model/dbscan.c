/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/dbscan.h"

#include <stdbool.h>

/* The points within eps of one, as it moves on. */
struct neighbours {
	size_t from, to; /* [from, to) */
	u64 weight;
};

static void move_on(struct neighbours *near, const struct dbscan_point *points, size_t n, size_t i,
		    double eps)
{
	while (near->to < n && points[near->to].x - points[i].x <= eps)
		near->weight += points[near->to++].weight;
	while (points[i].x - points[near->from].x > eps)
		near->weight -= points[near->from++].weight;
}

/* Cores get the number of their cluster, all others are noise for now. */
static u32 number_cores(struct dbscan_point *points, size_t n, double eps, u64 min_weight)
{
	struct neighbours near = { 0 };
	const struct dbscan_point *last = NULL; /* core */
	u32 clusters = 0;

	for (size_t i = 0; i < n; i++) {
		move_on(&near, points, n, i, eps);
		points[i].cluster = DBSCAN_NOISE;
		if (near.weight < min_weight)
			continue;
		if (!last || points[i].x - last->x > eps)
			clusters++;
		points[i].cluster = clusters;
		last = &points[i];
	}
	return clusters;
}

/* A point between two cores, the last one before it and the first one behind; NULL: none. */
static u32 cluster_of_border(double x, const struct dbscan_point *before,
			     const struct dbscan_point *behind, double eps)
{
	bool left = before && x - before->x <= eps;
	bool right = behind && behind->x - x <= eps;

	if (left && right)
		left = x - before->x <= behind->x - x;
	if (left)
		return before->cluster;
	return right ? behind->cluster : DBSCAN_NOISE;
}

static void take_borders(struct dbscan_point *points, size_t n, double eps)
{
	const struct dbscan_point *before = NULL;
	size_t end;

	for (size_t i = 0; i < n; i = end) {
		for (end = i; end < n && points[end].cluster == DBSCAN_NOISE;)
			end++;
		for (size_t j = i; j < end; j++)
			points[j].cluster = cluster_of_border(points[j].x, before,
							      end < n ? &points[end] : NULL, eps);
		if (end < n)
			before = &points[end++];
	}
}

u32 dbscan_line(struct dbscan_point *points, size_t n, double eps, u64 min_weight)
{
	u32 clusters = number_cores(points, n, eps, min_weight);

	take_borders(points, n, eps);
	return clusters;
}
