/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/rules_files.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "proc/config_file.h"

/* Into *set, which is made by the first of them. */
static int read_file(const char *path, struct ruleset **set, struct err *err)
{
	CLEANUP(freep) char *yaml = NULL;
	size_t size;
	int rc = config_file_read(path, RULESET_FILE_MAX_BYTES, &yaml, &size, err);

	if (rc)
		return rc;
	return *set ? ruleset_add(*set, path, yaml, size, err)
		    : ruleset_new(set, path, yaml, size, err);
}

/* folder/name; an absolute name stays as it is. */
static int join(char ret[static PATH_MAX], const char *folder, size_t folder_len, const char *name,
		struct err *err)
{
	int len;

	if (*name == '/')
		folder_len = 0;
	len = snprintf(ret, PATH_MAX, "%.*s%s%s", (int)folder_len, folder,
		       folder_len && folder[folder_len - 1] != '/' ? "/" : "", name);
	return len < 0 || len >= PATH_MAX ? err_set(err, -ENAMETOOLONG, "%s: path too long", name)
					  : 0;
}

static int read_all(const char *folder, const struct config_folder *files, struct ruleset *set,
		    struct err *err)
{
	char path[PATH_MAX];
	int rc = 0;

	for (size_t i = 0; !rc && i < files->count; i++) {
		rc = join(path, folder, strlen(folder), files->name[i], err);
		if (!rc)
			rc = read_file(path, &set, err);
	}
	return rc;
}

static int read_include(const char *path, struct ruleset *set, size_t *ret_included,
			struct err *err)
{
	const char *include = ruleset_include(set), *slash = strrchr(path, '/');
	CLEANUP(config_folder_done) struct config_folder files = { 0 };
	char folder[PATH_MAX];
	int rc;

	if (!include)
		return 0;
	rc = join(folder, path, slash ? (size_t)(slash - path) + 1 : 0, include, err);
	if (!rc)
		rc = config_folder_list(folder, ".yaml", RULESET_FILES_MAX - 1, &files, err);
	if (rc)
		return err_prefix(err, rc, "%s: include", path);
	*ret_included = files.count;
	return read_all(folder, &files, set, err);
}

int rules_files_read(const char *path, struct ruleset **ret, size_t *ret_included, struct err *err)
{
	CLEANUP(ruleset_freep) struct ruleset *set = NULL;
	size_t included = 0;
	int rc = read_file(path, &set, err);

	if (!rc)
		rc = read_include(path, set, &included, err);
	if (rc)
		return rc;
	if (ret_included)
		*ret_included = included;
	*ret = TAKE_PTR(set);
	return 0;
}
