/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>

#include <gosonde/types.h>

static bool is_used(enum privileges level, unsigned int capability)
{
	switch (capability) {
	case CAP_SYS_PTRACE:
	case CAP_DAC_READ_SEARCH:
	case CAP_CHECKPOINT_RESTORE:
		return true;
	case CAP_BPF:
	case CAP_PERFMON:
		return level >= PRIVILEGES_TRACE;
	case CAP_SYS_ADMIN:
		return level >= PRIVILEGES_ADMIN;
	default:
		return false;
	}
}

static int apply(struct err *err)
{
	int rc = capng_apply(CAPNG_SELECT_CAPS);

	return rc ? err_set(err, -EPERM, "can't set our capabilities (libcap-ng: %d)", rc) : 0;
}

static int read_own(struct err *err)
{
	return capng_get_caps_process() ? err_set(err, -EIO, "can't tell what capabilities we have")
					: 0;
}

int privileges_use(enum privileges level, struct err *err)
{
	int rc = read_own(err);

	if (rc)
		return rc;
	for (unsigned int c = 0; c <= CAP_LAST_CAP; c++) {
		bool use = is_used(level, c) && capng_have_capability(CAPNG_PERMITTED, c);

		capng_update(use ? CAPNG_ADD : CAPNG_DROP, CAPNG_EFFECTIVE, c);
	}
	return apply(err);
}

int privileges_give_up(struct err *err)
{
	u64 used = 0;
	int rc = read_own(err);

	if (rc)
		return rc;
	for (unsigned int c = 0; c <= CAP_LAST_CAP; c++)
		if (capng_have_capability(CAPNG_EFFECTIVE, c))
			used |= 1ULL << c;
	/* Those that only a newer kernel knows too; what is not inheritable is not ambient either.
	 */
	capng_clear(CAPNG_SELECT_CAPS);
	for (unsigned int c = 0; c <= CAP_LAST_CAP; c++)
		if (used >> c & 1)
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, c);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return err_set(err, -errno, "can't set no_new_privs: %s", strerror(errno));
	return apply(err);
}
