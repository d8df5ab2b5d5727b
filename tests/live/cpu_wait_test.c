/* SPDX-License-Identifier: BSD-2-Clause */
/* CPU throttling and run-queue delay, over texts of real systems and made-up folders. Needs no
 * privilege. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "base/macros.h"
#include "proc/runqueue.h"
#include "proc/throttling.h"

static void groups(void **state)
{
	static const struct {
		const char *name, *text, *path;
		enum cgroup_version version; /* 0: none */
	} rows[] = {
		{ "v2 alone", "0::/system.slice/shop.service\n", "/system.slice/shop.service",
		  CGROUP_V2 },
		{ "v1 alone, two controllers on one hierarchy",
		  "12:pids:/x\n4:cpu,cpuacct:/docker/0123\n1:name=systemd:/y\n", "/docker/0123",
		  CGROUP_V1 },
		{ "v1 alone, the other order", "3:cpuacct,cpu:/a\n", "/a", CGROUP_V1 },
		{ "hybrid: the cpu controller is v1's",
		  "9:name=systemd:/\n3:cpuset:/no\n2:cpuacct:/no\n1:cpu:/kubepods/pod1\n0::/no\n",
		  "/kubepods/pod1", CGROUP_V1 },
		{ "hybrid: all controllers but systemd's name are v2's",
		  "1:name=systemd:/no\n0::/a/b\n", "/a/b", CGROUP_V2 },
		{ "the root", "0::/\n", "/", CGROUP_V2 },
		{ "a colon in a group's name", "0::/a:b:c\n", "/a:b:c", CGROUP_V2 },
		{ "no newline at the end", "0::/a", "/a", CGROUP_V2 },
		{ "names of controllers that begin alike", "3:cpuset,cpuacct:/a\n", "", 0 },
		{ "above the reader's namespace", "0::/../../host\n", "", 0 },
		{ "dots that go nowhere", "0::/a/..b/.../c\n", "/a/..b/.../c", CGROUP_V2 },
		{ "not a path", "0::a\n", "", 0 },
		{ "a kernel without cgroups", "", "", 0 },
		{ "a cut line", "4:cpu", "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cgroup got = { 0 };
		bool has = cgroup_of_process(rows[i].text, &got);

		if (has != (rows[i].version != 0) ||
		    (has && (got.version != rows[i].version || strcmp(got.path, rows[i].path))))
			fail_msg("%s: got %d, v%d, %s", rows[i].name, has, got.version, got.path);
	}
}

static void long_group(void **state)
{
	char text[CGROUP_PATH_BYTES + 64];
	struct cgroup group;
	size_t len;

	(void)state;
	for (len = CGROUP_PATH_BYTES - 3; len <= CGROUP_PATH_BYTES + 1; len++) {
		snprintf(text, sizeof(text), "0::/%0*d\n", (int)len - 1, 7);
		assert_int_equal(cgroup_of_process(text, &group), len < CGROUP_PATH_BYTES);
	}
}

/* Of Debian 12 (v2), of Debian 10 (v1), and of a machine with both. */
#define V2_MOUNTS                                                                                  \
	"24 30 0:22 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw\n"            \
	"34 24 0:29 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 "  \
	"rw,nsdelegate,memory_recursiveprot\n"
#define V1_MOUNTS                                                                                  \
	"31 24 0:27 / /sys/fs/cgroup ro,nosuid,nodev,noexec shared:9 - tmpfs tmpfs ro,mode=755\n"  \
	"33 31 0:29 / /sys/fs/cgroup/systemd rw shared:10 - cgroup cgroup "                        \
	"rw,xattr,name=systemd\n"                                                                  \
	"36 31 0:32 / /sys/fs/cgroup/cpuset rw shared:15 - cgroup cgroup rw,cpuset\n"              \
	"38 31 0:34 / /sys/fs/cgroup/cpu,cpuacct rw shared:17 - cgroup cgroup rw,cpu,cpuacct\n"
#define HYBRID_MOUNTS                                                                              \
	"31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"                      \
	"33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct\n"             \
	"32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"                     \
	"41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"

static void folders(void **state)
{
	static const struct {
		const char *name, *mounts;
		struct cgroup group;
		const char *folder, *point; /* NULL: there is no mount */
	} rows[] = {
		{ "v2", V2_MOUNTS, { CGROUP_V2, "/a/b" }, "/sys/fs/cgroup/a/b", "/sys/fs/cgroup" },
		{ "v2, the root",
		  V2_MOUNTS,
		  { CGROUP_V2, "/" },
		  "/sys/fs/cgroup",
		  "/sys/fs/cgroup" },
		{ "v1",
		  V1_MOUNTS,
		  { CGROUP_V1, "/docker/1" },
		  "/sys/fs/cgroup/cpu,cpuacct/docker/1",
		  "/sys/fs/cgroup/cpu,cpuacct" },
		{ "hybrid",
		  HYBRID_MOUNTS,
		  { CGROUP_V1, "/p" },
		  "/sys/fs/cgroup/cpu/p",
		  "/sys/fs/cgroup/cpu" },
		{ "hybrid, v2",
		  HYBRID_MOUNTS,
		  { CGROUP_V2, "/p" },
		  "/sys/fs/cgroup/unified/p",
		  "/sys/fs/cgroup/unified" },
		{ "no such hierarchy", V2_MOUNTS, { CGROUP_V1, "/a" }, NULL, NULL },
		{ "elsewhere, with a space in its name",
		  "50 1 0:29 / /mnt/my\\040groups rw - cgroup2 none rw\n",
		  { CGROUP_V2, "/a" },
		  "/mnt/my groups/a",
		  "/mnt/my groups" },
		{ "a part of the hierarchy, as in a container",
		  "50 1 0:29 /docker/1 /sys/fs/cgroup ro - cgroup2 none rw\n",
		  { CGROUP_V2, "/docker/1/inner" },
		  "/sys/fs/cgroup/inner",
		  "/sys/fs/cgroup" },
		{ "that part itself",
		  "50 1 0:29 /docker/1 /sys/fs/cgroup ro - cgroup2 none rw\n",
		  { CGROUP_V2, "/docker/1" },
		  "/sys/fs/cgroup",
		  "/sys/fs/cgroup" },
		{ "another part",
		  "50 1 0:29 /docker/1 /sys/fs/cgroup ro - cgroup2 none rw\n",
		  { CGROUP_V2, "/docker/12" },
		  NULL,
		  NULL },
		{ "of two mounts the one that shows more",
		  "50 1 0:29 /docker /mnt/part ro - cgroup2 none rw\n"
		  "51 1 0:29 / /mnt/all rw shared:1 master:2 - cgroup2 none rw\n"
		  "52 1 0:29 /docker/1 /mnt/less ro - cgroup2 none rw\n",
		  { CGROUP_V2, "/docker/1" },
		  "/mnt/all/docker/1",
		  "/mnt/all" },
		{ "lines that are none",
		  "\n- - - -\n50 1 0:29\n50 1 0:29 / /x rw - cgroup2",
		  { CGROUP_V2, "/a" },
		  "/x/a",
		  "/x" },
		{ "a backslash that begins no escape",
		  "50 1 0:29 / /x\\9\\04 rw - cgroup2 none rw\n",
		  { CGROUP_V2, "/a" },
		  "/x\\9\\04/a",
		  "/x\\9\\04" },
		{ "no text", "", { CGROUP_V2, "/a" }, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char folder[CGROUP_PATH_BYTES] = "";
		struct cgroup_mount mount;
		size_t point_len = 0, len = 0;

		if (cgroup_find_mount(rows[i].mounts, &rows[i].group, &mount))
			len = cgroup_folder(&mount, &rows[i].group, folder, &point_len);
		if ((len > 0) != (rows[i].folder != NULL) || len != strlen(folder) ||
		    (len && (strcmp(folder, rows[i].folder) || point_len != strlen(rows[i].point))))
			fail_msg("%s: got \"%s\", %zu", rows[i].name, folder, point_len);
	}
}

static void stats(void **state)
{
	static const struct {
		const char *name, *text;
		bool has;
		u64 ns, periods;
	} rows[] = {
		{ "v1, Linux 6.18",
		  "nr_periods 16\nnr_throttled 15\nthrottled_time 1202265073\nnr_bursts 0\n"
		  "burst_time 0\n",
		  true, 1202265073, 15 },
		{ "v1, Linux 4.19", "nr_periods 3\nnr_throttled 2\nthrottled_time 77\n", true, 77,
		  2 },
		{ "v2, Linux 6.1",
		  "usage_usec 20563\nuser_usec 14066\nsystem_usec 6497\nnr_periods 9\n"
		  "nr_throttled 7\nthrottled_usec 123456\nnr_bursts 0\nburst_usec 0\n",
		  true, 123456000, 7 },
		{ "v2 without the controller",
		  "usage_usec 9105854703\nuser_usec 7100772952\nsystem_usec 2005081750\n", false, 0,
		  0 },
		{ "without a time", "nr_throttled 7\n", false, 0, 0 },
		{ "without its newline", "nr_throttled 7\nthrottled_usec 5", true, 5000, 7 },
		{ "no figures", "nr_throttled x\nthrottled_usec\n", false, 0, 0 },
		{ "empty", "", false, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cgroup_throttled got = { 0 };
		bool has = cgroup_throttled_parse(rows[i].text, &got);

		if (has != rows[i].has || got.ns != rows[i].ns || got.periods != rows[i].periods)
			fail_msg("%s: %d, %llu ns, %llu", rows[i].name, has, got.ns, got.periods);
	}
}

/* A made-up /proc and hierarchy in a folder of its own. */
struct tree {
	char root[64];
	struct throttling throttling;
};

static void put(const struct tree *tree, const char *path, const char *text)
{
	char full[256];
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s", tree->root, path);
	f = fopen(full, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void make_dir(const struct tree *tree, const char *path)
{
	char full[256];

	snprintf(full, sizeof(full), "%s/%s", tree->root, path);
	assert_int_equal(mkdir(full, 0700), 0);
}

static void put_stat(const struct tree *tree, const char *group, u64 usec, u64 periods)
{
	char path[128], text[128];

	snprintf(path, sizeof(path), "cg/%s/cpu.stat", group);
	snprintf(text, sizeof(text), "usage_usec 1\nnr_throttled %llu\nthrottled_usec %llu\n",
		 periods, usec);
	put(tree, path, text);
}

static int make_tree(void **state)
{
	static const char *const dirs[] = { "7",       "7/task",      "self",	    "cg",
					    "cg/pods", "cg/pods/one", "cg/pods/two" };
	struct tree *tree = calloc(1, sizeof(*tree));
	char text[256];

	assert_non_null(tree);
	snprintf(tree->root, sizeof(tree->root), "/tmp/cpu_wait_test.XXXXXX");
	assert_non_null(mkdtemp(tree->root));
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		make_dir(tree, dirs[i]);
	snprintf(text, sizeof(text), "34 24 0:29 / %s/cg rw - cgroup2 cgroup2 rw\n", tree->root);
	put(tree, "self/mountinfo", text);
	put(tree, "7/cgroup", "0::/pods/one\n");
	put(tree, "cg/cpu.stat", "usage_usec 5\n");
	put_stat(tree, "pods", 5000, 50);
	put_stat(tree, "pods/one", 100, 1);
	put_stat(tree, "pods/two", 700, 7);
	tree->throttling.proc_root = tree->root;
	*state = tree;
	return 0;
}

static int remove_tree(void **state)
{
	struct tree *tree = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -r '%s'", tree->root);
	assert_int_equal(system(command), 0);
	free(tree);
	return 0;
}

static void totals(struct tree *tree, u64 usec, u64 periods)
{
	assert_int_equal(tree->throttling.total.ns, usec * 1000);
	assert_int_equal(tree->throttling.total.periods, periods);
}

static void throttling_of_levels(void **state)
{
	struct tree *tree = *state;
	struct throttling *t = &tree->throttling;

	assert_int_equal(throttling_read(t, 7, NULL), 0);
	totals(tree, 0, 0); /* what was before is not ours */
	assert_int_equal(t->levels, 2);
	put_stat(tree, "pods/one", 400, 3);
	put_stat(tree, "pods", 5100, 51);
	assert_int_equal(throttling_read(t, 7, NULL), 0);
	totals(tree, 300, 2);
	/* A quota of the parent's holds the child up too. */
	put_stat(tree, "pods", 6100, 55);
	assert_int_equal(throttling_read(t, 7, NULL), 0);
	totals(tree, 1300, 6);
	assert_int_equal(throttling_read(t, 7, NULL), 0);
	totals(tree, 1300, 6);
	/* Counters that fell: a group made anew under the same name. */
	put_stat(tree, "pods", 10, 1);
	assert_int_equal(throttling_read(t, 7, NULL), 0);
	totals(tree, 1300, 6);
	put_stat(tree, "pods", 30, 3);
	assert_int_equal(throttling_read(t, 7, NULL), 0);
	totals(tree, 1320, 8);
}

static void throttling_of_a_mover(void **state)
{
	struct tree *tree = *state;
	struct throttling *t = &tree->throttling;

	assert_int_equal(throttling_read(t, 7, NULL), 0);
	put(tree, "7/cgroup", "0::/pods/two\n");
	assert_int_equal(throttling_read(t, 7, NULL), -EAGAIN);
	put_stat(tree, "pods/two", 800, 8);
	assert_int_equal(throttling_read(t, 7, NULL), 0);
	totals(tree, 100, 1);
	/* Gone, and another mount's, and back. */
	put(tree, "7/cgroup", "0::/pods/three\n");
	assert_int_equal(throttling_read(t, 7, NULL), -ENOENT);
	put(tree, "7/cgroup", "3:cpu:/pods/two\n");
	assert_int_equal(throttling_read(t, 7, NULL), -ENOENT);
	put(tree, "7/cgroup", "0::/pods/two\n");
	assert_int_equal(throttling_read(t, 7, NULL), 0);
	totals(tree, 100, 1);
	assert_int_equal(throttling_read(t, 8, NULL), -ENOENT);
	assert_int_equal(throttling_read(t, 7, NULL), -EAGAIN);
}

static void throttling_without_quotas(void **state)
{
	struct tree *tree = *state;

	put(tree, "7/cgroup", "0::/\n");
	assert_int_equal(throttling_read(&tree->throttling, 7, NULL), 0);
	assert_int_equal(throttling_read(&tree->throttling, 7, NULL), 0);
	assert_int_equal(tree->throttling.levels, 0);
	totals(tree, 0, 0);
}

static void schedstat_texts(void **state)
{
	u64 ns = 5;

	(void)state;
	assert_true(runqueue_parse("39230139 17469314 163\n", &ns));
	assert_int_equal(ns, 17469314);
	assert_true(runqueue_parse("0 0 1\n", &ns));
	assert_int_equal(ns, 0);
	assert_false(runqueue_parse("0 0 0\n", &ns));
	assert_false(runqueue_parse("1 2\n", &ns));
	assert_false(runqueue_parse("", &ns));
}

static void put_thread(const struct tree *tree, int tid, u64 waited_ns)
{
	char path[64], text[64];

	snprintf(path, sizeof(path), "7/task/%d/schedstat", tid);
	snprintf(text, sizeof(text), "1000 %llu 10\n", waited_ns);
	put(tree, path, text);
}

static void add_thread(const struct tree *tree, int tid, u64 waited_ns)
{
	char path[64];

	snprintf(path, sizeof(path), "7/task/%d", tid);
	make_dir(tree, path);
	put_thread(tree, tid, waited_ns);
}

static void end_thread(const struct tree *tree, int tid)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/7/task/%d/schedstat", tree->root, tid);
	assert_int_equal(unlink(path), 0);
	*strrchr(path, '/') = '\0';
	assert_int_equal(rmdir(path), 0);
}

static void threads_come_and_go(void **state)
{
	CLEANUP(freep) struct runqueue *rq = calloc(1, sizeof(*rq));
	struct tree *tree = *state;

	assert_non_null(rq);
	rq->proc_root = tree->root;
	add_thread(tree, 7, 1000);
	add_thread(tree, 12, 2000);
	assert_int_equal(runqueue_read(rq, 7, NULL), 0);
	assert_int_equal(rq->total_ns, 0); /* what was before is not ours */
	put_thread(tree, 12, 2300);
	assert_int_equal(runqueue_read(rq, 7, NULL), 0);
	assert_int_equal(rq->total_ns, 300);
	add_thread(tree, 9, 40); /* new: all of it came since */
	put_thread(tree, 7, 1001);
	assert_int_equal(runqueue_read(rq, 7, NULL), 0);
	assert_int_equal(rq->total_ns, 341);
	assert_int_equal(rq->longest_ns, 300 + 40);
	end_thread(tree, 12); /* takes its count away */
	assert_int_equal(runqueue_read(rq, 7, NULL), 0);
	assert_int_equal(rq->total_ns, 341);
	put_thread(tree, 9, 10); /* another thread by now */
	add_thread(tree, 12, 5);
	assert_int_equal(runqueue_read(rq, 7, NULL), 0);
	assert_int_equal(rq->total_ns, 356);
	assert_int_equal(rq->threads, 3);
	/* After a reading that failed the next one is the first. */
	assert_int_equal(runqueue_read(rq, 8, NULL), -ENOENT);
	put_thread(tree, 12, 500);
	assert_int_equal(runqueue_read(rq, 7, NULL), 0);
	assert_int_equal(rq->total_ns, 356);
}

static void kernels_that_do_not_count(void **state)
{
	CLEANUP(freep) struct runqueue *rq = calloc(1, sizeof(*rq));
	struct tree *tree = *state;

	assert_non_null(rq);
	rq->proc_root = tree->root;
	make_dir(tree, "7/task/7");
	assert_int_equal(runqueue_read(rq, 7, NULL), -ENODATA);
	put(tree, "7/task/7/schedstat", "0 0 0\n");
	assert_int_equal(runqueue_read(rq, 7, NULL), -ENODATA);
}

static void too_many_threads(void **state)
{
	CLEANUP(freep) struct runqueue *rq = calloc(1, sizeof(*rq));
	struct tree *tree = *state;

	assert_non_null(rq);
	rq->proc_root = tree->root;
	for (int tid = 1; tid <= RUNQUEUE_THREADS; tid++)
		add_thread(tree, tid, 10);
	assert_int_equal(runqueue_read(rq, 7, NULL), 0);
	add_thread(tree, RUNQUEUE_THREADS + 1, 10);
	assert_int_equal(runqueue_read(rq, 7, NULL), -E2BIG);
	end_thread(tree, 1);
	assert_int_equal(runqueue_read(rq, 7, NULL), 0);
	assert_int_equal(rq->total_ns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups),
		cmocka_unit_test(long_group),
		cmocka_unit_test(folders),
		cmocka_unit_test(stats),
		cmocka_unit_test_setup_teardown(throttling_of_levels, make_tree, remove_tree),
		cmocka_unit_test_setup_teardown(throttling_of_a_mover, make_tree, remove_tree),
		cmocka_unit_test_setup_teardown(throttling_without_quotas, make_tree, remove_tree),
		cmocka_unit_test(schedstat_texts),
		cmocka_unit_test_setup_teardown(threads_come_and_go, make_tree, remove_tree),
		cmocka_unit_test_setup_teardown(kernels_that_do_not_count, make_tree, remove_tree),
		cmocka_unit_test_setup_teardown(too_many_threads, make_tree, remove_tree),
	};

	return cmocka_run_group_tests_name("waiting for a CPU", tests, NULL, NULL);
}
