/* SPDX-License-Identifier: BSD-2-Clause */
/* The texts of /proc/PID/cgroup, mountinfo and cpu.stat, one after the other with a NUL between:
 * whoever may make groups chooses their names. */
#include "fuzz.h"
#include "proc/cgroup.h"
#include "proc/container.h"

/* The next of the texts in it; the last one is empty. */
static const char *take_text(const char **rest)
{
	const char *text = *rest;

	*rest += strlen(text) + (**rest ? 1 : 0);
	return text;
}

static void check_folder(const struct cgroup_mount *mount, const struct cgroup *group)
{
	static char folder[CGROUP_PATH_BYTES];
	size_t point_len = 0, len = cgroup_folder(mount, group, folder, &point_len);

	if (!len)
		return;
	FUZZ_CHECK(strnlen(folder, sizeof(folder)) == len && point_len <= len);
	FUZZ_CHECK(!memcmp(folder, mount->point, point_len));
	FUZZ_CHECK(!strstr(folder + point_len, "/../"));
}

/* They go out as labels. */
static void check_plain(const char *text, size_t room)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_.";
	size_t len = strnlen(text, room);

	FUZZ_CHECK(len < room && strspn(text, plain) == len);
}

static void check_container(const char *text)
{
	struct container c;
	bool is;

	memset(&c, 'x', sizeof(c));
	is = container_from_cgroup(text, &c);
	FUZZ_CHECK(is == (c.id[0] != '\0'));
	check_plain(c.id, sizeof(c.id));
	check_plain(c.engine, sizeof(c.engine));
	check_plain(c.pod.uid, sizeof(c.pod.uid));
	FUZZ_CHECK(c.pod.qos && strlen(c.pod.qos) < sizeof("Guaranteed"));
	FUZZ_CHECK(c.pod.uid[0] ? c.kubernetes : !c.pod.qos[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cgroup_mount mount;
	static struct cgroup group;
	struct cgroup_throttled throttled;
	char *text = calloc(1, size + 4); /* three NULs at least */
	const char *rest = text;

	if (!text)
		return 0;
	memcpy(text, data, size);
	check_container(text);
	memset(&group, 'x', sizeof(group)); /* so that a missing NUL is read past */
	memset(&mount, 'x', sizeof(mount));
	if (cgroup_of_process(take_text(&rest), &group)) {
		FUZZ_CHECK(group.path[0] == '/');
		if (cgroup_find_mount(take_text(&rest), &group, &mount))
			check_folder(&mount, &group);
	}
	(void)cgroup_throttled_parse(take_text(&rest), &throttled);
	free(text);
	return 0;
}
