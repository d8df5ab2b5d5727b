/* SPDX-License-Identifier: BSD-2-Clause */
/* The scan of processes over a made-up /proc. Needs no privilege. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "base/macros.h"
#include "base/units.h"
#include "proc/file.h"
#include "proc/process.h"
#include "proc/scan.h"
#include "proc/truncation.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char root[] = "/tmp/gosonde-scan-XXXXXX";

static void put_file(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void put_link(const char *name, const char *to)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	assert_int_equal(symlink(to, path), 0);
}

static void put_dir(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	assert_int_equal(mkdir(path, 0755), 0);
}

/* Four digits of a name that tries to look like the fields after it. */
#define EVIL_STAT "77 (x) S 1 2 3) S 1 77 77 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 12345 99 100\n"

static int make_root(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(root));
	put_dir("self"); /* no number: not a process */
	put_dir("1x");
	put_dir("77");
	put_file("77/comm", "x) S 1 2 3\n");
	put_file("77/stat", EVIL_STAT);
	put_file("77/status", "Name:\tx\\nUid:\\t0\nUmask:\t0022\nUid:\t1000\t1001\t1000\t1000\n");
	put_file("77/cgroup", "0::/system.slice/docker-" ID ".scope\n");
	put_link("77/exe", "/proc/self/exe"); /* an ELF file, but not Go's */
	put_dir("78"); /* a kernel thread: its exe leads nowhere; no cgroups in this kernel */
	put_file("78/comm", "kworker/0:1\n");
	put_file("78/stat", "78 (kworker/0:1) I 2 0 0 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 0\n");
	put_file("78/status", "Name:\tkworker/0:1\nUid:\t0\t0\t0\t0\n");
	put_dir("79"); /* exited while it was looked at */
	put_file("79/comm", "gone\n");
	put_dir("80"); /* its exe is no regular file */
	put_file("80/comm", "odd\n");
	put_file("80/stat", "80 (odd) S 1 0 0 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 0\n");
	put_file("80/status", "Name:\todd\nUid:\t0\t0\t0\t0\n");
	put_link("80/exe", "/dev/null");
	return 0;
}

static int remove_root(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", root);
	return system(command);
}

static void a_made_up_proc(void **state)
{
	CLEANUP(scan_closep) struct scan *scan = NULL;
	struct scan_process p;
	struct err err = { "" };
	int seen = 0, rc;

	(void)state;
	assert_int_equal(scan_open(&scan, root, &err), 0);
	while ((rc = scan_next(scan, &p, &err)) > 0) {
		seen++;
		if (p.pid == 77) {
			u64 ticks_per_s = (u64)sysconf(_SC_CLK_TCK);

			assert_string_equal(p.comm, "x) S 1 2 3");
			assert_int_equal(p.uid, 1001);
			assert_true(p.start_ns == 12345 * NS_PER_S / ticks_per_s);
			assert_string_equal(p.container.id, ID);
			assert_string_equal(p.exe, "/proc/self/exe");
			assert_int_equal(p.kind, SCAN_OTHER);
		} else if (p.pid == 78) {
			assert_int_equal(p.kind, SCAN_NO_EXE);
			assert_string_equal(p.container.id, "");
		} else {
			assert_int_equal(p.pid, 80);
			assert_int_equal(p.kind, SCAN_UNREADABLE);
			assert_int_equal(p.rc, -EINVAL);
			assert_non_null(strstr(p.why.text, "not a regular file"));
		}
	}
	assert_int_equal(rc, 0);
	assert_int_equal(seen, 3);
}

static void the_real_proc_holds_this_test(void **state)
{
	CLEANUP(scan_closep) struct scan *scan = NULL;
	struct scan_process p;
	struct err err = { "" };
	char exe[PATH_MAX] = "";
	bool seen = false;
	int rc;

	(void)state;
	assert_true(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	assert_int_equal(scan_open(&scan, "/proc", &err), 0);
	while ((rc = scan_next(scan, &p, &err)) > 0) {
		if (p.pid != getpid())
			continue;
		seen = true;
		assert_string_equal(p.exe, exe);
		assert_int_equal(p.kind, SCAN_OTHER);
		assert_int_equal(p.uid, geteuid());
	}
	if (rc < 0)
		fail_msg("%s", err.text);
	assert_true(seen);
}

static void a_root_that_is_not_there(void **state)
{
	struct scan *scan = NULL;
	struct err err = { "" };

	(void)state;
	assert_int_equal(scan_open(&scan, "/nonexistent", &err), -ENOENT);
	assert_null(scan);
	assert_non_null(strstr(err.text, "/nonexistent"));
}

static void only_whole_regular_files_are_mapped(void **state)
{
	struct proc_file file = { 0 };
	char path[64];
	struct err err;

	(void)state;
	assert_int_equal(proc_file_open("/dev/zero", &file, &err), -EINVAL);
	assert_int_equal(proc_file_open("/tmp", &file, &err), -EINVAL);
	assert_int_equal(proc_file_open("/nonexistent", &file, &err), -ENOENT);
	snprintf(path, sizeof(path), "%s/fifo", root);
	assert_int_equal(mkfifo(path, 0600), 0);
	alarm(5); /* an open that waits for a writer would end the test */
	assert_int_equal(proc_file_open(path, &file, &err), -EINVAL);
	alarm(0);
	put_file("empty", "");
	snprintf(path, sizeof(path), "%s/empty", root);
	assert_int_equal(proc_file_open(path, &file, &err), -ENODATA);
	assert_int_equal(truncate(path, (off_t)PROC_FILE_MAX_BYTES + 1), 0);
	assert_int_equal(proc_file_open(path, &file, &err), -EFBIG);
	assert_null(file.bytes.data);

	put_file("whole", "0123456789");
	snprintf(path, sizeof(path), "%s/whole", root);
	assert_int_equal(proc_file_open(path, &file, &err), 0);
	assert_int_equal(file.bytes.size, 10);
	assert_memory_equal(file.bytes.data, "0123456789", 10);
	assert_true(file.ino != 0);
	proc_file_close(&file);
	proc_file_close(&file); /* once more is fine */
}

/* Three pages of 'x', of which two are cut off. */
static void map_and_cut(struct proc_file *ret)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	char path[64], *text = calloc(1, 3 * page_bytes + 1);
	struct err err;

	assert_non_null(text);
	memset(text, 'x', 3 * page_bytes);
	put_file("cut", text);
	free(text);
	snprintf(path, sizeof(path), "%s/cut", root);
	assert_int_equal(proc_file_open(path, ret, &err), 0);
	assert_int_equal(truncate(path, (off_t)page_bytes), 0);
}

static void what_a_file_is_cut_short_of_reads_as_zeros(void **state)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	struct proc_file file;

	(void)state;
	assert_int_equal(truncation_survive(), 0);
	map_and_cut(&file);
	assert_int_equal(file.bytes.size, 3 * page_bytes);
	assert_int_equal(file.bytes.data[3 * page_bytes - 1], 0);
	assert_int_equal(file.bytes.data[page_bytes], 0);
	assert_int_equal(file.bytes.data[page_bytes - 1], 'x');
	proc_file_release(file.bytes);
	assert_int_equal(file.bytes.data[2 * page_bytes], 0);
	assert_int_equal(file.bytes.data[0], 'x');
	proc_file_close(&file);
}

/* How a child ends that reads a file's end; 0: well. */
static int signal_of_reader(const struct proc_file *file)
{
	const volatile u8 *last = &file->bytes.data[file->bytes.size - 1];
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(*last);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void a_sigbus_of_another_cause_ends_a_process(void **state)
{
	struct proc_file file;
	int status = 0;
	pid_t pid;

	(void)state;
	assert_int_equal(truncation_survive(), 0);
	map_and_cut(&file);
	assert_int_equal(signal_of_reader(&file), 0);
	truncation_forget(file.bytes);
	assert_int_equal(signal_of_reader(&file), SIGBUS);
	proc_file_close(&file);
	pid = fork();
	if (pid == 0) {
		raise(SIGBUS);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void so_many_files_are_mapped_and_no_more(void **state)
{
	static struct proc_file files[TRUNCATION_MAX], more;
	char path[64];
	struct err err;

	(void)state;
	put_file("one", "1");
	snprintf(path, sizeof(path), "%s/one", root);
	for (size_t i = 0; i < TRUNCATION_MAX; i++)
		assert_int_equal(proc_file_open(path, &files[i], &err), 0);
	assert_int_equal(proc_file_open(path, &more, &err), -ENFILE);
	proc_file_close(&files[7]);
	assert_int_equal(proc_file_open(path, &more, &err), 0);
	proc_file_close(&more);
	for (size_t i = 0; i < TRUNCATION_MAX; i++)
		proc_file_close(&files[i]);
}

/* One that waits for a pipe sleeps, one that asks runs. */
static void threads_that_run(void **state)
{
	struct process self = { .pid = getpid() }, child = { 0 };
	int pipes[2];

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	child.pid = fork();
	if (child.pid == 0) {
		char byte;

		close(pipes[1]);
		_exit(read(pipes[0], &byte, 1) != 0);
	}
	assert_true(process_thread_runs(&self, self.pid));
	assert_false(process_thread_runs(&self, child.pid)); /* no thread of it */
	while (process_thread_runs(&child, child.pid))
		usleep(1000);
	close(pipes[1]);
	assert_int_equal(waitpid(child.pid, NULL, 0), child.pid);
	assert_false(process_thread_runs(&child, child.pid));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_made_up_proc),
		cmocka_unit_test(the_real_proc_holds_this_test),
		cmocka_unit_test(a_root_that_is_not_there),
		cmocka_unit_test(threads_that_run),
		cmocka_unit_test(only_whole_regular_files_are_mapped),
		cmocka_unit_test(what_a_file_is_cut_short_of_reads_as_zeros),
		cmocka_unit_test(a_sigbus_of_another_cause_ends_a_process),
		cmocka_unit_test(so_many_files_are_mapped_and_no_more),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
