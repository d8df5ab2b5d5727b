/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many times as much as in the calibration a hit costs in one target. Pure.
 *
 * The calibration hits one site again and again, so all that a hit touches is in the caches. A
 * server does much between two hits, and then the kernel's way to the probe comes from afar, and
 * the program too. The program can tell how long it took, the way to it can't; but both become
 * slower alike: of a function of our own, with 1 to 8 MB of memory walked through before each hit,
 * a hit took 1.8 to 2.4 times as long, and the program 1.7 to 2.1 times (virtual machine, 1 MB of
 * second-level cache for each CPU). A program that has more to do in one target than in another
 * looks like one that is slower, so a hit is taken to cost rather too much.
 */
#ifndef GOVERN_STRETCH_H
#define GOVERN_STRETCH_H

#include <gosonde/types.h>

/* Runs of a group's program that were timed, how long they took, and how many count as unseen;
 * older ones count less. Zeros: none yet. */
struct stretch {
	double runs, runs_ns, unseen;
};

/* A window's; any number of them. */
void stretch_add(struct stretch *s, u64 runs, u64 runs_ns);

/*
 * By how long a run took in the calibration of now (0: unknown). What a hit costs is then the
 * target's runs times what calibrated hits and runs are to each other, and that is the same while a
 * machine is fast and while it is slow: 4.3 to 4.5, of the target's hits as of the calibrated ones.
 * Before any run it is a server's.
 */
double stretch_of(const struct stretch *s, double calibrated_ns);

/* Standard error of what a hit is taken to cost, relative to it: of the part that was not
 * calibrated a fifth. Map writes of caddy took 0.49 of a CPU where 0.51 were told, goroutines 0.09
 * for 0.08. */
double stretch_error(double stretch);

#endif
