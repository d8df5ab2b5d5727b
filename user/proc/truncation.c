/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/truncation.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * Where a mapping starts, in units of 4 KiB, and its length less one: one word, so that a handler
 * sees all of it or nothing. User space ends at 2^56 at most. 0: free.
 */
enum { UNIT_BITS = 12, LENGTH_BITS = 20 };

static _Atomic(u64) watched[TRUNCATION_MAX];

static u64 pack(struct bytes mapping)
{
	return (u64)(uintptr_t)mapping.data >> UNIT_BITS << LENGTH_BITS |
	       (mapping.size - 1) >> UNIT_BITS;
}

static bool is_watched(u64 addr)
{
	u64 unit = addr >> UNIT_BITS;

	for (size_t i = 0; i < TRUNCATION_MAX; i++) {
		u64 word = atomic_load(&watched[i]);
		u64 first = word >> LENGTH_BITS, last = word & ((1u << LENGTH_BITS) - 1);

		if (word && unit >= first && unit - first <= last)
			return true;
	}
	return false;
}

/* Async-signal-safe. The access is repeated after it. */
static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	u8 *start = (u8 *)info->si_addr - (uintptr_t)info->si_addr % page;
	int saved_errno = errno;

	(void)context;
	if (info->si_code != BUS_ADRERR || !is_watched((uintptr_t)start) ||
	    mmap(start, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
		    MAP_FAILED) {
		signal(sig, SIG_DFL);
		raise(sig);
	}
	errno = saved_errno;
}

int truncation_survive(void)
{
	struct sigaction action = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };

	sigemptyset(&action.sa_mask);
	return sigaction(SIGBUS, &action, NULL) ? -errno : 0;
}

int truncation_watch(struct bytes mapping)
{
	for (size_t i = 0; i < TRUNCATION_MAX; i++) {
		u64 none = 0;

		if (atomic_compare_exchange_strong(&watched[i], &none, pack(mapping)))
			return 0;
	}
	return -ENFILE;
}

void truncation_forget(struct bytes mapping)
{
	for (size_t i = 0; i < TRUNCATION_MAX; i++) {
		u64 word = pack(mapping);

		if (atomic_compare_exchange_strong(&watched[i], &word, 0))
			return;
	}
}
