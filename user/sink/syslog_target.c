/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/syslog_target.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "sink/address.h"

static const char default_path[] = "/dev/log";

int syslog_target_parse(const char *target, enum syslog_kind *ret, const char **ret_where,
			struct err *err)
{
	static const struct {
		const char *scheme;
		enum syslog_kind kind;
	} kinds[] = { { "unix:", SYSLOG_UNIX }, { "udp:", SYSLOG_UDP }, { "tcp:", SYSLOG_TCP } };

	if (!target || strcmp(target, "local") == 0) {
		*ret = SYSLOG_UNIX;
		*ret_where = default_path;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t len = strlen(kinds[i].scheme);

		if (strncmp(target, kinds[i].scheme, len) == 0) {
			*ret = kinds[i].kind;
			*ret_where = target + len;
			return 0;
		}
	}
	return err_set(err, -EINVAL,
		       "\"%s\" is not local, unix:PATH, udp:HOST:PORT or tcp:HOST:PORT", target);
}

int syslog_target_check(const char *target, struct err *err)
{
	enum syslog_kind kind;
	struct address address;
	const char *where;
	int rc = syslog_target_parse(target, &kind, &where, err);

	if (rc)
		return rc;
	return kind == SYSLOG_UNIX ? address_unix(&address, where, err)
				   : address_inet_check(where, err);
}
