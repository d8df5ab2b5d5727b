/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/units.h"
#include "proc/truncation.h"

static int check_kind(const char *path, const struct stat *st, struct err *err)
{
	if (!S_ISREG(st->st_mode))
		return err_set(err, -EINVAL, "%s: not a regular file", path);
	if (st->st_size <= 0)
		return err_set(err, -ENODATA, "%s: empty file", path);
	if ((u64)st->st_size > PROC_FILE_MAX_BYTES)
		return err_set(err, -EFBIG, "%s: %lld bytes, more than the %llu that are allowed",
			       path, (long long)st->st_size, PROC_FILE_MAX_BYTES);
	return 0;
}

static u64 to_ns(struct timespec t)
{
	return (u64)t.tv_sec * NS_PER_S + (u64)t.tv_nsec;
}

static int map(int fd, const char *path, size_t size, struct bytes *ret, struct err *err)
{
	void *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	struct bytes mapping = { .data = data, .size = size };

	if (data == MAP_FAILED)
		return err_set(err, -errno, "%s: mmap: %s", path, strerror(errno));
	if (truncation_watch(mapping)) {
		munmap(data, size);
		return err_set(err, -ENFILE, "%s: %d files are mapped, no more are", path,
			       TRUNCATION_MAX);
	}
	*ret = mapping;
	return 0;
}

int proc_file_open(const char *path, struct proc_file *ret, struct err *err)
{
	CLEANUP(fd_closep) int fd = -1;
	struct bytes bytes;
	struct stat st;
	int rc;

	/* O_NONBLOCK: opening a FIFO would wait for a writer. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	rc = check_kind(path, &st, err);
	if (!rc)
		rc = map(fd, path, (size_t)st.st_size, &bytes, err);
	if (rc)
		return rc;

	*ret = (struct proc_file) {
		.bytes = bytes,
		.dev = st.st_dev,
		.ino = st.st_ino,
		.mtime_ns = to_ns(st.st_mtim),
		.ctime_ns = to_ns(st.st_ctim),
	};
	return 0;
}

void proc_file_release(struct bytes range)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t ahead = (uintptr_t)range.data % page;

	/* Pages that it shares with its neighbours go too: nobody wrote to them. If it fails, they
	 * just stay. */
	(void)madvise((void *)(range.data - ahead), range.size + ahead, MADV_DONTNEED);
}

void proc_file_close(struct proc_file *file)
{
	if (file->bytes.data) {
		truncation_forget(file->bytes);
		munmap((void *)file->bytes.data, file->bytes.size);
	}
	*file = (struct proc_file) { 0 };
}

void proc_fd_path(char ret[static PROC_FD_PATH_BYTES], int fd)
{
	snprintf(ret, PROC_FD_PATH_BYTES, "/proc/self/fd/%d", fd);
}
