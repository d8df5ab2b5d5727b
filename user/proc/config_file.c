/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/config_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

static int too_large(const char *path, size_t max_bytes, struct err *err)
{
	return err_set(err, -EFBIG, "%s: more than the %zu bytes that are allowed", path,
		       max_bytes);
}

static int open_regular(const char *path, size_t max_bytes, int *ret, struct err *err)
{
	CLEANUP(fd_closep) int fd = -1;
	struct stat st;

	/* O_NONBLOCK: opening a FIFO would wait for a writer. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return err_set(err, -EISDIR, "%s: a folder; expected a file", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "%s: not a regular file", path);
	if (st.st_size > (off_t)max_bytes)
		return too_large(path, max_bytes, err);
	*ret = TAKE_FD(fd);
	return 0;
}

int config_file_read(const char *path, size_t max_bytes, char **ret, size_t *ret_size,
		     struct err *err)
{
	CLEANUP(fd_closep) int fd = -1;
	CLEANUP(freep) char *text = NULL;
	size_t size = 0;
	ssize_t n;
	int rc = open_regular(path, max_bytes, &fd, err);

	if (rc)
		return rc;
	text = malloc(max_bytes + 1);
	if (!text)
		return err_set(err, -ENOMEM, "%s: out of memory", path);
	/* It may have grown since: one byte more than is allowed tells. */
	while ((n = read(fd, text + size, max_bytes + 1 - size)) > 0)
		size += (size_t)n;
	if (n < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (size > max_bytes)
		return too_large(path, max_bytes, err);
	*ret = TAKE_PTR(text);
	*ret_size = size;
	return 0;
}

static bool is_wanted(const char *name, const char *suffix)
{
	size_t len = strlen(name), suffix_len = strlen(suffix);

	return name[0] != '.' && len > suffix_len && !strcmp(name + len - suffix_len, suffix);
}

static void closedirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list(DIR *dir, const char *suffix, size_t max, struct config_folder *into)
{
	const struct dirent *entry;

	into->name = calloc(max + 1, sizeof(*into->name));
	if (!into->name)
		return -ENOMEM;
	while (errno = 0, (entry = readdir(dir))) {
		if (!is_wanted(entry->d_name, suffix))
			continue;
		if (into->count == max)
			return -E2BIG;
		into->name[into->count] = strdup(entry->d_name);
		if (!into->name[into->count++])
			return -ENOMEM;
	}
	if (errno)
		return -errno;
	qsort(into->name, into->count, sizeof(*into->name), by_bytes);
	return 0;
}

int config_folder_list(const char *path, const char *suffix, size_t max, struct config_folder *ret,
		       struct err *err)
{
	CLEANUP(config_folder_done) struct config_folder folder = { 0 };
	CLEANUP(closedirp) DIR *dir = opendir(path);
	int rc;

	if (!dir)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	rc = list(dir, suffix, max, &folder);
	if (rc == -E2BIG)
		return err_set(err, rc, "%s: more than %zu files *%s", path, max, suffix);
	if (rc)
		return err_set(err, rc, "%s: %s", path, strerror(-rc));
	*ret = folder;
	folder = (struct config_folder) { 0 };
	return 0;
}

void config_folder_done(struct config_folder *folder)
{
	for (size_t i = 0; i < folder->count; i++)
		free(folder->name[i]);
	free(folder->name);
	*folder = (struct config_folder) { 0 };
}
