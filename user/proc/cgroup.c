/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/cgroup.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "proc/span.h"

/* Whether a list with commas has the word. */
static bool lists(struct span list, const char *word)
{
	while (list.len) {
		if (span_is(span_take(&list, ','), word))
			return true;
	}
	return false;
}

static bool goes_up(struct span path)
{
	while (path.len) {
		if (span_is(span_take(&path, '/'), ".."))
			return true;
	}
	return false;
}

static bool keep_path(struct span path, char ret[static CGROUP_PATH_BYTES])
{
	if (!path.len || path.at[0] != '/' || path.len >= CGROUP_PATH_BYTES || goes_up(path))
		return false;
	memcpy(ret, path.at, path.len);
	ret[path.len] = '\0';
	return true;
}

bool cgroup_of_process(const char *text, struct cgroup *ret)
{
	struct span rest = { text, strlen(text) }, found = { NULL, 0 };

	while (rest.len) {
		struct span line = span_take(&rest, '\n');
		struct span id = span_take(&line, ':'), controllers = span_take(&line, ':');

		if (lists(controllers, "cpu")) {
			ret->version = CGROUP_V1;
			return keep_path(line, ret->path);
		}
		if (span_is(id, "0") && !controllers.len)
			found = line;
	}
	ret->version = CGROUP_V2;
	return found.at && keep_path(found, ret->path);
}

static bool is_octal(const char *digits)
{
	return digits[0] >= '0' && digits[0] <= '3' && digits[1] >= '0' && digits[1] <= '7' &&
	       digits[2] >= '0' && digits[2] <= '7';
}

/* Space, tab, newline and backslash come as three octal digits (fs/proc_namespace.c: mangle()). */
static bool unescape(struct span part, char ret[static CGROUP_PATH_BYTES])
{
	size_t n = 0;

	for (size_t i = 0; i < part.len; i++) {
		const char *c = part.at + i;

		if (n == CGROUP_PATH_BYTES - 1)
			return false;
		if (*c == '\\' && part.len - i > 3 && is_octal(c + 1)) {
			ret[n++] = (char)((c[1] - '0') << 6 | (c[2] - '0') << 3 | (c[3] - '0'));
			i += 3;
		} else {
			ret[n++] = *c;
		}
	}
	ret[n] = '\0';
	return true;
}

/* 36 35 98:0 /root /point rw,noatime master:1 - cgroup2 source rw,nsdelegate */
static bool parse_mount(struct span line, enum cgroup_version version, struct cgroup_mount *ret)
{
	struct span root, point, type;

	for (int i = 0; i < 3; i++) /* id, parent's id, device */
		(void)span_take(&line, ' ');
	root = span_take(&line, ' ');
	point = span_take(&line, ' ');
	while (line.len &&
	       !span_is(span_take(&line, ' '), "-")) /* options, and any number of tags */
		;
	type = span_take(&line, ' ');
	(void)span_take(&line, ' '); /* source */
	if (version == CGROUP_V2 ? !span_is(type, "cgroup2")
				 : !span_is(type, "cgroup") || !lists(line, "cpu"))
		return false;
	return unescape(root, ret->root) && unescape(point, ret->point) && ret->point[0] == '/';
}

/* What of the group's path comes below the mount's root; NULL: it is not below. */
static const char *below(const struct cgroup_mount *mount, const struct cgroup *group)
{
	size_t len = strcmp(mount->root, "/") ? strlen(mount->root) : 0;

	if (strncmp(group->path, mount->root, len) != 0 ||
	    (group->path[len] != '/' && group->path[len] != '\0'))
		return NULL;
	return strcmp(group->path + len, "/") ? group->path + len : "";
}

bool cgroup_find_mount(const char *text, const struct cgroup *group, struct cgroup_mount *ret)
{
	struct span rest = { text, strlen(text) };
	struct cgroup_mount mount;
	bool found = false;

	while (rest.len) {
		if (!parse_mount(span_take(&rest, '\n'), group->version, &mount) ||
		    !below(&mount, group))
			continue;
		if (!found || strlen(mount.root) < strlen(ret->root))
			*ret = mount;
		found = true;
	}
	return found;
}

size_t cgroup_folder(const struct cgroup_mount *mount, const struct cgroup *group,
		     char ret[static CGROUP_PATH_BYTES], size_t *ret_point_len)
{
	const char *rest = below(mount, group);
	size_t point_len = strlen(mount->point), rest_len = rest ? strlen(rest) : 0;

	if (!rest || point_len + rest_len >= CGROUP_PATH_BYTES)
		return 0;
	memcpy(ret, mount->point, point_len);
	memcpy(ret + point_len, rest, rest_len + 1);
	*ret_point_len = point_len;
	return point_len + rest_len;
}

bool cgroup_throttled_parse(const char *text, struct cgroup_throttled *ret)
{
	struct cgroup_throttled found = { 0 };
	bool has_periods = false, has_time = false;
	struct span rest = { text, strlen(text) };

	while (rest.len) {
		struct span line = span_take(&rest, '\n');
		struct span key = span_take(&line, ' ');
		char digits[24];
		u64 value;

		snprintf(digits, sizeof(digits), "%.*s", (int)MIN(line.len, sizeof(digits) - 1),
			 line.at);
		if (sscanf(digits, "%llu", &value) != 1)
			continue;
		if (span_is(key, "nr_throttled")) {
			found.periods = value;
			has_periods = true;
		} else if (span_is(key, "throttled_time") || span_is(key, "throttled_usec")) {
			found.ns = span_is(key, "throttled_usec") ? value * 1000 : value;
			has_time = true;
		}
	}
	if (!has_periods || !has_time)
		return false;
	*ret = found;
	return true;
}
