/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/machine.h"

#include "base/macros.h"
#include "proc/span.h"

static const struct {
	const char *prefix, *suffix, *engine;
} kinds[] = {
	{ "lxc.payload.", "", "lxc" },
	{ "systemd-nspawn@", ".service", "systemd-nspawn" },
	{ "machine-", ".scope", "systemd-nspawn" },
};

/* libvirt has machined know its own by names of this kind: machine-qemu\x2d1\x2dvm.scope. */
static const char *const others[] = { "qemu\\x2d", "lxc\\x2d" };

static bool is_plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '.' || c == '_' || c == '-';
}

/* systemd writes a "-" of the name as "\x2d": in a unit's name that separates. */
static bool take_name(struct span from, char ret[static MACHINE_NAME_CHARS + 1])
{
	char name[MACHINE_NAME_CHARS + 1];
	size_t n = 0;

	while (from.len) {
		char c = '-';

		if (!span_skip(&from, "\\x2d")) {
			c = *from.at++;
			from.len--;
		}
		if (n == MACHINE_NAME_CHARS || !is_plain(c))
			return false;
		name[n++] = c;
	}
	name[n] = '\0';
	if (n)
		memcpy(ret, name, n + 1);
	return n > 0;
}

static bool is_other(struct span name)
{
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		if (span_skip(&name, others[i]))
			return true;
	}
	return false;
}

static const char *engine_of(struct span group, char ret[static MACHINE_NAME_CHARS + 1])
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct span name = group;

		if (!span_skip(&name, kinds[i].prefix) || !span_ends_with(name, kinds[i].suffix))
			continue;
		name.len -= strlen(kinds[i].suffix);
		return !is_other(name) && take_name(name, ret) ? kinds[i].engine : NULL;
	}
	return NULL;
}

const char *machine_from_path(const char *path, size_t len, char ret[static MACHINE_NAME_CHARS + 1])
{
	struct span rest = { path, len }, group;
	const char *engine = NULL;
	bool below_lxc = false;

	ret[0] = '\0';
	(void)span_take(&rest, '/'); /* what is before the root */
	for (size_t depth = 0; rest.len; depth++) {
		const char *found;

		group = span_take(&rest, '/');
		found = below_lxc && take_name(group, ret) ? "lxc" : engine_of(group, ret);
		engine = found ? found : engine;
		below_lxc = depth == 0 && span_is(group, "lxc");
	}
	return engine;
}
